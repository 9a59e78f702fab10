// The messages of the conversation, whichever way they came: typed here, live from the assistant, or from history.
//
// Live messages carry no id, so history recognises them by who said what and roughly when. An item is
// {key, id, who, text, at, notice, agentName, sources, quickReplies, state}: `id` is the history's, `at` is in server
// milliseconds, `state` is "pending" (not sent), "sent" (not confirmed) or "" (done).
//
// A reply that is still being written has `sentences` and no text yet, and a `replyId`: the message with the same one
// takes its place. It is never in history, and goes when the assistant withdraws it. `saidAt` is when that message came.

const SAME_MOMENT_MS = 20000;
const EARLY_MS = 5000;
const CARD_REMOVED = "[card number removed]";

/** A key that no other message has: the assistant knows by it a message that is sent again. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
}

/** A text as it compares: the assistant tidies what customers write. */
function plain(text) {
  return (text || "")
    .normalize("NFC")
    .replace(/[\u2044\u2215\u29f8\uff0f]/g, "/")
    .replace(/\p{Cf}|\p{Cs}/gu, "")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
}

function same(item, row) {
  return item.who === row.who && plain(item.text) === plain(row.text);
}

function near(item, row) {
  return Math.abs((item.saidAt ?? item.at) - row.at) < SAME_MOMENT_MS;
}

/** Whether the row can be this item: a message that waited to be sent is stored any time later, never earlier. */
function matches(item, row) {
  if (item.sentences) return false;
  return same(item, row) && (item.who === "customer" ? row.at > item.at - EARLY_MS : near(item, row));
}

/** The same for a message whose text the assistant changed. One that was never confirmed is not given up for that. */
function matchesChanged(item, row) {
  if (row.who !== "customer" || item.who !== "customer" || !near(item, row)) return false;
  return item.state === "" || row.text.includes(CARD_REMOVED);
}

/** A message as history tells it. */
export function fromHistory(row) {
  return {
    key: `h${row.id}`,
    id: row.id,
    who: row.who,
    text: row.text,
    at: Date.parse(row.at),
    notice: row.notice,
    agentName: row.agent_name,
    sources: row.sources,
    quickReplies: row.quick_replies,
    state: "",
  };
}

/** Bring history into the items: what is known is completed, what is missing is added, nothing comes twice. */
export function merge(items, rows) {
  const known = new Map(items.filter((item) => item.id).map((item) => [item.id, item]));
  const open = new Set(items.filter((item) => !item.id && item.state !== "pending"));
  let missing = rows.filter((row) => !known.has(row.id));
  for (const row of rows) {
    if (known.has(row.id)) known.get(row.id).quickReplies = row.quickReplies;
  }
  for (const fits of [matches, matchesChanged]) {
    missing = missing.filter((row) => {
      const item = [...open].find((candidate) => fits(candidate, row));
      if (!item) return true;
      open.delete(item);
      complete(item, row);
      return false;
    });
  }
  return inOrder([...items, ...missing]);
}

/** An item keeps its place and its state; the rest is as the server has it. */
function complete(item, { key, state, at, ...rest }) {
  Object.assign(item, rest);
  if (item.restored) item.at = at;
}

/** Show a reply as far as it is written, or withdraw it when it is done. Null if there is nothing to change. */
export function addPartial(items, { id, sentences, done }, at) {
  const known = items.find((item) => item.replyId === id);
  if (done) return known?.sentences ? items.filter((item) => item !== known) : null;
  if (!sentences.length) return null;
  if (!known) {
    return inOrder([...items, { key: newKey(), who: "bot", text: "", at, replyId: id, sentences, state: "" }]);
  }
  if (!known.sentences) return null;
  Object.assign(known, { sentences, stale: false });
  return items;
}

/** After a break of the connection nobody may say any more that a reply is withdrawn: until it is shown again, doubt. */
export function doubtPartials(items) {
  for (const item of items) {
    if (item.sentences) item.stale = true;
  }
}

export function withoutDoubtful(items) {
  return items.filter((item) => !item.sentences || !item.stale);
}

/** Add a live message, in the place of the reply that it ends; null if there is nothing to change. */
export function addLive(items, message) {
  const partial = items.find((item) => item.sentences && item.replyId === message.replyId);
  const known = items.find(
    (item) => item.id && !item.live && !item.claimed && same(item, message) && near(item, message),
  );
  if (known) {
    known.claimed = true;
    return partial ? items.filter((item) => item !== partial) : null;
  }
  if (partial) {
    // It stays where its first sentence appeared, whatever the customer has written since.
    Object.assign(partial, message, { at: partial.at, saidAt: message.at, sentences: null, live: true });
    return items;
  }
  return inOrder([...items, { ...message, key: newKey(), live: true, state: "" }]);
}

/** By time; what is not sent yet stays at the end. */
export function inOrder(items) {
  const late = (item) => (item.state === "pending" ? 1 : 0);
  return items
    .map((item, index) => ({ item, index }))
    .sort((a, b) => late(a.item) - late(b.item) || a.item.at - b.item.at || a.index - b.index)
    .map(({ item }) => item);
}
