"""Taking, replying, handing back and wrapping up, with the assistant scripted."""

import asyncio
from datetime import timedelta

import pytest
from conftest import raw, slot, user
from floor import Floor

from desk.assistant import AssistantError, one_message
from desk.conversations import find_by_sender
from desk.handling import Refused
from desk.models import AuditEntry, User, WrapUp, now
from desk.notes import notes_of
from desk.notes_models import Note
from desk.presence_models import Take
from desk.projection import project


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
    assert floor.assistant.texts()[-1] == "Alex has left the conversation."
    assert floor.assistant.triggered == [("c", "EXTERNAL_handed_back", {})]
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


def test_a_reply_is_counted_for_the_clock_and_only_the_first_is_the_first(floor):
    floor.take("alex")
    floor.run(floor.handling.reply(floor.people["alex"], 1, "one"))
    first = floor.conversation().first_reply_at
    floor.run(floor.handling.reply(floor.people["alex"], 1, "two"))
    conversation = floor.conversation()
    assert conversation.first_reply_at == first and conversation.agent_at >= first
    [wait] = floor.rows(Take)
    assert (wait.queue, wait.waited_seconds >= 0) == ("general", True)


def test_handing_back_carries_what_was_found_out_and_the_task(floor):
    floor.take("alex")
    slots = {"order_number": "NO482136"}
    floor.run(floor.handling.hand_back(floor.people["alex"], 1, slots=slots, task="order_status", message="Bye!"))
    found, owner, reply, notice = floor.assistant.sent[-1][1]
    assert (found["name"], found["value"]) == ("order_number", "NO482136")
    assert (owner["value"], reply["text"]) == ("bot", "Bye!")
    assert notice["text"] == "Alex has left the conversation."
    assert floor.assistant.triggered == [("c", "EXTERNAL_handed_back", {"task": "order_status"})]


@pytest.mark.parametrize("finish", ["hand_back", "close"])
def test_what_is_done_stays_done_when_the_assistant_cannot_go_on(floor, finish):
    floor.take("alex")
    floor.assistant.mute = AssistantError("404")
    more = ("resolved", "") if finish == "close" else ()
    with pytest.raises(AssistantError, match="could not go on by itself"):
        floor.run(getattr(floor.handling, finish)(floor.people["alex"], 1, *more))
    conversation = floor.conversation()
    assert (conversation.phase, conversation.owner, conversation.assigned_to) == (
        "closed" if finish == "close" else "bot",
        "bot",
        None,
    )


def test_a_failed_release_leaves_it_with_the_agent(floor):
    floor.take("alex")
    floor.assistant.failure = AssistantError("down")
    alex = floor.people["alex"]
    for action in (
        floor.handling.hand_back(alex, 1),
        floor.handling.close(alex, 1, "resolved", ""),
        floor.handling.transfer(alex, 1, queue="billing"),
    ):
        with pytest.raises(AssistantError):
            floor.run(action)
    conversation = floor.conversation()
    assert (conversation.phase, conversation.assignee.name) == ("agent", "alex")
    assert floor.rows(WrapUp) == []


def test_wrap_up_keeps_the_bot_quiet_and_a_message_brings_it_back(floor):
    floor.take("alex")
    alex = floor.people["alex"]
    floor.run(floor.handling.start_wrap_up(alex, 1))
    conversation = floor.conversation()
    assert (conversation.phase, conversation.owner) == ("wrap_up", "agent")
    with pytest.raises(Refused, match="wrapping"):
        floor.run(floor.handling.reply(alex, 1, "one more thing"))
    floor.run(floor.handling.resume(alex, 1))
    floor.run(floor.handling.start_wrap_up(alex, 1))
    at = (now() + timedelta(seconds=5)).timestamp()
    floor.run(project(floor.database, [raw("c", {**user("wait!"), "timestamp": at})]))
    conversation = floor.conversation()
    assert (conversation.phase, conversation.wrap_up_at, conversation.assignee.name) == ("agent", None, "alex")


def test_a_transfer_to_a_queue_tells_everybody_and_makes_it_more_urgent(floor):
    floor.take("alex")
    floor.run(floor.handling.transfer(floor.people["alex"], 1, queue="billing", note="Wants the fee back."))
    conversation = floor.conversation()
    assert (conversation.phase, conversation.owner, conversation.assigned_to) == ("queue", "queue", None)
    assert (conversation.queue, conversation.priority) == ("billing", 2)
    assert conversation.sla_due > now() and conversation.waiting_since is not None
    assert floor.assistant.sent[-1][1][0]["value"] == "queue"
    assert "our billing team" in floor.assistant.texts()[-1]
    [note] = floor.run(notes_of(floor.database, 1))
    assert (note.kind, note.text, note.author.name) == ("transfer", "Wants the fee back.", "alex")
    with pytest.raises(Refused):
        floor.run(floor.handling.reply(floor.people["alex"], 1, "me again"))
    floor.take("kim")


def test_a_transfer_that_the_stream_tells_first_still_counts(floor):
    floor.take("alex")
    plain_append = floor.assistant.append

    async def overtaken(sender_id, events):
        await plain_append(sender_id, events)
        conversation = await find_by_sender(floor.database, "c")
        at = max(conversation.owner_at, conversation.assigned_at).timestamp() + 1
        await project(floor.database, [raw("c", {**slot("owner", "queue"), "timestamp": at})])

    floor.assistant.append = overtaken
    floor.run(floor.handling.transfer(floor.people["alex"], 1, queue="billing"))
    assert (floor.conversation().queue, floor.conversation().priority) == ("billing", 2)


def test_a_transfer_to_a_colleague_is_theirs_at_once(floor):
    floor.take("alex")
    floor.run(floor.handling.transfer(floor.people["alex"], 1, agent="kim", note="Yours, I think."))
    assert floor.conversation().assignee.name == "kim"
    owner, notice = floor.assistant.sent[-1][1]
    assert (owner["value"], owner["metadata"]) == ("agent", {"desk_user": "kim"})
    assert notice["text"].startswith("Kim will take over")
    floor.run(floor.handling.reply(floor.people["kim"], 1, "Hello."))
    with pytest.raises(Refused, match="Kim Lee has this"):
        floor.run(floor.handling.reply(floor.people["alex"], 1, "Hello."))
    assert floor.rows(Note)[0].seen_at is not None


def test_transfers_that_are_refused(floor):
    floor.take("alex")
    floor.available("kim", status="away")
    alex = floor.people["alex"]
    for target in ({}, {"queue": "a", "agent": "kim"}, {"agent": "kim"}, {"agent": "nobody"}, {"agent": "alex"}):
        with pytest.raises(Refused):
            floor.run(floor.handling.transfer(alex, 1, **target))
    with pytest.raises(Refused):
        floor.run(floor.handling.transfer(floor.people["kim"], 1, queue="billing"))
    assert floor.conversation().assignee.name == "alex"


def test_a_supervisor_moves_what_waits_and_an_agent_does_not(floor):
    with pytest.raises(Refused):
        floor.run(floor.handling.transfer(floor.people["alex"], 1, agent="kim"))
    floor.run(floor.handling.transfer(floor.people["sam"], 1, agent="kim"))
    assert (floor.conversation().phase, floor.conversation().assignee.name) == ("agent", "kim")


def test_a_whisper_reaches_the_agent_and_nobody_else(floor):
    with pytest.raises(Refused):
        floor.run(floor.handling.whisper(floor.people["sam"], 1, "Offer the discount."))
    floor.take("alex")
    with pytest.raises(Refused):
        floor.run(floor.handling.whisper(floor.people["kim"], 1, "Offer the discount."))
    sent = len(floor.assistant.sent)
    floor.run(floor.handling.whisper(floor.people["sam"], 1, "Offer the discount."))
    assert len(floor.assistant.sent) == sent
    assert floor.rows(Note)[0].seen_at is None
    floor.run(floor.handling.opened(floor.people["sam"], 1))
    assert floor.rows(Note)[0].seen_at is None
    floor.run(floor.handling.opened(floor.people["alex"], 1))
    assert floor.rows(Note)[0].seen_at is not None


def test_other_roles_take_nothing(floor):
    floor.people["lee"] = User(id=99, name="lee", display_name="Lee", role="auditor", password_hash="-")
    with pytest.raises(Refused, match="role"):
        floor.take("lee")
