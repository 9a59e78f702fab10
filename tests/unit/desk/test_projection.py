"""Events become conversations: once each, in the order in which they happened."""

import random

import pytest
from conftest import bot, handed_over, raw, slot, user
from sqlalchemy import select

from desk.conversations import find_by_sender, inbox, transcript
from desk.models import User
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
