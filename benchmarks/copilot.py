"""How long an agent waits for the copilot: p50 and p95 of each endpoint over HTTP, without a model.

Run from the root: `make bench-copilot`. Starts an action server of its own on the demo's data and articles, with its
state in a temporary folder, and calls it one after the other from this process. Prints a Markdown table; times are
milliseconds at the caller's side, on loopback. No question is asked twice, so that no answer is a kept one; the
customer of each conversation is verified. A wrap-up is of 41 turns: in the first row the desk has asked for suggestions
to the last message half a second before, as it does at each message, in the other the server has seen none of them.
"""

from __future__ import annotations

import argparse
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import yaml

from actions import assurance

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "benchmark"
SEEN, UNSEEN = "/copilot/wrap-up", "/copilot/wrap-up, unseen turns"
GOAL = 150  # ms, p95
CUSTOMER = ("NA204518", "LS1 4AP")
AGENT = {"name": "Sam Lee", "first_name": "Sam", "role": "agent"}
TASKS = [
    ("Where is my order NO482136?", "order_status"),
    ("I want to cancel my order NO482136", "cancel_order"),
    ("How much do I owe?", "balance"),
    ("My broadband is down again, this is ridiculous", "report_problem"),
    ("Can I move my visit to Friday?", "move_visit"),
]
DRAFTS = [
    "Please be advised that the late payment fee is £7.50. In order to assist you, we will look into it.",
    "I'll give you a call on Tuesday 24 November at 8am; however, you will receive a text prior to that.",
    "Your router is on its way and it'll be with you by Friday. Let me know if there's anything else.",
]
STYLES = ("shorter", "friendlier", "simpler", "formal")


@contextmanager
def server(var: Path) -> Iterator[httpx.Client]:
    """A client of a server with its state in `var`, once it is warm."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ["TANDEM_VAR"] = str(var)  # of the back office that this process proves the customers to
    os.environ.pop("BACKEND_DATABASE_URL", None)
    ours = ("TANDEM_", "ACTION", "BACKEND_", "POLICY_", "CHROMA_", "ASSISTANT_", "DESK_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    env |= {"TANDEM_VAR": str(var), "ACTIONS_TOKEN": TOKEN, "TANDEM_SECRET": "s", "TANDEM_DEMO": "1"}
    env |= {"ACTIONS_PORT": str(port), "TANDEM_ENDPOINTS": str(var / "none.yml")}
    subprocess.run([sys.executable, "-m", "actions.knowledge"], cwd=ROOT, env=env, check=True, stdout=sys.stderr)
    with (var / "server.log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "actions"], cwd=ROOT, env=env, stdout=log, stderr=log)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
            _wait(client, process)
            yield client
    finally:
        process.terminate()
        process.wait(30)


def _wait(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    """Until the server answers and has been asked once of each kind."""
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit("The action server did not start: its log has the cause.")
        try:
            if client.get("/health").status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.1)
    time.sleep(10)  # what loads beside the running server
    with assurance.in_session(1.0):
        assurance.verify_account("bench-0", *CUSTOMER)
    for path, body in calls(0, "How can I contact you?"):
        client.post(path.partition(",")[0], json=body).raise_for_status()


def calls(number: int, question: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """One call to each endpoint, another one for each number."""
    conversation = f"bench-{number}"
    said, intent = TASKS[number % len(TASKS)]
    asked = [
        {"n": 1, "who": "customer", "text": said, "intent": intent},
        {"n": 1, "who": "bot", "text": "Let me look."},
        {"n": 2, "who": "customer", "text": question, "intent": "ask_question"},
    ]
    talk = {"conversation": conversation, "turns": asked, "agent": AGENT}
    draft = f"{DRAFTS[number % len(DRAFTS)]} Your reference is R{number:05d}."
    yield "/copilot/suggest", talk
    yield "/copilot/search", {"query": question}
    yield "/copilot/next", talk
    yield "/copilot/rewrite", {"text": draft, "style": STYLES[number % len(STYLES)]}
    yield "/copilot/draft", {"text": draft, "conversation": conversation, "agent": AGENT}
    yield "/copilot/customer", {"conversation": conversation, "agent": AGENT}
    run = {"conversation": conversation, "action": "order_status", "agent": AGENT}
    run |= {"params": {"order_number": "NO482136"}}
    yield "/copilot/run", run | {"request": f"bench-run-{number}"}
    whole = talk | {"turns": [*asked, *long_talk(number)]}
    yield SEEN, whole
    yield UNSEEN, talk | {"turns": [*asked, *long_talk(number + 10_000)]}
    yield "/copilot/article", whole | {"summary": f"The customer asked question {number}."}
    ticket = {"kind": "fault", "subject": said, "details": f"Reported in chat {number}.", "priority": "normal"}
    note = {"note": f"Asked: {question}", "disposition": "follow_up", "ticket": ticket, "request": "bench-confirm"}
    yield "/copilot/wrap-up/confirm", {"conversation": conversation, "agent": AGENT} | note
    yield "/copilot/slots/check", {"name": "order_number", "value": f"NO{number:06d}"}


def long_talk(number: int) -> list[dict[str, Any]]:
    """The 38 turns that follow, none of which has been read before."""
    turns: list[dict[str, Any]] = []
    for n in range(3, 22):
        turns.append({"n": n, "who": "customer", "text": f"{TASKS[n % len(TASKS)][0]} I asked {number}.{n} times."})
        turns.append({"n": n, "who": "agent", "text": f"{DRAFTS[n % len(DRAFTS)]} Wait for {number}.{n} seconds."})
    return turns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="calls to each endpoint")
    rounds = parser.parse_args().rounds
    answers = yaml.safe_load((ROOT / "tests" / "answers.yml").read_text(encoding="utf-8"))
    questions = list(dict.fromkeys(_questions(answers)))[:rounds]
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as client:
        for number, question in enumerate(questions, 1):
            with assurance.in_session(1.0):
                assurance.verify_account(f"bench-{number}", *CUSTOMER)
            for path, body in calls(number, question):
                if path == SEEN:
                    client.post("/copilot/suggest", json=body).raise_for_status()
                    time.sleep(0.5)
                started = time.perf_counter()
                client.post(path.partition(",")[0], json=body).raise_for_status()
                times.setdefault(path, []).append((time.perf_counter() - started) * 1000)
    print(
        f"Measured {date.today():%d %B %Y}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"{len(questions)} calls to each endpoint, no model; the goal is a p95 of {GOAL} ms.\n"
    )
    print("| endpoint | p50 ms | p95 ms | longest ms |\n|---|---|---|---|")
    for path, durations in times.items():
        p95 = statistics.quantiles(durations, n=20)[-1]
        print(f"| POST {path} | {statistics.median(durations):.0f} | {p95:.0f} | {max(durations):.0f} |")


def _questions(content: Any) -> Iterator[str]:
    """Every question in tests/answers.yml, wherever it stands."""
    if isinstance(content, dict):
        if isinstance(content.get("question"), str):
            yield content["question"]
        for value in content.values():
            yield from _questions(value)
    elif isinstance(content, list):
        for value in content:
            yield from _questions(value)


if __name__ == "__main__":
    main()
