"""The desk under load: how fast a customer's message is on the agent's screen, and whether anything is lost.

Run from the root: `make bench-desk`. A real desk process follows an event database that is written as Rasa's broker
writes it; a scripted stand-in for Rasa's HTTP API echoes what the desk appends back into that database. Everything is
on loopback, in a folder of its own, and stops by itself. Prints Markdown tables.
"""

import argparse
import asyncio
import logging
import os
import platform
import random
import re
import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from benchmarks.desk_stage import PASSWORD, Events, customer, handed_over, running_desk

LIMIT_SECONDS = 60
ALONE = 100
CLOSE = ("wrap-up/confirm", {"disposition": "resolved", "desk_only": "1"})


@dataclass
class Agent:
    """A logged-in browser: it follows the stream, and asks for the list at each change, as the page does."""

    client: httpx.AsyncClient
    token: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    refused: int = 0

    async def log_in(self, name: str) -> None:
        token = field_of((await self.client.get("/desk/login")).text)
        form = {"name": name, "password": PASSWORD, "csrf_token": token}
        response = await self.client.post("/desk/login", data=form)
        assert response.status_code == 303, response.text
        self.token = field_of((await self.client.get("/desk")).text)

    async def follow(self, opened: int | None = None) -> None:
        """Follow the stream; with a conversation open, only its own changes count."""
        path = "/desk/stream" + (f"?open={opened}" if opened else "")
        wanted = "event: conversation" if opened else "event: inbox"
        async with self.client.stream("GET", path, timeout=None) as response:
            async for line in response.aiter_lines():
                if line.strip() == wanted:
                    self.changed.set()

    async def post(self, conversation: int, action: str, **fields: str) -> bool:
        response = await self.client.post(
            f"/desk/conversations/{conversation}/{action}",
            data={"csrf_token": self.token, **fields},
            headers={"Accept": "application/json"},
        )
        assert response.status_code < 400 or response.status_code == 409, response.text
        self.refused += response.status_code == 409
        return response.status_code < 400

    async def waiting(self) -> list[int]:
        text = (await self.client.get("/desk/inbox?view=queue")).text
        return [int(number) for number in re.findall(r'id="row-(\d+)"', text)]

    async def sees(self, conversation: int, text: str) -> None:
        """Return when the message is in the answer that the page puts on the screen."""
        end = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < end:
            self.changed.clear()
            if text in (await self.client.get(f"/desk/conversations/{conversation}/updates")).text:
                return
            try:
                await asyncio.wait_for(self.changed.wait(), 1)
            except TimeoutError:
                continue
        raise SystemExit(f"A message was not seen at the desk within {LIMIT_SECONDS} s.")


def field_of(page: str) -> str:
    return page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]


@asynccontextmanager
async def logged_in(url: str, agents: int) -> AsyncIterator[list[Agent]]:
    people = [Agent(httpx.AsyncClient(base_url=url, timeout=LIMIT_SECONDS, trust_env=False)) for _ in range(agents)]
    for number, person in enumerate(people):
        await person.log_in(f"agent{number}")
    try:
        yield people
    finally:
        for person in people:
            await person.client.aclose()


async def message_to_screen(url: str, events: Events) -> tuple[list[float], list[float]]:
    """One agent with one conversation open: ms until the stream's event, and until the message is rendered."""
    told, shown = [], []
    async with logged_in(url, 1) as [agent]:
        events.write("alone", customer("hello"), *handed_over(0))
        while not (waiting := await agent.waiting()):
            await asyncio.sleep(0.05)
        assert await agent.post(waiting[0], "take", seen_assignee="")
        following = asyncio.create_task(agent.follow(waiting[0]))
        await agent.sees(waiting[0], "has joined")
        for number in range(ALONE):
            await asyncio.sleep(0.1)
            agent.changed.clear()
            started = time.perf_counter()
            await asyncio.to_thread(events.write, "alone", customer(f"message {number} of one."))
            await asyncio.wait_for(agent.changed.wait(), LIMIT_SECONDS)
            told.append((time.perf_counter() - started) * 1000)
            await agent.sees(waiting[0], f"message {number} of one.")
            shown.append((time.perf_counter() - started) * 1000)
        await agent.post(waiting[0], "hand-back")
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    return told, shown


@dataclass
class Load:
    """What happened under load."""

    shown: list[float] = field(default_factory=list)
    replied: list[float] = field(default_factory=list)
    replies: int = 0
    refused: int = 0
    seconds: float = 0
    conversations: dict[int, str] = field(default_factory=dict)


async def work(url: str, events: Events, conversations: int, agents: int, rounds: int) -> Load:
    """Every conversation is live at once; each agent goes round their own, reads, answers, and finishes each."""
    load = Load()
    async with logged_in(url, agents) as people:
        for number in range(conversations):
            events.write(f"load-{number}", customer(f"hello from {number}."), *handed_over(number + 1))
        following = [asyncio.create_task(person.follow()) for person in people]
        started = time.perf_counter()
        try:
            shares = await asyncio.gather(*(take_share(person, conversations // agents) for person in people))
            load.conversations = await senders(people[0], [number for share in shares for number in share])
            await asyncio.gather(
                *(go_round(person, share, rounds, events, load) for person, share in zip(people, shares, strict=True))
            )
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
        load.seconds = time.perf_counter() - started
        load.refused = sum(person.refused for person in people)
    return load


async def take_share(agent: Agent, share: int) -> list[int]:
    """Take what is near the top of the queue, as everybody does: some clicks meet somebody else's."""
    mine: list[int] = []
    end = time.monotonic() + 2 * LIMIT_SECONDS
    while len(mine) < share and time.monotonic() < end:
        waiting = (await agent.waiting())[:20]
        for number in random.sample(waiting, min(3, len(waiting))):
            if len(mine) < share and await agent.post(number, "take", seen_assignee=""):
                mine.append(number)
    return mine


async def senders(agent: Agent, numbers: list[int]) -> dict[int, str]:
    text = (await agent.client.get("/desk/inbox?view=all")).text
    known = {int(number): sender for number, sender in re.findall(r'id="row-(\d+)"\s+data-sender="([^"]+)"', text)}
    for number in numbers:
        if number not in known:
            page = (await agent.client.get(f"/desk/conversations/{number}")).text
            found = re.search(r'<main[^>]*data-sender="([^"]+)"', page)
            known[number] = found.group(1) if found else ""
    return known


async def go_round(agent: Agent, share: list[int], rounds: int, events: Events, load: Load) -> None:
    for turn in range(rounds):
        for number in share:
            text = f"message {turn} in {number}."
            started = time.perf_counter()
            await asyncio.to_thread(events.write, load.conversations[number], customer(text))
            await agent.sees(number, text)
            load.shown.append((time.perf_counter() - started) * 1000)
            started = time.perf_counter()
            assert await agent.post(number, "reply", text=f"answer {turn} in {number}.")
            load.replied.append((time.perf_counter() - started) * 1000)
            load.replies += 1
    for place, number in enumerate(share):
        action, fields = ("hand-back", {}) if place % 2 else CLOSE
        assert await agent.post(number, action, **fields)


def count(folder: Path, events: Events) -> dict[str, int]:
    """Sent, seen, lost and doubled messages, and replies by somebody who was not the owner when they were said."""
    sent = Counter(event["text"] for _, event in events.all() if event["event"] == "user")
    said = Counter(event["text"] for _, event in events.all() if is_reply(event))
    with sqlite3.connect(folder / "desk.db") as connection:
        seen = Counter(text for (text,) in connection.execute("SELECT text FROM messages WHERE who = 'customer'"))
        shown = Counter(text for (text,) in connection.execute("SELECT text FROM messages WHERE who = 'agent'"))
        open_now = connection.execute("SELECT count(*) FROM conversations WHERE assigned_to IS NOT NULL").fetchone()
    return {
        "customers' messages sent": sum(sent.values()),
        "seen at the desk": sum(seen.values()),
        "agents' replies that the assistant got": sum(said.values()),
        "lost": sum((sent - seen).values()) + sum((said - shown).values()),
        "duplicated": sum((seen - sent).values()) + sum(number - 1 for number in said.values()),
        "two owners at once": two_owners(events),
        "still with an agent at the end": open_now[0],
    }


def is_reply(event: dict[str, Any]) -> bool:
    return event["event"] == "bot" and event["metadata"].get("author") == "agent"


def two_owners(events: Events) -> int:
    """Takes of a conversation that somebody had, and replies of somebody who did not have it."""
    owners: dict[str, str] = {}
    found = 0
    for sender_id, event in events.all():
        if event.get("name") == "owner":
            who = event.get("metadata", {}).get("desk_user", "") if event["value"] == "agent" else ""
            found += bool(who and owners.get(sender_id))
            owners[sender_id] = who
        elif is_reply(event):
            found += event["metadata"]["agent_name"].lower() != owners.get(sender_id)
    return found


def row(name: str, durations: list[float]) -> str:
    p95 = statistics.quantiles(durations, n=20)[-1]
    return f"| {name} | {len(durations)} | {statistics.median(durations):.0f} | {p95:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events = Events(folder / "events.db")
        with running_desk(folder, arguments.agents) as url:
            told, shown = asyncio.run(message_to_screen(url, events))
            load = asyncio.run(work(url, events, arguments.conversations, arguments.agents, arguments.rounds))
            time.sleep(2)
        counts = count(folder, events)
    print(f"Measured {date.today():%d %B %Y}, Python {platform.python_version()}, {os.cpu_count()} cores.\n")
    print("| from the customer's message to | messages | p50 ms | p95 ms |\n|---|---|---|---|")
    print(row("the agent's stream, one conversation", told))
    print(row("the agent's screen, one conversation", shown))
    live = f"{arguments.conversations} live, {arguments.agents} agents"
    print(row(f"the agent's screen, {live}", load.shown))
    print(row(f"(an agent's reply to the assistant, {live})", load.replied))
    print(f"\n| in {load.seconds:.0f} s with {live} | |\n|---|---|")
    for title, number in {**counts, "clicks that met somebody else's conversation": load.refused}.items():
        print(f"| {title} | {number} |")


if __name__ == "__main__":
    main()
