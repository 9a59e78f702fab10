// The chat's session, shared by this browser's tabs: tokens that open exactly one conversation.
//
// The access token lasts minutes and is shown to the assistant and the desk. The renewal token gets the next pair, and
// works once: tabs renew one at a time, and the others take what the first has stored.

const KEY = "northlight-chat";
const RENEW_BEFORE_MS = 5 * 60 * 1000;

let session = read();

function read() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY));
    return stored?.renewal ? stored : null;
  } catch {
    return null;
  }
}

function keep(value) {
  session = value;
  try {
    if (value) localStorage.setItem(KEY, JSON.stringify(value));
    else localStorage.removeItem(KEY);
  } catch {
    // Storage can be off or full: the chat then lasts as long as the page.
  }
}

function oneTabAtATime(work) {
  // Browsers have locks only on https and on this machine; without them the desk forgives two renewals at once.
  return navigator.locks ? navigator.locks.request(KEY, work) : work();
}

function isFresh() {
  return session && session.until - Date.now() > RENEW_BEFORE_MS;
}

function request(token) {
  return fetch("/chat/session", { method: "POST", headers: token ? bearer(token) : {} });
}

function bearer(token) {
  return { Authorization: `Bearer ${token}` };
}

/** The session: the stored one, renewed in time, or a new one. Throws when the desk is down. */
export async function open({ renew = false } = {}) {
  const used = session?.token;
  if (isFresh() && !renew && read()?.token === used) return session;
  return oneTabAtATime(async () => {
    session = read() ?? session;
    if (isFresh() && (!renew || session.token !== used)) return session;
    let response = session && (await request(session.renewal));
    if (!response || response.status === 401) {
      keep(null);
      response = await request(null);
    }
    if (!response.ok) throw new Error(`chat session: ${response.status}`);
    const opened = await response.json();
    // By this device's clock, which may be wrong; the server's says when a token has expired after all.
    keep({ ...opened, until: Date.now() + opened.expires_in * 1000 });
    return session;
  });
}

/** When the session should be opened again, in milliseconds from now. */
export function renewIn() {
  return Math.max((session?.until ?? 0) - Date.now() - RENEW_BEFORE_MS, 1000);
}

/** End the chat: nobody opens it any more, and it is forgotten on this device. */
export async function end() {
  const ended = session;
  keep(null);
  if (!ended) return;
  // Without the desk it ends when it is not renewed.
  await fetch("/chat/session", { method: "DELETE", headers: bearer(ended.renewal), keepalive: true }).catch(() => {});
}

/** Which conversation the session opens; null before there is one. */
export function conversation() {
  return session?.session_id ?? null;
}

/** What was said so far, or null when another conversation has taken this one's place. Throws when the desk is down. */
export async function history() {
  const wanted = conversation();
  let response;
  for (const renew of [false, true]) {
    const { token, session_id } = await open({ renew });
    if (session_id !== wanted) return null;
    response = await fetch("/chat/history", { headers: bearer(token) });
    if (response.status !== 401) break;
  }
  if (!response.ok) throw new Error(`chat history: ${response.status}`);
  return response.json();
}

/** Tell the desk whether the customer is writing to an agent. Only a hint: when it is lost nothing is. */
export function tellWriting(writing) {
  fetch("/chat/typing", {
    method: "POST",
    headers: { ...bearer(session?.token), "Content-Type": "application/json" },
    body: JSON.stringify({ writing }),
  }).catch(() => {});
}

/** The name of the agent who is writing just now, or null. */
export async function whoWrites() {
  try {
    const response = await fetch("/chat/presence", { headers: bearer(session?.token) });
    return response.ok ? (await response.json()).writing : null;
  } catch {
    return null;
  }
}

/** Messages that the assistant has not confirmed; they survive a reload. */
export const outbox = {
  key: `${KEY}-outbox`,
  all() {
    try {
      return JSON.parse(localStorage.getItem(this.key)) || [];
    } catch {
      return [];
    }
  },
  save(items) {
    try {
      localStorage.setItem(this.key, JSON.stringify(items));
    } catch {
      // As above.
    }
  },
  add(item) {
    this.save([...this.all(), item]);
  },
  remove(key) {
    this.save(this.all().filter((item) => item.key !== key));
  },
  clear() {
    this.save([]);
  },
};
