// The transcript follows the newest message unless the reader has scrolled up.

const messages = document.getElementById("messages");
let following = true;

function scrollDown() {
  if (messages && following) messages.scrollTop = messages.scrollHeight;
}

messages?.addEventListener("scroll", () => {
  following = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 60;
});
document.addEventListener("htmx:afterSettle", scrollDown);
scrollDown();
