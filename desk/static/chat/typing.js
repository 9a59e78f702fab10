// Who is writing while a person helps: tells the desk that the customer writes, and asks whether the agent does.

import * as session from "./session.js";

const ASK_MS = 2500;
const TELL_MS = 3000;
const PAUSE_MS = 5000;

export class Typing {
  /** `box` is the customer's message box; `onAgent(name or null)` is called when the agent begins or stops writing. */
  constructor(box, onAgent) {
    this.onAgent = onAgent;
    this.active = false;
    this.agent = null;
    this.toldAt = 0;
    box.addEventListener("input", () => (box.value.trim() ? this.writing() : this.stopped()));
  }

  /** On while a person owns the conversation. */
  set(active) {
    if (active === this.active) return;
    this.active = active;
    clearInterval(this.timer);
    if (active) this.timer = setInterval(() => this.ask(), ASK_MS);
    else this.show(null);
  }

  writing() {
    if (!this.active) return;
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.stopped(), PAUSE_MS);
    if (Date.now() - this.toldAt < TELL_MS) return;
    this.toldAt = Date.now();
    session.tellWriting(true);
  }

  /** The customer has sent the text, emptied the box, or thinks. */
  stopped() {
    clearTimeout(this.pause);
    if (!this.toldAt) return;
    this.toldAt = 0;
    if (this.active) session.tellWriting(false);
  }

  async ask() {
    if (document.hidden) return;
    const name = await session.whoWrites();
    if (this.active) this.show(name);
  }

  show(name) {
    if (!name && !this.agent) return;
    this.agent = name;
    this.onAgent(name);
  }
}
