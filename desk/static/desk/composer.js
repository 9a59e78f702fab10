// The reply box: it is free at once, and what is on its way is kept until the assistant has it.

const conversation = document.querySelector("[data-conversation]");
const draftKey = conversation ? `draft-${conversation.dataset.conversation}` : null;
const unsent = [];
let sending = false;
const replyBox = () => document.getElementById("reply");

function restoreDraft() {
  const box = replyBox();
  if (!box) return;
  if (!box.value && !sending) box.value = sessionStorage.getItem(draftKey) || "";
  fit(box);
}

function keepDraft() {
  const texts = [...unsent, replyBox()?.value].filter(Boolean);
  if (texts.length) sessionStorage.setItem(draftKey, texts.join("\n"));
  else sessionStorage.removeItem(draftKey);
}

async function sendReplies(form) {
  if (sending) return;
  sending = true;
  document.getElementById("sending").hidden = false;
  const token = form.elements.csrf_token.value;
  let error = "";
  while (unsent.length && !error) {
    error = await post(form.action, new URLSearchParams({ csrf_token: token, text: unsent[0] }));
    if (!error) unsent.shift();
    keepDraft();
  }
  sending = false;
  const note = document.getElementById("sending");
  if (note) note.hidden = true;
  if (error) giveBack(error);
}

/** Send one reply; resolves to the sentence that says why it was not sent, or to "". */
async function post(address, body) {
  let response;
  try {
    response = await fetch(address, {
      method: "POST",
      body,
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(20000),
    });
  } catch {
    return "The desk did not answer. Check the conversation before you send this again.";
  }
  if (response.status === 401) {
    location.assign("/desk/login");
    return "Your log-in has ended.";
  }
  if (response.ok) return "";
  const answer = await response.json().catch(() => ({}));
  return answer.error || "Something went wrong. Try again in a moment.";
}

function giveBack(error) {
  const box = replyBox();
  const line = document.getElementById("action-error");
  line.textContent = error;
  line.hidden = false;
  if (box) {
    box.value = [...unsent, box.value].filter(Boolean).join("\n");
    fit(box);
  }
  keepDraft();
  unsent.length = 0;
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "reply-form") return;
  event.preventDefault();
  const box = replyBox();
  if (!box.value.trim()) return;
  document.getElementById("action-error").hidden = true;
  unsent.push(box.value);
  box.value = "";
  fit(box);
  box.focus();
  sendReplies(event.target);
});

function fit(textarea) {
  textarea.style.height = "auto";
  textarea.style.height = `${Math.min(textarea.scrollHeight + 2, 200)}px`;
}

document.addEventListener("input", (event) => {
  if (event.target.id !== "reply") return;
  keepDraft();
  fit(event.target);
});

document.addEventListener("keydown", (event) => {
  if (event.target.id !== "reply" || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (event.target.value.trim()) event.target.form.requestSubmit();
});

document.addEventListener("htmx:afterSettle", (event) => {
  restoreDraft();
  if (event.detail.requestConfig?.verb === "post") replyBox()?.focus();
});
restoreDraft();
replyBox()?.focus({ preventScroll: true });
