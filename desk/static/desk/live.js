// Whether the page is connected, and what went wrong with a request.

const failure = document.getElementById("failure");

export function fail(sentence) {
  failure.textContent = sentence;
  failure.hidden = false;
}

document.addEventListener("htmx:beforeRequest", () => {
  failure.hidden = true;
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
