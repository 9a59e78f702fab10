"""A desk with people and one waiting conversation, over a real database, with the assistant scripted."""

import asyncio
from datetime import timedelta

from conftest import handed_over, raw, user
from sqlalchemy import select, update

from desk.conversations import find_by_sender
from desk.handling import Handling
from desk.live import Hub
from desk.models import Conversation, User, now
from desk.presence import set_status
from desk.projection import project

ROLES = {"alex": "agent", "kim": "agent", "sam": "supervisor"}


class Script:
    """An assistant that takes its time, keeps what it is sent, and fails when told to; `owners` are its trackers'."""

    def __init__(self):
        self.sent, self.triggered, self.owners = [], [], {}
        self.failure = self.mute = None

    async def append(self, sender_id, events):
        await asyncio.sleep(0.02)
        if self.failure:
            raise self.failure
        self.sent.append((sender_id, events))
        for event in events:
            if event.get("name") == "owner":
                self.owners[sender_id] = event["value"]

    async def trigger(self, sender_id, intent, entities=None):
        if self.mute:
            raise self.mute
        self.triggered.append((sender_id, intent, entities or {}))

    async def owner(self, sender_id):
        return self.owners[sender_id]

    def texts(self):
        return [event["text"] for _, events in self.sent for event in events if event["event"] == "bot"]


class Floor:
    """Alex and Kim are agents, Sam is a supervisor; the customer c waits."""

    def __init__(self, run, database):
        self.run, self.database, self.assistant = run, database, Script()
        self.handling = Handling(database, self.assistant, Hub())
        self.arrive("c")
        self.people = {name: self._add(name, role) for name, role in ROLES.items()}

    def arrive(self, sender, **packet):
        """A customer who waits, with these fields in the packet."""
        handoff, owner = handed_over(sender)
        handoff["value"] = {**handoff["value"], "id": f"packet-{sender}", **packet}
        self.run(project(self.database, [raw(sender, event) for event in (user("hello"), handoff, owner)]))
        self.assistant.owners[sender] = "queue"
        return self.conversation(sender).id

    def _add(self, name, role):
        person = User(name=name, display_name=f"{name.title()} Lee", role=role, password_hash="-")

        async def add():
            async with self.database.session() as session, session.begin():
                session.add(person)

        self.run(add())
        return person

    def take(self, name, seen=None, conversation_id=1):
        person = self.people[seen].id if seen else None
        self.run(self.handling.take(self.people[name], conversation_id, person))

    def conversation(self, sender="c"):
        return self.run(find_by_sender(self.database, sender))

    def rows(self, table):
        async def read():
            async with self.database.session() as session:
                return (await session.scalars(select(table).order_by(table.id))).all()

        return self.run(read())

    def write(self, sender="c", **values):
        async def put():
            async with self.database.session() as session, session.begin():
                await session.execute(update(Conversation).where(Conversation.sender_id == sender).values(**values))

        self.run(put())

    def available(self, *names, status="available"):
        for name in names:
            self.run(set_status(self.database, self.people[name].id, status))

    def ago(self, seconds):
        return now() - timedelta(seconds=seconds)
