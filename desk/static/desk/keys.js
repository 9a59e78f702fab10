// Keyboard shortcuts, as the dialog desk/_keys.html lists them. None fires while somebody types.

const dialog = document.getElementById("keys");
const VIEWS = { q: "queue", m: "mine", l: "longest", t: "tasks", a: "all" };
const SWITCH = "shortcuts-off";
const CHORD_MS = 1500;
let chordUntil = 0;

const press = (id) => document.getElementById(id)?.click();
const isField = (element) => Boolean(element.closest("input, textarea, select, [contenteditable='true']"));

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  t: () => press("take"),
  n: () => press("take-next"),
  r: () => document.getElementById("reply")?.focus(),
  "/": () => document.getElementById("q")?.select(),
  g: () => {
    chordUntil = Date.now() + CHORD_MS;
  },
  Escape: () => press("back"),
};

/** Move the focus along the list; from elsewhere, to the open conversation's neighbour or the first. */
function step(by) {
  const rows = [...document.querySelectorAll("#inbox .row")];
  const current = rows.indexOf(document.activeElement.closest(".row") ?? document.querySelector(".row[aria-current]"));
  const next = current < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, current + by));
  rows[next]?.focus();
}

document.addEventListener("keydown", (event) => {
  if (!dialog || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (isField(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "?") dialog.showModal();
  else if (localStorage.getItem(SWITCH)) return;
  else if (Date.now() < chordUntil && VIEWS[event.key]) {
    chordUntil = 0;
    press(`view-${VIEWS[event.key]}`);
  } else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
});

document.getElementById("show-keys")?.addEventListener("click", () => dialog.showModal());

const toggle = document.getElementById("keys-on");
if (toggle) {
  toggle.checked = !localStorage.getItem(SWITCH);
  toggle.addEventListener("change", () => {
    if (toggle.checked) localStorage.removeItem(SWITCH);
    else localStorage.setItem(SWITCH, "1");
  });
}
