// Times in the reader's own clock, and how long somebody has waited.

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const SOON = 2 * 60000;
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** A length of time in words: "< 1 min", "5 min", "2 h", "2 h 5 min", "3 days". */
export function span(milliseconds) {
  const minutes = Math.max(0, Math.floor(milliseconds / 60000));
  if (minutes < 1) return "< 1 min";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return days === 1 ? "1 day" : `${days} days`;
}

function showTimes() {
  for (const element of document.querySelectorAll("[data-since]")) {
    const waited = Date.now() - Date.parse(element.dataset.since);
    element.textContent = `waiting ${span(waited)}`;
    element.classList.toggle("long", waited > 5 * 60000);
  }
  for (const element of document.querySelectorAll("[data-sla]")) showPromise(element);
  for (const element of document.querySelectorAll("[data-when]")) {
    const at = new Date(element.dataset.when);
    element.textContent = `${day.format(at)}, ${clock.format(at)}`;
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

/** How long is left until the promised time, in words and with a state for the colour. */
function showPromise(element) {
  const left = Date.parse(element.dataset.sla) - Date.now();
  const what = element.dataset.what ?? "answer ";
  element.textContent = left < 0 ? `${what}${span(-left)} late` : `${what}due in ${span(left)}`;
  if (left < 0) element.dataset.state = "late";
  else element.dataset.state = left < SOON ? "soon" : "open";
}

document.addEventListener("htmx:afterSettle", showTimes);
setInterval(showTimes, 10000);
showTimes();
