"""What each service takes: memory after a few conversations, and the time of a turn over the REST channel.

Run from the root: `make bench-services`. Prints a Markdown table; memory is the resident set in MB of each service's
process, times are milliseconds at the customer's side, one customer at a time, on loopback.
"""

from __future__ import annotations

import platform
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

import psutil

from deploy.local.stack import Conversation, Stack

TURNS = {
    "small talk (no action)": ["hello", "thank you"],
    "a form's question": ["where is my order?", "never mind"],
    "an answer with its source": ["How long do I have to return a router?", "What is the late payment fee?"],
}
ROUNDS = 10


def resident_mb(pid: int) -> float:
    """The resident set of a process and its children, in MB."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return sum(member.memory_info().rss for member in family) / 1e6


def turn_ms(stack: Stack, texts: list[str]) -> list[float]:
    """The duration of each turn, a new conversation every round, after one round to warm up."""
    durations = []
    for round_number in range(ROUNDS + 1):
        customer: Conversation = stack.conversation()
        for text in texts:
            started = time.perf_counter()
            customer.say(text)
            if round_number:
                durations.append((time.perf_counter() - started) * 1000)
    return durations


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder)) as stack:
        idle = {name: resident_mb(process.pid) for name, process in stack.processes.items()}
        turns = {kind: turn_ms(stack, texts) for kind, texts in TURNS.items()}
        busy = {name: resident_mb(process.pid) for name, process in stack.processes.items()}
    print(f"Measured {date.today():%d %B %Y}, Python {platform.python_version()}, {psutil.cpu_count()} cores.\n")
    print("| service | MB after start | MB after the turns below |\n|---|---|---|")
    for name in idle:
        print(f"| {name} | {idle[name]:.0f} | {busy[name]:.0f} |")
    print("\n| turn | p50 ms | p95 ms |\n|---|---|---|")
    for kind, durations in turns.items():
        p95 = statistics.quantiles(durations, n=20)[-1]
        print(f"| {kind} | {statistics.median(durations):.0f} | {p95:.0f} |")


if __name__ == "__main__":
    main()
