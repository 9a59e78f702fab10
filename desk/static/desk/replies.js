// Ready-made replies: "/" in an empty reply box opens the list, typing narrows it, Enter puts the chosen one in.

const PLACE = /\{[a-z][a-z0-9_]*\}/;
const box = () => document.getElementById("reply");
const popup = () => document.getElementById("ready");
let chosen = -1;
let asked = 0;
// While the list is on its way: "" or the key that was pressed already.
let awaited = null;

const isOpen = () => popup() && !popup().hidden;
const options = () => [...(popup()?.querySelectorAll("[role=option]") ?? [])];

async function open(query) {
  const mine = ++asked;
  awaited ??= "";
  const { conversation } = box().form.dataset;
  const name = document.querySelector("[data-first-name]")?.dataset.firstName ?? "";
  try {
    const response = await fetch(`/desk/conversations/${conversation}/replies?${new URLSearchParams({ q: query, name })}`, {
      headers: { "HX-Request": "true" },
    });
    if (!response.ok) throw new Error(response.statusText);
    if (mine === asked && popup()) popup().innerHTML = await response.text();
  } catch {
    if (mine === asked) awaited = null;
    return;
  }
  if (mine !== asked || !popup()) return;
  popup().hidden = false;
  choose(0);
  if (awaited === "Enter" && options()[chosen]) insert(options()[chosen]);
  awaited = null;
}

function close() {
  asked += 1;
  chosen = -1;
  awaited = null;
  if (popup()) popup().hidden = true;
  box()?.removeAttribute("aria-activedescendant");
  box()?.removeAttribute("aria-controls");
}

function choose(index) {
  const rows = options();
  if (!rows.length) return;
  chosen = (index + rows.length) % rows.length;
  rows.forEach((row, number) => row.setAttribute("aria-selected", String(number === chosen)));
  rows[chosen].scrollIntoView({ block: "nearest" });
  box().setAttribute("aria-controls", "ready-replies");
  box().setAttribute("aria-activedescendant", rows[chosen].id);
}

function insert(row) {
  const area = box();
  const before = area.value.startsWith("/") ? "" : area.value;
  area.value = before ? `${before.trimEnd()} ${row.dataset.text}` : row.dataset.text;
  close();
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
  selectPlace(area);
}

/** Select the first open place, so that the next keystroke fills it. */
function selectPlace(area) {
  const place = area.value.match(PLACE);
  if (place) area.setSelectionRange(place.index, place.index + place[0].length);
}

document.addEventListener("input", (event) => {
  if (event.target.id !== "reply") return;
  const typed = event.target.value.match(/^\/([a-z0-9 -]*)$/i);
  if (typed) open(typed[1]);
  else close();
});

// In the capture phase: Enter chooses here before the reply box would send.
document.addEventListener(
  "keydown",
  (event) => {
    if (event.target.id !== "reply" || event.isComposing) return;
    if (event.key === "Tab" && PLACE.test(event.target.value) && !event.shiftKey && !isOpen()) {
      const { selectionStart, selectionEnd, value } = event.target;
      const next = value.slice(selectionEnd).match(PLACE);
      if (next && selectionStart !== selectionEnd) {
        event.preventDefault();
        const start = selectionEnd + next.index;
        event.target.setSelectionRange(start, start + next[0].length);
      }
      return;
    }
    if (awaited !== null && event.key === "Escape") close();
    else if (awaited !== null && event.key === "Enter" && !event.shiftKey) awaited = "Enter";
    else if (!isOpen()) return;
    else if (!moved(event)) return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);

/** What a key does in the open list; false if it does nothing there. */
function moved(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) choose(chosen + step);
  else if (event.key === "Enter" && options()[chosen]) insert(options()[chosen]);
  else if (event.key === "Escape") close();
  else return false;
  return true;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("#open-replies")) {
    if (isOpen()) close();
    else open("");
    box().focus();
  } else if (event.target.closest("#ready [role=option]")) insert(event.target.closest("[role=option]"));
  else if (isOpen() && !event.target.closest("#reply-form")) close();
});

function show() {
  const button = document.getElementById("open-replies");
  if (button) button.hidden = false;
}
document.addEventListener("htmx:afterSettle", show);
show();
