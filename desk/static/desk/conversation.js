// One conversation's page: parts as tabs on a phone, links to turns, links in replies, and who is writing.

const main = document.querySelector("[data-conversation]");
const TYPING_MS = 3000;
let toldAt = 0;

// --- parts: on a narrow screen one at a time

function show(pane) {
  main.dataset.pane = pane;
  for (const link of main.querySelectorAll(".panes a")) {
    if (link.dataset.show === pane) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

main?.querySelector(".panes").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link) return;
  event.preventDefault();
  show(link.dataset.show);
  if (link.dataset.show === "chat") document.getElementById("messages").scrollTop = 1e9;
});
if (main) show("chat");

// --- links to turns: bring the turn into view, mark it, and give it the focus

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#turn-']");
  const turn = link && document.getElementById(link.hash.slice(1));
  if (!turn) return;
  event.preventDefault();
  show("chat");
  for (const marked of document.querySelectorAll(".message.pointed")) marked.classList.remove("pointed");
  turn.classList.add("pointed");
  turn.scrollIntoView({ block: "center" });
  turn.focus({ preventScroll: true });
});

// --- a link in a reply is a line "Title: address"

document.addEventListener("submit", (event) => {
  if (event.target.id !== "link-form") return;
  event.preventDefault();
  const [title, address] = ["link-title", "link-address"].map((id) => document.getElementById(id));
  const reply = document.getElementById("reply");
  const line = `${title.value.trim()}: ${address.value.trim()}`;
  reply.value = reply.value.trim() ? `${reply.value.trimEnd()}\n${line}` : line;
  title.value = address.value = "";
  event.target.closest("details").open = false;
  reply.focus();
  reply.dispatchEvent(new Event("input", { bubbles: true }));
});

// Escape closes an open tool and gives the focus back to its name.
document.addEventListener("keydown", (event) => {
  const tool = event.key === "Escape" && event.target.closest?.("details.tool[open]");
  if (!tool) return;
  tool.open = false;
  tool.querySelector("summary").focus();
});

// --- the customer's page shows that the agent is writing

document.addEventListener("input", (event) => {
  if (event.target.id !== "reply" || !event.target.value || event.target.value.startsWith("/")) return;
  if (Date.now() - toldAt < TYPING_MS) return;
  toldAt = Date.now();
  const { conversation } = event.target.form.dataset;
  const token = event.target.form.elements.csrf_token.value;
  fetch(`/desk/conversations/${conversation}/typing`, { method: "POST", headers: { "X-CSRF-Token": token } }).catch(() => {
    // Only a hint: the next keystroke tells it again.
  });
});
document.addEventListener("submit", (event) => {
  if (event.target.id === "reply-form") toldAt = 0;
});
