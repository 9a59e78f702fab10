// The customer's chat page: puts session, connection, transcript and view together.

import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import * as session from "./session.js";
import { addLive, addPartial, doubtPartials, fromHistory, inOrder, merge, newKey, withoutDoubtful } from "./transcript.js";
import { Typing } from "./typing.js";
import { LogView } from "./view.js";

const CATCH_UP_MS = 1200;
const CONFIRM_MS = 3000;
const TYPING_MS = 15000;
const STATES = {
  connecting: "Connecting…",
  ready: "Online",
  reconnecting: "Reconnecting…",
  down: "Not connected",
  offline: "You are offline",
};
const TROUBLES = {
  down: "We can't reach our assistant at the moment. We keep trying: what you write now is sent as soon as we can.",
  offline: "Your device is offline. What you write now is sent as soon as you are back.",
};

const by = (id) => document.getElementById(id);
const log = new LogView(by("log"), (reply) => say(reply.title, reply.payload));
const composer = new Composer(by("composer"), (text) => say(text));
const typingAgent = new Typing(by("composer").querySelector("textarea"), (name) => {
  typing(Boolean(name), name ? `${name} is writing` : "");
});
const connection = new Connection({ onReady, onMessage, onPartial, onState });

let items = [];
let owner = "bot";
let loaded = false;
let ahead = 0; // the server's clock minus this device's, in milliseconds
let generation = 0; // counts conversations, so that answers for an older one are dropped
let shown = null; // the conversation that the page shows
let troubleTimer = null;
let catchUp, typingTimer;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const serverNow = () => Date.now() + ahead;

function draw() {
  log.show(items, owner === "bot");
  typingAgent.set(owner === "agent");
  by("starters").hidden = !loaded || items.length > 0;
  by("chat-title").textContent = {
    bot: "Northlight's assistant",
    queue: "Waiting for one of our team",
    agent: `${agentName() || "One of our team"}, Northlight`,
  }[owner];
}

function agentName() {
  return items.findLast((item) => item.agentName)?.agentName;
}

// --- what comes in

async function sync() {
  const mine = generation;
  let known;
  try {
    known = await session.history();
  } catch {
    return;
  }
  if (mine !== generation || !known) return;
  setClock(Date.parse(known.now) - Date.now());
  owner = known.owner;
  items = merge(items, known.messages.map(fromHistory));
  loaded = true;
  for (const item of items) {
    if (item.id && item.state === "sent") settle(item);
  }
  draw();
}

/** A device's clock can be wrong: what was said here before that was known moves with the correction. */
function setClock(offset) {
  if (Math.abs(offset - ahead) < 2000) return;
  for (const item of items) {
    if (item.id || item.restored) continue;
    item.at += offset - ahead;
    if (item.saidAt) item.saidAt += offset - ahead;
  }
  ahead = offset;
}

/** History lags a moment behind what is live: look once more when it has settled. */
function syncSoon() {
  clearTimeout(catchUp);
  catchUp = setTimeout(sync, CATCH_UP_MS);
}

function onMessage(bubble) {
  typing(false);
  if (!bubble?.text) return;
  const author = bubble.author === "agent" ? "agent" : "bot";
  const message = {
    who: author,
    text: bubble.text,
    at: serverNow(),
    notice: bubble.author === "system",
    agentName: bubble.agent_name,
    sources: bubble.sources || [],
    quickReplies: bubble.quick_replies || [],
    replyId: bubble.reply_id,
  };
  items = addLive(items, message) ?? items;
  draw();
  syncSoon();
}

/** A reply that is being written, as far as it is; the end of its turn withdraws what no message took the place of. */
function onPartial(reply) {
  items = addPartial(items, reply, serverNow()) ?? items;
  // An answer shows that the question has arrived, though its turn is not over.
  for (const item of items) item.arrived ||= item.inFlight && reply.sentences.length > 0;
  typing(!reply.done);
  draw();
  if (reply.done) syncSoon();
}

async function onReady() {
  if (shown !== null && shown !== session.conversation()) expire();
  shown = session.conversation();
  const mine = generation;
  doubtPartials(items);
  await sync();
  items = withoutDoubtful(items);
  draw();
  syncSoon();
  // A message whose turn was cut off may have arrived: give history time to say so before it is sent again.
  if (items.some(isUncertain)) {
    // History has it only a moment after the turn that answers it is over.
    let running;
    do {
      running = connection.turns.size > 0;
      await sleep(CONFIRM_MS);
    } while (running || connection.turns.size);
    await sync();
  }
  if (mine !== generation || !connection.ready) return;
  for (const item of items.filter((item) => item.state === "pending" || isUncertain(item))) deliver(item);
}

function isUncertain(item) {
  return item.state === "sent" && !item.inFlight;
}

/** The session ran out or was ended, here or elsewhere: what was not sent goes into the new conversation. */
function expire() {
  generation += 1;
  owner = "bot";
  items = items.filter((item) => !item.id && item.state !== "");
  const text = "Your earlier conversation has ended. This is a new one.";
  items.unshift({ key: newKey(), who: "bot", notice: true, text, at: serverNow(), state: "" });
}

// --- what goes out

function say(text, payload) {
  const item = { key: newKey(), who: "customer", text, payload, at: serverNow(), state: "pending" };
  typingAgent.stopped();
  session.outbox.add({ key: item.key, text, payload, at: item.at });
  items = [...items, item];
  log.scroll(true);
  if (connection.ready) deliver(item);
  draw();
  // On a touch screen the keyboard would cover the answer.
  const touch = matchMedia("(pointer: coarse)").matches;
  if (document.activeElement !== composer.box) (touch ? by("log") : composer.box).focus();
}

async function deliver(item) {
  if (item.inFlight) return;
  item.inFlight = true;
  item.state = "sent";
  item.at = serverNow();
  items = inOrder(items);
  typing(owner === "bot");
  draw();
  try {
    const content = { message: item.text, message_id: item.key };
    await connection.send(item.payload ? { ...content, payload: item.payload } : content);
  } catch {
    item.inFlight = false;
    typing(false);
    draw();
    return; // onReady sends it again if history does not have it
  }
  settle(item);
  typing(false);
  draw();
  syncSoon();
}

function settle(item) {
  item.state = "";
  item.inFlight = false;
  session.outbox.remove(item.key);
}

function typing(on, who = "Northlight's assistant is writing") {
  clearTimeout(typingTimer);
  if (on) by("who-types").textContent = who;
  by("typing").classList.toggle("named", on && who !== "Northlight's assistant is writing");
  by("typing").hidden = !on;
  if (on) typingTimer = setTimeout(() => typing(false), TYPING_MS);
  log.scroll();
}

// --- how it is

function onState(name) {
  const line = by("connection");
  line.textContent = STATES[name];
  line.dataset.state = name;
  if (name !== "reconnecting") {
    clearTimeout(troubleTimer);
    troubleTimer = null;
    showTrouble(TROUBLES[name] || "");
  } else {
    // A short break mends itself; a sentence about it would only alarm.
    troubleTimer ??= setTimeout(() => showTrouble(TROUBLES.down), 5000);
  }
}

function showTrouble(sentence) {
  const line = by("trouble");
  line.hidden = !sentence;
  if (line.textContent !== sentence) line.textContent = sentence;
}

// --- starting

function restoreOutbox() {
  items = session.outbox.all().map((kept) => ({ ...kept, who: "customer", state: "sent", restored: true }));
}

async function startAgain() {
  generation += 1;
  connection.stop();
  session.end();
  session.outbox.clear();
  shown = null;
  items = [];
  owner = "bot";
  loaded = true;
  typing(false);
  draw();
  await connection.start();
  composer.box.focus();
}

for (const button of by("starters").querySelectorAll("button")) {
  button.addEventListener("click", () => say(button.textContent));
}
by("new-conversation").addEventListener("click", () => {
  if (items.length) by("confirm-new").showModal();
  else startAgain();
});
by("confirm-new").addEventListener("close", () => {
  if (by("confirm-new").returnValue === "new") startAgain();
  else by("new-conversation").focus();
  by("confirm-new").returnValue = "";
});

restoreOutbox();
draw();
connection.start().then(() => sync());
