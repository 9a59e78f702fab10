// Draws the messages. Every text is set as text, never as markup.

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function author(item) {
  if (item.who === "customer") return "You";
  if (item.who === "agent") return item.agentName || "Northlight team";
  return "Assistant";
}

function delivery(item) {
  if (!item.state || (item.arrived && item.inFlight)) return "";
  return item.inFlight ? "Sending…" : "Waiting to be sent";
}

/** The text without its "Source: ..." lines when the sources are shown under it. */
function shownText(item) {
  if (item.sentences) return item.sentences.join(" ");
  if (!item.sources?.length) return item.text;
  return item.text.replace(/^Sources?: .*$/gm, "").trim();
}

function shownSources(item) {
  if (!item.sources?.length) return "";
  const label = item.sources.length === 1 ? "Source" : "Sources";
  return `${label}: ${item.sources.map((source) => source.title).join(", ")}`;
}

const ADDRESS = /(https:\/\/[^\s<>"']*[^\s<>"'.,;:!?)])/;

/** An agent's text with its secure addresses as links, which the desk has checked before they were sent. */
function linked(text) {
  return text.split(ADDRESS).map((part, number) => {
    if (number % 2 === 0) return part;
    const link = element("a", "", part);
    Object.assign(link, { href: part, target: "_blank", rel: "noopener noreferrer" });
    return link;
  });
}

export class LogView {
  /** `log` is the element with role=log; `onChoice(reply, item)` is called when a quick reply is pressed. */
  constructor(log, onChoice) {
    this.log = log;
    this.onChoice = onChoice;
    this.nodes = new Map();
    this.following = true;
    log.addEventListener("scroll", () => {
      this.following = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    });
  }

  /** Make the log show exactly these items; nodes of messages that stay are kept, so nothing is announced twice. */
  show(items, canChoose) {
    const keys = new Set(items.map((item) => item.key));
    for (const [key, node] of this.nodes) {
      if (!keys.has(key)) {
        node.remove();
        this.nodes.delete(key);
      }
    }
    const choosable = canChoose ? this.choosable(items) : null;
    let place = this.log.firstElementChild;
    for (const item of items) {
      let node = this.nodes.get(item.key);
      if (!node) {
        node = this.draw(item);
        this.nodes.set(item.key, node);
      }
      this.update(node, item, item === choosable);
      if (node === place) place = place.nextElementSibling;
      else this.log.insertBefore(node, place);
    }
    this.scroll();
  }

  /** Only the newest question can still be answered with its buttons. */
  choosable(items) {
    const last = items.findLast((item) => !item.notice);
    return last?.who === "bot" && last.quickReplies?.length ? last : null;
  }

  draw(item) {
    const kind = item.notice ? "notice" : item.who;
    const node = element("article", `message ${kind}`);
    node.dataset.who = item.who;
    if (!item.notice) node.append(element("p", "author", author(item)));
    node.append(element("p", "text"));
    const foot = element("p", "foot");
    foot.append(element("time", "", clock.format(new Date(item.at))), element("span", "state"));
    if (!item.notice) node.append(foot);
    return node;
  }

  update(node, item, choosable) {
    this.write(node.querySelector(".text"), item);
    node.classList.toggle("partial", Boolean(item.sentences));
    // The live message may come without them; history always has them.
    if (shownSources(item) && !node.querySelector(".sources")) {
      node.querySelector(".text").after(element("p", "sources", shownSources(item)));
    }
    const state = node.querySelector(".state");
    if (state && state.textContent !== delivery(item)) state.textContent = delivery(item);
    node.classList.toggle("unsent", Boolean(item.state) && !item.inFlight);
    const old = node.querySelector(".quick-replies");
    if (!choosable) old?.remove();
    else if (!old) node.append(this.drawChoices(item));
  }

  /**
   * Each sentence of a reply that is being written is a node of its own, so that a screen reader says only what was
   * added. The final message with the same text changes nothing; with another one it replaces all.
   */
  write(text, item) {
    const shown = shownText(item);
    if (text.textContent === shown) return;
    const rest = item.sentences && shown.startsWith(text.textContent) ? shown.slice(text.textContent.length) : null;
    if (rest === null && item.who === "agent") text.replaceChildren(...linked(shown));
    else if (rest === null) text.textContent = shown;
    else text.append(element("span", "sentence", rest));
  }

  drawChoices(item) {
    const group = element("div", "quick-replies");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Suggested answers");
    for (const reply of item.quickReplies) {
      const button = element("button", "quick-reply", reply.title);
      button.type = "button";
      button.addEventListener("click", () => {
        const current = item.quickReplies.find((other) => other.title === reply.title) || reply;
        group.remove();
        this.onChoice(current);
      });
      group.append(button);
    }
    return group;
  }

  scroll(force = false) {
    if (force) this.following = true;
    if (this.following) this.log.scrollTop = this.log.scrollHeight;
  }
}
