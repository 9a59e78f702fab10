"""Taking, replying, handing back and wrapping up, with the assistant scripted."""

import asyncio

import pytest
from conftest import handed_over, raw, slot, user
from sqlalchemy import select

from desk.assistant import AssistantError, one_message
from desk.conversations import find_by_sender
from desk.handling import Handling, Refused
from desk.live import Hub
from desk.models import AuditEntry, User, WrapUp
from desk.projection import project


class Script:
    """An assistant that takes its time, keeps what it is sent, and fails when told to."""

    def __init__(self):
        self.sent, self.triggered, self.failure, self.mute = [], [], None, None

    async def append(self, sender_id, events):
        await asyncio.sleep(0.02)
        if self.failure:
            raise self.failure
        self.sent.append((sender_id, events))

    async def trigger(self, sender_id, intent):
        if self.mute:
            raise self.mute
        self.triggered.append((sender_id, intent))

    def texts(self):
        return [event["text"] for _, events in self.sent for event in events if event["event"] == "bot"]


class Floor:
    """A desk with three people and one waiting conversation."""

    def __init__(self, run, database):
        self.run, self.database, self.assistant = run, database, Script()
        self.handling = Handling(database, self.assistant, Hub())
        self.run(project(database, [raw("c", user("hello")), *(raw("c", event) for event in handed_over())]))
        self.people = {name: self._add(name, role) for name, role in ROLES.items()}

    def _add(self, name, role):
        person = User(name=name, display_name=f"{name.title()} Lee", role=role, password_hash="-")

        async def add():
            async with self.database.session() as session, session.begin():
                session.add(person)

        self.run(add())
        return person

    def take(self, name, seen=None):
        person = self.people[seen].id if seen else None
        self.run(self.handling.take(self.people[name], 1, person))

    def conversation(self):
        return self.run(find_by_sender(self.database, "c"))

    def rows(self, table):
        async def read():
            async with self.database.session() as session:
                return (await session.scalars(select(table))).all()

        return self.run(read())


ROLES = {"alex": "agent", "kim": "agent", "sam": "supervisor"}


@pytest.fixture
def floor(run, database):
    return Floor(run, database)


def test_taking_tells_the_assistant_and_the_customer(floor):
    floor.take("alex")
    [(sender, [owner, notice])] = floor.assistant.sent
    assert sender == "c"
    assert (owner["name"], owner["value"], owner["metadata"]) == ("owner", "agent", {"desk_user": "alex"})
    assert notice["text"] == "Alex has joined the conversation."
    conversation = floor.conversation()
    assert (conversation.owner, conversation.assignee.name) == ("agent", "alex")
    assert [row.action for row in floor.rows(AuditEntry)] == ["take"]


def test_of_many_who_take_at_once_exactly_one_gets_it(floor):
    async def all_at_once():
        takes = [floor.handling.take(floor.people[name], 1, None) for name in ("alex", "kim", "sam") * 4]
        return await asyncio.gather(*takes, return_exceptions=True)

    results = floor.run(all_at_once())
    assert results.count(None) == 1
    assert all(isinstance(result, Refused) for result in results if result is not None)
    winner = floor.conversation().assignee
    assert floor.assistant.texts() == [f"{winner.first_name} has joined the conversation."]
    assert sum(row.action == "take" for row in floor.rows(AuditEntry)) == 1


def test_the_second_hears_who_has_it(floor):
    floor.take("alex")
    with pytest.raises(Refused, match="Alex Lee"):
        floor.take("kim")
    with pytest.raises(Refused, match="Alex Lee"):
        floor.take("kim", seen="alex")


def test_a_supervisor_takes_it_only_from_whom_they_saw(floor):
    floor.take("alex")
    with pytest.raises(Refused, match="Alex Lee has taken"):
        floor.take("sam")
    floor.take("sam", seen="alex")
    assert floor.conversation().assignee.name == "sam"
    with pytest.raises(Refused, match="Sam Lee has this"):
        floor.run(floor.handling.reply(floor.people["alex"], 1, "still me"))


def test_a_failed_take_leaves_it_in_the_queue(floor):
    floor.assistant.failure = AssistantError("down")
    with pytest.raises(AssistantError):
        floor.take("alex")
    conversation = floor.conversation()
    assert (conversation.owner, conversation.assigned_to) == ("queue", None)
    floor.assistant.failure = None
    floor.take("kim")


def test_only_who_has_it_may_act(floor):
    for action in (
        floor.handling.reply(floor.people["alex"], 1, "hi"),
        floor.handling.hand_back(floor.people["alex"], 1),
        floor.handling.close(floor.people["alex"], 1, "resolved", ""),
        floor.handling.reply(floor.people["sam"], 1, "hi"),
        floor.handling.reply(floor.people["sam"], 99, "hi"),
    ):
        with pytest.raises(Refused):
            floor.run(action)
    assert floor.assistant.sent == []


def test_a_reply_is_one_message_with_its_author(floor):
    floor.take("alex")
    floor.run(floor.handling.reply(floor.people["alex"], 1, "  Hello.\n\n\nYours,\nAlex  "))
    [reply] = floor.assistant.sent[-1][1]
    assert reply["metadata"] == {"author": "agent", "agent_name": "Alex"}
    assert reply["text"] == "Hello.\n \nYours,\nAlex"
    assert "\n\n" not in one_message("a\r\n\r\nb\n \n\nc\x0b\x0bd")


@pytest.mark.parametrize("text", ["", " \n ", "x" * 4001])
def test_replies_that_cannot_be_sent(floor, text):
    floor.take("alex")
    with pytest.raises(Refused):
        floor.run(floor.handling.reply(floor.people["alex"], 1, text))


def test_handing_back_says_so_and_frees_the_conversation(floor):
    floor.take("alex")
    floor.run(floor.handling.hand_back(floor.people["alex"], 1))
    assert floor.assistant.sent[-1][1][0]["value"] == "bot"
    assert floor.assistant.texts()[-1].startswith("You're back with Northlight's assistant.")
    conversation = floor.conversation()
    assert (conversation.owner, conversation.assigned_to) == ("bot", None)


def test_wrapping_up_closes_with_disposition_and_note(floor):
    floor.take("alex")
    with pytest.raises(Refused):
        floor.run(floor.handling.close(floor.people["alex"], 1, "exploded", ""))
    floor.run(floor.handling.close(floor.people["alex"], 1, "resolved", " Sent a refund. "))
    conversation = floor.conversation()
    assert conversation.closed_at and conversation.disposition == "resolved"
    assert (conversation.owner, conversation.assigned_to) == ("bot", None)
    [wrapped] = floor.rows(WrapUp)
    assert (wrapped.disposition, wrapped.note) == ("resolved", "Sent a refund.")


def test_a_new_message_opens_a_closed_conversation_again(floor):
    floor.take("alex")
    floor.run(floor.handling.close(floor.people["alex"], 1, "resolved", ""))
    later = floor.conversation().closed_at.timestamp() + 5
    floor.run(project(floor.database, [raw("c", {**user("one more thing"), "timestamp": later})]))
    assert floor.conversation().closed_at is None


def test_a_customer_who_asks_again_while_handing_back_is_not_lost(floor):
    """The stream can be ahead of the hand-back's own write."""
    floor.take("alex")
    plain_append = floor.assistant.append

    async def overtaken(sender_id, events):
        await plain_append(sender_id, events)
        now = await find_by_sender(floor.database, "c")
        at = max(now.owner_at, now.assigned_at).timestamp()
        back = raw("c", {**slot("owner", "bot"), "timestamp": at + 1})
        again = raw("c", {**slot("owner", "queue"), "timestamp": at + 2})
        await project(floor.database, [back, again])

    floor.assistant.append = overtaken
    floor.run(floor.handling.hand_back(floor.people["alex"], 1))
    conversation = floor.conversation()
    assert (conversation.owner, conversation.assigned_to) == ("queue", None)
    assert conversation.waiting_since is not None
