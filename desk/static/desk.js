// The desk's pages: times, drafts, focus and scrolling. What the pages show comes from the server through htmx.
"use strict";

(() => {
  const conversation = document.querySelector("[data-conversation]");
  const draftKey = conversation ? `draft-${conversation.dataset.conversation}` : null;
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

  function span(since) {
    const minutes = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 60000));
    if (minutes < 1) return "< 1 min";
    if (minutes < 60) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
  }

  function showTimes() {
    for (const element of document.querySelectorAll("[data-since]")) {
      element.textContent = `waiting ${span(element.dataset.since)}`;
      element.classList.toggle("long", Date.now() - Date.parse(element.dataset.since) > 5 * 60000);
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

  // The transcript follows the newest message unless the reader has scrolled up.
  const messages = document.getElementById("messages");
  let following = true;
  function scrollDown() {
    if (messages && following) messages.scrollTop = messages.scrollHeight;
  }
  messages?.addEventListener("scroll", () => {
    following = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 60;
  });

  // --- replies: the box is free at once, what is on its way is kept until the assistant has it

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

  const failure = document.getElementById("failure");
  function fail(sentence) {
    failure.textContent = sentence;
    failure.hidden = false;
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

  document.addEventListener("htmx:beforeRequest", () => {
    failure.hidden = true;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    showTimes();
    scrollDown();
    restoreDraft();
    const action = event.detail.requestConfig?.verb === "post";
    if (action) document.getElementById("reply")?.focus();
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => {
      if (event.detail.requestConfig?.verb === "post") {
        fail("The desk did not answer. What you wrote is still here: check the conversation, then try again.");
      }
    });
  }
  document.addEventListener("htmx:responseError", (event) => {
    fail(event.detail.xhr.responseText || "Something went wrong. Reload the page and try again.");
  });

  const live = document.getElementById("live");
  document.addEventListener("htmx:sseOpen", () => {
    live.textContent = "Live";
    live.dataset.state = "live";
  });
  document.addEventListener("htmx:sseError", () => {
    live.textContent = "Reconnecting…";
    live.dataset.state = "reconnecting";
  });

  showTimes();
  scrollDown();
  restoreDraft();
  document.getElementById("reply")?.focus({ preventScroll: true });
  setInterval(showTimes, 10000);
})();
