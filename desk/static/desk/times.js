// Times in the reader's own clock, and how long somebody has waited.

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** A length of time in words: "< 1 min", "5 min", "2 h 5 min", "3 days". */
export function span(milliseconds) {
  const minutes = Math.max(0, Math.floor(milliseconds / 60000));
  if (minutes < 1) return "< 1 min";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

function showTimes() {
  for (const element of document.querySelectorAll("[data-since]")) {
    const waited = Date.now() - Date.parse(element.dataset.since);
    element.textContent = `waiting ${span(waited)}`;
    element.classList.toggle("long", waited > 5 * 60000);
  }
  for (const element of document.querySelectorAll("[data-ago]")) {
    const at = new Date(element.dataset.ago);
    const today = at.toDateString() === new Date().toDateString();
    element.textContent = today ? clock.format(at) : day.format(at);
  }
  for (const element of document.querySelectorAll("[data-clock]")) {
    element.textContent = clock.format(new Date(element.dataset.clock));
  }
}

document.addEventListener("htmx:afterSettle", showTimes);
setInterval(showTimes, 10000);
showTimes();
