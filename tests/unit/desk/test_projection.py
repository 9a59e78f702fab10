"""Events become conversations: once each, in the order in which they happened."""

import random

import pytest
from conftest import bot, handed_over, raw, slot, user
from sqlalchemy import select, update

from desk.conversations import find_by_sender, inbox, transcript
from desk.models import Conversation, User
from desk.projection import project

ALEX = User(id=1, name="alex", display_name="Alex Morgan", role="agent", password_hash="-")


def events_of(sender, *events):
    return [raw(sender, event) for event in events]


def state(run, database, sender="c"):
    conversation = run(find_by_sender(database, sender))
    messages = run(transcript(database, conversation.id))
    return conversation, [(message.who, message.text) for message in messages]


def test_a_conversation_up_to_the_handoff(run, database):
    buttons = [{"title": "Yes, please", "payload": "/affirm"}]
    events = events_of("c", user("hello"), bot("A person?", buttons), user("/affirm#" + "0" * 32), *handed_over())
    assert run(project(database, events)) == {1}
    conversation, messages = state(run, database)
    assert messages == [("customer", "hello"), ("bot", "A person?"), ("customer", "Yes, please")]
    assert conversation.owner == "queue"
    assert conversation.handoff["issue"] == "Wants a refund"
    assert conversation.waiting_since.timestamp() == events[-1]["timestamp"]
    assert conversation.channel == "webchat"


def test_delivering_everything_again_changes_nothing(run, database):
    events = events_of("c", user("hello"), bot("Hi"), *handed_over(), slot("owner", "agent"), slot("owner", "bot"))
    run(project(database, events))
    before, messages = state(run, database)
    assert run(project(database, events)) == set()
    assert run(project(database, [*events, *events])) == set()
    after, again = state(run, database)
    assert again == messages
    assert (after.owner, after.waiting_since) == (before.owner, before.waiting_since) == ("bot", None)


def test_a_duplicate_in_the_same_batch_counts_once(run, database):
    event = raw("c", user("hello"))
    run(project(database, [event, dict(event)]))
    assert state(run, database)[1] == [("customer", "hello")]


def test_the_same_words_at_another_time_are_another_message(run, database):
    run(project(database, events_of("c", user("yes"), user("yes"))))
    assert len(state(run, database)[1]) == 2


@pytest.mark.parametrize("seed", range(5))
def test_any_order_of_arrival_ends_in_the_same_state(run, database, seed):
    events = events_of("c", user("1"), bot("2"), *handed_over(), user("3"), slot("owner", "agent"), user("4"))
    random.Random(seed).shuffle(events)
    for event in events:
        run(project(database, [event]))
    conversation, messages = state(run, database)
    assert [text for _, text in messages] == ["1", "2", "3", "4"]
    assert (conversation.owner, conversation.waiting_since) == ("agent", None)
    assert conversation.last_text == "4"


def test_the_queue_is_sorted_by_waiting_time_and_carried_over_slots_do_not_reset_it(run, database):
    run(project(database, [*events_of("first", *handed_over("A")), *events_of("second", *handed_over("B"))]))
    run(project(database, events_of("first", {"event": "session_started"}, *handed_over("A"), user("still here"))))
    queue = run(inbox(database, "queue", ALEX))
    assert [row.sender_id for row in queue.conversations] == ["first", "second"]
    assert queue.counts == {"queue": 2, "mine": 0, "longest": 2, "tasks": 0}


def test_the_owner_event_says_which_agent_took_it(run, database):
    async def add():
        async with database.session() as session, session.begin():
            session.add(User(name="alex", display_name="Alex Morgan", role="agent", password_hash="-"))

    run(add())
    run(project(database, events_of("c", *handed_over(), slot("owner", "agent", desk_user="alex"))))
    assert state(run, database)[0].assignee.name == "alex"
    run(project(database, events_of("c", slot("owner", "bot", desk_user="alex"))))
    assert state(run, database)[0].assignee is None


def test_an_event_without_a_sender_is_left_out(run, database):
    run(project(database, [{"event": "user", "text": "x"}, {"event": "user", "text": "x", "sender_id": 4}]))

    async def count():
        async with database.session() as session:
            return (await session.scalars(select(User.id))).all()

    assert run(count()) == []
    assert run(find_by_sender(database, "x")) is None


def test_ten_thousand_characters_and_other_scripts_are_kept_whole(run, database):
    for text in ("x" * 10_000, "我的订单在哪里？ 😀", "<script>alert(1)</script>"):
        run(project(database, events_of("c", user(text))))
        assert state(run, database)[1][-1] == ("customer", text)


PACKET = {
    "version": 2,
    "id": "p1",
    "queue": "billing",
    "skills": ["welsh"],
    "priority": 2,
    "language": "cy",
    "sla_due": "2030-01-01T10:00:00+00:00",
}


def test_the_packet_says_where_a_conversation_waits(run, database):
    run(project(database, events_of("c", user("hello"), slot("handoff", PACKET), slot("owner", "queue"))))
    conversation = state(run, database)[0]
    assert (conversation.phase, conversation.queue, conversation.skills) == ("queue", "billing", ["welsh"])
    assert (conversation.priority, conversation.language) == (2, "cy")
    assert conversation.sla_due.isoformat() == "2030-01-01T10:00:00+00:00"


@pytest.mark.parametrize("broken", [{"queue": 7, "skills": "x", "priority": 99, "language": [], "sla_due": "soon"}, {}])
def test_a_packet_of_another_shape_gets_the_defaults(run, database, broken):
    run(project(database, events_of("c", slot("handoff", {"id": "p", **broken}), slot("owner", "queue"))))
    conversation = state(run, database)[0]
    assert (conversation.queue, conversation.skills, conversation.priority) == ("general", [], 3)
    assert conversation.sla_due > conversation.waiting_since


def test_a_new_session_that_sets_the_packet_again_moves_no_handover(run, database):
    run(project(database, events_of("c", slot("handoff", PACKET), slot("owner", "queue"))))
    before = state(run, database)[0].handoff_at
    run(project(database, events_of("c", slot("handoff", PACKET))))
    assert state(run, database)[0].handoff_at == before


def test_a_packet_that_is_set_again_updates_it_and_does_not_undo_a_transfer(run, database):
    run(project(database, events_of("c", slot("handoff", PACKET), slot("owner", "queue"))))

    async def moved():
        async with database.session() as session, session.begin():
            await session.execute(update(Conversation).values(queue="sales", priority=1))

    run(moved())
    run(project(database, events_of("c", slot("handoff", {**PACKET, "issue": "Corrected"}))))
    conversation = state(run, database)[0]
    assert (conversation.handoff["issue"], conversation.queue, conversation.priority) == ("Corrected", "sales", 1)
    run(project(database, events_of("c", slot("handoff", {**PACKET, "id": "p2"}))))
    assert state(run, database)[0].queue == "billing"


def test_triggered_intents_are_nobodys_words(run, database):
    external = user("EXTERNAL: EXTERNAL_still_waiting", metadata={"is_external": True})
    run(project(database, events_of("c", user("hello"), external)))
    conversation, messages = state(run, database)
    assert messages == [("customer", "hello")]
    assert conversation.last_text == "hello"


@pytest.mark.parametrize("seed", range(5))
def test_the_phase_is_the_same_in_any_order_and_after_a_restart(run, database, seed):
    events = events_of(
        "c", user("1"), *handed_over(), slot("owner", "agent"), user("2"), slot("owner", "bot"), user("3")
    )
    random.Random(seed).shuffle(events)
    for event in [*events, *events]:
        run(project(database, [event]))
    conversation = state(run, database)[0]
    assert (conversation.phase, conversation.owner, conversation.waiting_since) == ("bot", "bot", None)
    assert conversation.assigned_to is None


SEARCHED = [("Where is my 100% wool_rug?", "web"), ("Nothing to see", "sms")]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("WOOL", ["s0"]),
        ("100%", ["s0"]),
        ("l_r", ["s0"]),
        ("%", ["s0"]),
        ("refund", ["s0", "s1"]),
        ("s1", ["s1"]),
        ("\\", []),
    ],
)
def test_searching_takes_every_character_as_it_is(run, database, q, found):
    for number, (text, channel) in enumerate(SEARCHED):
        events = [user(text, input_channel=channel), *handed_over("A refund")]
        run(project(database, events_of(f"s{number}", *events)))
    rows = run(inbox(database, "all", ALEX, q=q)).conversations
    assert sorted(row.sender_id for row in rows) == found


def test_filters_narrow_the_list_and_not_the_counts(run, database):
    for sender, queue, channel in (("a", "billing", "web"), ("b", "sales", "web"), ("d", "sales", "sms")):
        packet = slot("handoff", {**PACKET, "id": sender, "queue": queue})
        run(project(database, events_of(sender, user("hi", input_channel=channel), packet, slot("owner", "queue"))))
    run(project(database, events_of("e", user("hi"))))

    def senders(**filters):
        found = run(inbox(database, "all", ALEX, **filters))
        assert found.counts == {"queue": 3, "mine": 0, "longest": 3, "tasks": 0}
        assert found.queues == {"billing": 1, "sales": 2}
        assert (list(found.channels), list(found.languages)) == (["sms", "web", "webchat"], ["cy"])
        return sorted(row.sender_id for row in found.conversations)

    assert senders(queue="sales") == ["b", "d"]
    assert senders(queue="sales", channel="web") == ["b"]
    assert senders(language="cy") == ["a", "b", "d"]
    assert senders(state="bot") == ["e"]
    assert senders(state="flagged") == []
    assert senders(state="'; DROP TABLE users") == ["a", "b", "d", "e"]


def test_waiting_longest_counts_customers_without_an_answer_too(run, database):
    run(project(database, events_of("queued", user("hi"), *handed_over("A"))))
    run(project(database, events_of("served", user("hi"), slot("owner", "agent"))))
    run(project(database, events_of("bot", user("hi"))))
    rows = run(inbox(database, "longest", ALEX)).conversations
    assert [row.sender_id for row in rows] == ["queued", "served"]
