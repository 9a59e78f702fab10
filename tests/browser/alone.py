"""The desk by itself with a seeded inbox: it reads events that are written here, and others answer as they would."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct-horse-battery"
SOURCES = [{"title": "Late fees", "article": "late-fees", "passage": "A late payment costs £7.50."}]
TURN = {"n": 1, "who": "customer", "text": "Why was I charged £7.50?"}
ACTION = {
    "id": "refund",
    "title": "Refund the late fee",
    "why": "A first late fee may be refunded once a year.",
    "needs": "verified",
    "allowed": True,
    "blocked_by": "",
    "params": {"invoice": "INV-2041"},
    "changes": True,
}
ANSWERS: dict[str, Any] = {
    "/copilot/suggest": {"by": "twin", "suggestions": [
        {"id": "s1", "text": "The late fee is £7.50.", "kind": "answer", "sources": SOURCES, "why": "From “Late fees”"},
        {"id": "s2", "text": "May I have your invoice number?", "kind": "ask", "sources": [], "why": "Still missing"}]},
    "/copilot/next": {"actions": [ACTION, {**ACTION, "id": "plan", "allowed": False, "blocked_by": "Needs a code"}]},
    "/copilot/search": {"results": [{"id": "1", "title": "Late fees", "article": "late-fees", "audience": "public",
                                     "text": "A late payment costs £7.50.", "context": "", "sendable": True,
                                     "valid_from": "2026-01-01"}]},
    "/copilot/customer": {"level": "verified", "balance": "£42.50", "orders": [{"label": "NO482136", "value": "Sent"}],
                          "tickets": [], "visits": [],
                          "fields": [{"label": "Name", "value": "Jo March", "masked": False}]},
    "/copilot/wrap-up": {"summary": [{"text": "The customer asked about a late fee.", "turns": [1]}], "by": "twin",
                         "disposition": "resolved", "note": "Explained the fee.", "ticket": None,
                         "follow_ups": [{"text": "Send the invoice", "due": "2026-12-01", "kind": "promise",
                                         "turn": 1}]},
    "/copilot/articles": {"articles": [{"reference": "A-1", "title": "Late fees", "markdown": "# Late fees\n\n£7.50.",
                                        "conversation": "c", "agent": "alex", "at": "2026-11-20T10:00:00Z"}]},
    "/copilot/slots": {"slots": [{"name": "order_number", "label": "Order number"}]},
}  # fmt: skip


class Others(BaseHTTPRequestHandler):
    """Answers as the assistant and the action server."""

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer()

    def answer(self) -> None:
        body = json.dumps(ANSWERS.get(self.path.partition("?")[0], {})).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Keep the test output clean."""


@dataclass
class LoneDesk:
    """A running desk; `folder` holds its databases."""

    process: subprocess.Popen[bytes]
    others: ThreadingHTTPServer
    url: str
    folder: Path
    clock: float = field(default_factory=lambda: time.time() - 600)

    def publish(self, sender_id: str, *events: dict[str, Any]) -> None:
        """Write events as Rasa's SQL event broker does, each some seconds after the one before."""
        with sqlite3.connect(self.folder / "events.db", timeout=5) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, sender_id TEXT, data TEXT)")
            for event in events:
                self.clock += 7
                data = json.dumps({"sender_id": sender_id, "timestamp": self.clock, **event})
                connection.execute("INSERT INTO events (sender_id, data) VALUES (?, ?)", (sender_id, data))

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement on the desk's own database."""
        with sqlite3.connect(self.folder / "desk.db", timeout=5) as connection:
            return connection.execute(statement, values).fetchall()

    def number(self, sender_id: str, condition: str = "1 = 1") -> int:
        """The desk's number of a conversation, once it has read its events and the condition holds."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            found = self.sql(f"SELECT id FROM conversations WHERE sender_id = ? AND {condition}", sender_id)
            if found:
                return int(found[0][0])
            time.sleep(0.05)
        raise AssertionError(f"no conversation {sender_id} with {condition}")

    def stop(self) -> None:
        """End the desk and those who answer it."""
        self.process.terminate()
        self.process.wait(10)
        self.others.shutdown()
        self.others.server_close()


def start(folder: Path, **settings: str) -> LoneDesk:
    """Start a desk whose files lie in `folder`."""
    others = ThreadingHTTPServer(("127.0.0.1", 0), Others)
    threading.Thread(target=others.serve_forever, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    env = {
        "PATH": os.environ["PATH"],
        "TANDEM_VAR": str(folder),
        "TANDEM_DEMO": "1",
        "DEMO_AGENT_PASSWORD": PASSWORD,
        "DESK_PORT": str(port),
        "DESK_URL": f"http://localhost:{port}",
        "ASSISTANT_URL": f"http://127.0.0.1:{others.server_port}",
        "ACTIONS_URL": f"http://127.0.0.1:{others.server_port}",
        **{name: "t" * 40 for name in ("TANDEM_SECRET", "RASA_TOKEN", "ACTIONS_TOKEN", "DESK_TOKEN")},
        **settings,
    }
    with (folder / "desk.log").open("wb") as log:
        command = [str(ROOT / "desk/.venv/bin/python"), "-m", "desk"]
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    desk = LoneDesk(process, others, f"http://localhost:{port}", folder)
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).status_code == 200:
                return desk
        except httpx.TransportError:
            time.sleep(0.1)
    desk.stop()
    raise AssertionError((folder / "desk.log").read_text())


def user(text: str, intent: str = "ask_question", confidence: float = 0.91) -> dict[str, Any]:
    """A customer's message."""
    parsed = {"intent": {"name": intent, "confidence": confidence}, "entities": []}
    return {"event": "user", "text": text, "parse_data": parsed, "input_channel": "webchat"}


def bot(text: str, **metadata: Any) -> dict[str, Any]:
    """A message to the customer."""
    return {"event": "bot", "text": text, "data": {"buttons": None}, "metadata": metadata}


def slot(name: str, value: Any, **metadata: Any) -> dict[str, Any]:
    """A slot that was set."""
    return {"event": "slot", "name": name, "value": value, "metadata": metadata}


def packet(issue: str, reason: str = "customer_asked", priority: int = 3, **more: Any) -> dict[str, Any]:
    """A handoff packet of version 2."""
    now = datetime.now(timezone.utc)
    due = now + {1: timedelta(minutes=1), 2: timedelta(minutes=4)}.get(priority, timedelta(minutes=12))
    return {
        "version": 2, "id": f"{abs(hash(issue)):032x}"[:32], "reason": reason, "reason_turns": [1], "rule": "",
        "identity": {"level": "verified", "how": "account number and postcode", "account": "NA••••18"},
        "issue": issue, "task": "", "open_question": "Can the fee be refunded?", "next_steps": ["Check the fee"],
        "slots": [{"name": "account", "label": "Account", "value": "NA204518", "turn": 1, "confirmed": True}],
        "actions": [{"action": "action_balance", "title": "Looked up the balance", "result": "£42.50", "turn": 1,
                     "ok": True}],
        "answers": [{"question": "What does a late payment cost?", "text": "£7.50.", "outcome": "answered",
                     "sources": [{"title": "Late fees", "article": "late-fees"}], "turn": 1}],
        "promises": [{"text": "We send the invoice", "turn": 1, "due": (now + timedelta(days=1)).isoformat()}],
        "policy": [], "sentiment": "unhappy", "urgency": "normal", "summary": [{"text": issue + ".", "turns": [1]}],
        "channel": "webchat", "language": "en", "queue": "billing", "skills": [], "priority": priority,
        "sla_due": due.isoformat(), "told": "Somebody will be with you in about 5 minutes.",
        "transcript": {"conversation": "c", "events": 4}, "requested_at": now.isoformat(), **more,
    }  # fmt: skip


def seed(desk: LoneDesk) -> dict[str, int]:
    """Conversations in each phase and some tasks; returns their numbers by name."""

    def waits(name: str, issue: str, said: str, **more: Any) -> None:
        handoff = slot("handoff", packet(issue, **more))
        desk.publish(name, user(said), bot("I'm getting a person for you."), handoff, slot("owner", "queue"))

    waits(
        "waiting-urgent",
        "Charged twice and very unhappy about it",
        "You charged me twice!",
        reason="sentiment",
        priority=1,
    )
    waits("waiting-next", "Wants to move a delivery that is on its way", "Move my delivery", priority=2, queue="orders")
    waits("waiting-long", "Asks for a person", "I want to talk to a person", language="de", reason="missing_knowledge")
    late = packet("Broadband drops every evening", sla_due="2026-11-01T10:00:00Z", priority=2, queue="technical")
    desk.publish("waiting-late", user("It dropped again"), slot("handoff", late), slot("owner", "queue"))
    for name in ("mine", "theirs", "wrapping", "finished"):
        waits(name, "Asks why a late fee of £7.50 was charged", "Why was I charged £7.50?")
        agent = "sam" if name == "theirs" else "alex"
        desk.publish(
            name,
            slot("owner", "agent", desk_user=agent),
            bot("Alex has joined the conversation.", author="system", notice="joined", agent_name="Alex"),
            bot("Hello, this is Alex. I am looking at your invoice.", author="agent", agent_name="Alex"),
            user("Thank you", "thanks"),
        )
    desk.publish(
        "with-bot",
        user("What does a late payment cost?"),
        bot("£7.50.\nSource: Late fees", sources=[{"title": "Late fees", "article": "late-fees"}]),
    )
    numbers = {
        name: desk.number(name)
        for name in ("waiting-urgent", "waiting-next", "waiting-long", "waiting-late", "with-bot")
    }
    for name in ("mine", "theirs", "wrapping", "finished"):
        numbers[name] = desk.number(name, "phase = 'agent' AND assigned_to IS NOT NULL")
    desk.sql(
        "UPDATE conversations SET phase = 'wrap_up', wrap_up_at = CURRENT_TIMESTAMP WHERE id = ?", numbers["wrapping"]
    )
    desk.sql(
        "UPDATE conversations SET phase = 'closed', owner = 'bot', assigned_to = NULL, disposition = 'resolved',"
        " closed_at = CURRENT_TIMESTAMP WHERE id = ?",
        numbers["finished"],
    )
    for kind, text, hours, phone in (
        ("callback", "Call back about the broken router", -1, "+44 7700 900123"),
        ("promise", "Send the corrected invoice", 30, ""),
    ):
        due = datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(hours=hours)
        desk.sql(
            "INSERT INTO tasks (conversation_id, kind, text, due, queue, phone, created_at)"
            " VALUES (?, ?, ?, ?, '', ?, ?)",
            numbers["mine"], kind, text, str(due), phone, str(due),
        )  # fmt: skip
    return numbers
