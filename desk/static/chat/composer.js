// The message box: Enter sends, the length is watched, and a text that is too long is kept, never cut.

export const MAX_CHARACTERS = 1000;
const NOTE_FROM = 800;

export class Composer {
  /** `onSend(text)` is called with a text that can be sent. */
  constructor(form, onSend) {
    this.form = form;
    this.box = form.querySelector("textarea");
    this.note = form.querySelector("#count");
    this.onSend = onSend;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.box.addEventListener("input", () => this.changed());
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.send();
      }
    });
  }

  get length() {
    return [...this.box.value.trim()].length;
  }

  send() {
    const text = this.box.value.trim();
    if (!text || this.length > MAX_CHARACTERS) {
      this.changed(true);
      this.box.focus();
      return;
    }
    this.box.value = "";
    this.changed();
    this.onSend(text);
    this.box.focus();
  }

  changed() {
    const length = this.length;
    const over = length - MAX_CHARACTERS;
    const [used, most] = [length.toLocaleString("en-GB"), MAX_CHARACTERS.toLocaleString("en-GB")];
    if (over > 0) {
      this.note.textContent =
        `Your message has ${used} characters. Shorten it to ${most}, or send it in parts: nothing has been lost.`;
    } else if (length >= NOTE_FROM) {
      this.note.textContent = `${used} of ${most} characters`;
    } else {
      this.note.textContent = "";
    }
    this.note.classList.toggle("error", over > 0);
    this.box.setAttribute("aria-invalid", String(over > 0));
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight + 2, 160)}px`;
  }
}
