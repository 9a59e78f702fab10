// The copilot: suggestions go into the reply box with one key, other words for a draft, dialogs before anything is done.

const replyBox = () => document.getElementById("reply");
const said = (sentence) => {
  const line = document.getElementById("draft-said");
  if (line) line.textContent = sentence;
};
let before = null; // the draft before it was rewritten

function token() {
  return document.querySelector("#reply-form [name=csrf_token]").value;
}

async function send(address, fields) {
  const response = await fetch(address, {
    method: "POST",
    body: new URLSearchParams({ csrf_token: token(), ...fields }),
    headers: { Accept: "application/json" },
    signal: AbortSignal.timeout(15000),
  });
  const answer = await response.json().catch(() => ({}));
  return response.ok ? answer : { error: answer.error || "Something went wrong. Try again in a moment." };
}

function write(text) {
  const box = replyBox();
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

// --- suggestions and passages

function insert(button) {
  const box = replyBox();
  if (!box) return;
  const { insert: text, record, kind, sources } = button.dataset;
  document.querySelector(".panes a[data-show=chat]")?.click();
  write([box.value.trimEnd(), text].filter(Boolean).join("\n"));
  box.focus();
  box.setSelectionRange(box.value.length, box.value.length);
  box.scrollTop = box.scrollHeight;
  said("Inserted. Change it as you like before you send it.");
  // What is kept of it is for learning: the reply does not wait for it, nor fail with it.
  send(record, { text, kind, sources }).catch(() => {});
}

document.addEventListener("keydown", (event) => {
  const digit = /^Digit([1-3])$/.exec(event.code)?.[1];
  if (!digit || event.ctrlKey || event.metaKey || event.shiftKey || document.querySelector("dialog[open]")) return;
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  // A digit alone counts only within the panel: elsewhere it may be somebody's speech input or slip.
  if (!event.altKey && (typing || !event.target.closest?.("[data-copilot]"))) return;
  const button = document.querySelector(`#copilot-live [data-key="${digit}"]`);
  if (!button) return;
  event.preventDefault();
  insert(button);
});

// --- dialogs, and all clicks

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.insert !== undefined) insert(button);
  else if (button.dataset.opens) document.getElementById(button.dataset.opens)?.showModal();
  else if (button.dataset.closes !== undefined) button.closest("dialog").close();
  else if (button.dataset.style) rewrite(button);
  else if (button.id === "rewrite-undo") undo();
});

// --- other words

async function rewrite(button) {
  const box = replyBox();
  const group = button.closest("[data-rewrite]");
  const original = box.value;
  if (!original.trim()) return said("Write something first.");
  said("Looking for other words…");
  for (const each of group.querySelectorAll("button")) each.disabled = true;
  const answer = await send(group.dataset.rewrite, { text: original, style: button.dataset.style }).catch(() => ({
    error: "There was no answer. Your reply is as it was.",
  }));
  for (const each of group.querySelectorAll("button")) each.disabled = false;
  button.focus();
  if (answer.error) return said(answer.error);
  if (replyBox()?.value !== original) return said("You went on writing, so your reply is as it was.");
  before = original;
  write(answer.text);
  document.getElementById("rewrite-undo").hidden = false;
  said(`${button.textContent.trim()}: check it before you send it.`);
}

function undo() {
  if (before !== null) write(before);
  forget();
  said("Your own words are back.");
  replyBox()?.focus();
}

function forget() {
  before = null;
  const button = document.getElementById("rewrite-undo");
  if (button) button.hidden = true;
}

document.addEventListener("desk:replied", (event) => {
  forget();
  said(event.detail.hint || "");
});

// --- new suggestions when the customer writes; never under an open dialog or the agent's finger

let due = false;

function refresh() {
  const live = document.getElementById("copilot-live");
  if (!live || !due) return;
  if (live.contains(document.activeElement) || live.querySelector("dialog[open]")) return;
  due = false;
  live.setAttribute("aria-busy", "true");
  window.htmx.trigger(live, "copilot-refresh");
}

const messages = document.getElementById("messages");
if (messages) {
  new MutationObserver((changes) => {
    const added = changes.flatMap((change) => [...change.addedNodes]);
    if (added.some((node) => node.dataset?.who === "customer")) due = true;
    refresh();
  }).observe(messages, { childList: true });
}
document.addEventListener("focusout", () => setTimeout(refresh));
document.addEventListener("copilot-ran", (event) => {
  event.target.closest("dialog")?.close();
  due = true;
  replyBox()?.focus();
  refresh();
});
document.addEventListener("htmx:afterSettle", () => {
  document.getElementById("copilot-live")?.setAttribute("aria-busy", "false");
});

// --- the desk has changed something that the whole page shows

let moved = false; // the part that had the focus is about to be drawn anew

document.body.addEventListener("desk-changed", () => {
  const updates = document.getElementById("updates");
  moved = true;
  if (updates) window.htmx.trigger(updates, "sse:conversation");
});
document.addEventListener("htmx:afterSettle", () => {
  const lost = !document.activeElement || document.activeElement === document.body;
  if (!moved || !lost) return;
  moved = false;
  (replyBox() ?? document.getElementById("finish"))?.focus();
});
