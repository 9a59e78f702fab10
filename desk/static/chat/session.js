// The chat's session: a signed token, kept in this browser, that opens exactly one conversation.

const KEY = "northlight-chat";
const RENEW_BEFORE_MS = 12 * 3600 * 1000;

let session = read();

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY));
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

function expiresAt(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).exp * 1000;
  } catch {
    return 0;
  }
}

async function request(token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  return fetch("/chat/session", { method: "POST", headers });
}

/** The session: the stored one, renewed when it is half used up, or a new one. Throws when the desk is down. */
export async function open({ renew = false } = {}) {
  if (session && !renew && expiresAt(session.token) - Date.now() > RENEW_BEFORE_MS) return session;
  let response = await request(session?.token);
  if (response.status === 401) {
    forget();
    response = await request(null);
  }
  if (!response.ok) throw new Error(`chat session: ${response.status}`);
  keep(await response.json());
  return session;
}

/** Forget the conversation on this device. */
export function forget() {
  keep(null);
}

/** Which conversation the session opens; null before there is one. */
export function conversation() {
  return session?.session_id ?? null;
}

/** What was said so far, or null when the token has expired. Throws when the desk is down. */
export async function history() {
  const response = await fetch("/chat/history", { headers: { Authorization: `Bearer ${session.token}` } });
  if (response.status === 401) return null;
  if (!response.ok) throw new Error(`chat history: ${response.status}`);
  return response.json();
}

/** Tell the desk whether the customer is writing to an agent. Only a hint: when it is lost nothing is. */
export function tellWriting(writing) {
  fetch("/chat/typing", {
    method: "POST",
    headers: { Authorization: `Bearer ${session?.token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ writing }),
  }).catch(() => {});
}

/** The name of the agent who is writing just now, or null. */
export async function whoWrites() {
  try {
    const response = await fetch("/chat/presence", { headers: { Authorization: `Bearer ${session?.token}` } });
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
