// The socket to the assistant: opens with the session's token, comes back by itself, and says how it is.

import { io } from "/static/vendor/socket.io.esm.min.js";
import * as session from "./session.js";

const REFUSED = ["token_expired", "token_invalid", "token_revoked"];

export class Connection {
  /**
   * Calls `onReady()` at each (re)connection, `onMessage(bubble)`, `onPartial({id, sentences, done})` for a reply that
   * is being written, `onState(state)`; see STATES in app.js.
   */
  constructor({ onReady, onMessage, onPartial, onState }) {
    Object.assign(this, { onReady, onMessage, onPartial, onState });
    this.socket = null;
    this.ready = false;
    this.wasReady = false;
    this.turns = new Set(); // those that the assistant has told of and that are not over
    // Without a network an open socket dies unnoticed for most of a minute: better to close it and try again.
    window.addEventListener("offline", () => this.socket?.io.engine?.close());
    window.addEventListener("online", () => this.retryNow());
  }

  /** Open the session, then the socket; keeps trying while the desk is down. */
  async start() {
    this.state(this.wasReady ? "reconnecting" : "connecting");
    let opened;
    try {
      opened = await session.open();
    } catch {
      this.state(navigator.onLine ? "down" : "offline");
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.start(), 2000);
      return;
    }
    this.renewInTime();
    this.socket?.close();
    const socket = io(opened.assistant_url, {
      auth: (give) => session.open().then(({ token }) => give({ token }), () => give({})),
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 4000,
      timeout: 8000,
    });
    this.socket = socket;
    socket.on("connect", () => socket.emit("session_request", {}));
    socket.on("session_confirm", () => {
      this.ready = this.wasReady = true;
      this.state("ready");
      this.onReady();
    });
    socket.on("bot_uttered", (bubble) => this.onMessage(bubble));
    socket.on("bot_partial", (reply) => {
      if (reply.done) this.turns.delete(reply.id);
      else this.turns.add(reply.id);
      this.onPartial(reply);
    });
    socket.on("session_expired", () => this.renew());
    socket.on("disconnect", (reason) => {
      this.ready = false;
      this.turns.clear();
      this.state(navigator.onLine ? "reconnecting" : "offline");
      // After a disconnect by the server the client does not try again by itself.
      if (reason === "io server disconnect") this.retrySoon();
    });
    socket.on("connect_error", (error) => {
      this.ready = false;
      this.state(navigator.onLine ? (this.wasReady ? "reconnecting" : "down") : "offline");
      if (REFUSED.includes(error.message)) this.renew();
      else if (!socket.active) this.retrySoon();
    });
  }

  /** The open socket goes on with the next token; one that missed it is closed by the assistant and comes back. */
  renewInTime() {
    clearTimeout(this.renewal);
    this.renewal = setTimeout(async () => {
      try {
        const { token } = await session.open();
        if (this.socket?.connected) this.socket.emit("session_renew", { token });
      } catch {
        // The desk is down: once more in a second.
      }
      this.renewInTime();
    }, session.renewIn());
  }

  /** Send a message; resolves when its turn is over, and rejects if the connection breaks before that. */
  send(content) {
    return new Promise((resolve, reject) => {
      const socket = this.socket;
      const broken = () => reject(new Error("disconnected"));
      socket.once("disconnect", broken);
      socket.emit("user_uttered", content, () => {
        socket.off("disconnect", broken);
        resolve();
      });
    });
  }

  /** End this session's socket, before another session begins. */
  stop() {
    clearTimeout(this.timer);
    clearTimeout(this.renewal);
    this.ready = this.wasReady = false;
    this.socket?.close();
    this.socket = null;
  }

  async renew() {
    try {
      await session.open({ renew: true });
    } catch {
      // The desk is down as well; retrySoon comes here again.
    }
    this.retrySoon();
  }

  retrySoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.retryNow(), 1000);
  }

  retryNow() {
    if (this.ready) return;
    if (this.socket) this.socket.connect();
    else this.start();
  }

  state(name) {
    this.onState(name);
  }
}
