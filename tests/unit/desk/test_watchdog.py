"""The watchdog finds conversations that nobody owns or answers, once each, and puts them right."""

import time
from datetime import timedelta

import pytest
from conftest import raw, slot, user
from floor import Floor

from desk import tasks
from desk.assignment import Assignment
from desk.assistant import AssistantError
from desk.models import AuditEntry, WrapUp, now
from desk.notes_models import Note
from desk.presence import Sightings, status_of
from desk.projection import project
from desk.settings import Timings
from desk.watchdog import Watchdog


@pytest.fixture
def floor(run, database):
    floor = Floor(run, database)
    floor.watchdog = Watchdog(floor.handling, Timings(), started=floor.ago(3600))
    return floor


def sweep(floor):
    return floor.run(floor.watchdog.sweep())


def actions(floor):
    return [row.action for row in floor.rows(AuditEntry)]


def test_a_quiet_floor_has_no_findings(floor):
    assert sweep(floor) == 0
    floor.take("alex")
    assert sweep(floor) == 0
    assert floor.assistant.triggered == []


def test_a_broken_promise_is_told_once_a_period_and_raises_the_priority_once(floor):
    floor.write(sla_due=floor.ago(1))
    assert sweep(floor) == 1
    assert floor.assistant.triggered == [("c", "EXTERNAL_still_waiting", {})]
    conversation = floor.conversation()
    assert (conversation.flag, conversation.priority) == ("late", 2)
    assert sweep(floor) == 0
    floor.write(reminded_at=floor.ago(301))
    assert sweep(floor) == 1
    assert len(floor.assistant.triggered) == 2 and floor.conversation().priority == 2
    assert actions(floor) == ["late", "still_waiting", "still_waiting"]
    floor.take("alex")
    assert floor.conversation().flag == ""


def test_a_reminder_that_fails_is_tried_again(floor):
    floor.write(sla_due=floor.ago(1))
    floor.assistant.mute = AssistantError("down")
    assert sweep(floor) == 0
    floor.assistant.mute = None
    assert sweep(floor) == 1
    assert (floor.conversation().priority, actions(floor)) == (2, ["late", "still_waiting"])


def test_what_the_customer_was_told_counts_more_than_the_desks_own_clock(floor):
    told = {"event": "bot", "text": "About 5 minutes.", "metadata": {"metadata": {"handoff": "x", "wait_minutes": 5}}}
    at = floor.conversation().waiting_since + timedelta(seconds=1)
    floor.run(project(floor.database, [raw("c", {**told, "timestamp": at.timestamp()})]))
    assert floor.conversation().promised_at == at + timedelta(minutes=5)
    floor.write(sla_due=floor.ago(1))
    assert sweep(floor) == 0
    floor.write(waiting_since=floor.ago(600), promised_at=floor.ago(1))
    assert sweep(floor) == 1


def test_a_customer_without_an_answer_is_flagged_until_the_reply(floor):
    floor.take("alex")
    floor.run(Sightings(floor.database).seen(1))
    floor.write(customer_at=floor.ago(200), assigned_at=floor.ago(400))
    assert sweep(floor) == 1
    assert floor.conversation().flag == "unanswered"
    assert sweep(floor) == 0
    floor.run(floor.handling.reply(floor.people["alex"], 1, "Sorry!"))
    assert floor.conversation().flag == ""
    assert sweep(floor) == 0


def test_an_agent_who_has_gone_gives_it_back_and_the_customer_hears_of_it(floor):
    floor.take("alex")
    floor.run(Sightings(floor.database).seen(1))
    floor.write(assigned_at=floor.ago(400))
    assert sweep(floor) == 0, "a page is open"
    other = Watchdog(floor.handling, Timings(gone=1), started=floor.ago(3600))
    time.sleep(1.1)
    assert floor.run(other.sweep()) == 1
    conversation = floor.conversation()
    assert (conversation.phase, conversation.owner, conversation.assigned_to) == ("queue", "queue", None)
    assert (conversation.flag, conversation.priority) == ("returned", 2)
    assert "Alex has been cut off" in floor.assistant.texts()[-1]
    assert floor.assistant.owners["c"] == "queue"
    assert [note.kind for note in floor.rows(Note)] == ["system"]
    assert floor.run(status_of(floor.database, 1)).status == "away"
    floor.take("kim")


def test_after_a_restart_agents_have_time_to_come_back(floor):
    floor.take("alex")
    floor.write(assigned_at=floor.ago(4000))
    restarted = Watchdog(floor.handling, Timings())
    assert floor.run(restarted.sweep()) == 0
    assert sweep(floor) == 1


def test_a_forgotten_wrap_up_closes_with_the_packets_words(floor):
    summary = [{"text": "Wants a refund.", "turns": [1]}, {"text": "Was verified.", "turns": [2]}]
    second = floor.arrive("s", summary=summary)
    floor.take("alex", conversation_id=second)
    floor.run(floor.handling.start_wrap_up(floor.people["alex"], second))
    assert sweep(floor) == 0
    floor.write("s", wrap_up_at=floor.ago(1000))
    assert sweep(floor) == 1
    [wrapped] = floor.rows(WrapUp)
    assert wrapped.disposition == "other" and wrapped.note.endswith("Wants a refund. Was verified.")
    assert floor.conversation("s").phase == "closed"


def test_an_offer_that_is_not_opened_goes_back_and_its_agent_is_away(floor):
    floor.available("alex")
    assignment = Assignment(floor.handling)
    floor.run(assignment.drain())
    assert sweep(floor) == 0
    floor.write(offered_at=floor.ago(50))
    assert sweep(floor) == 1
    assert (floor.conversation().phase, floor.conversation().assigned_to) == ("queue", None)
    assert floor.run(status_of(floor.database, 1)).status == "away"
    assert floor.run(assignment.drain()) == 0
    assert floor.assistant.sent == []


def test_a_claim_that_the_desk_did_not_live_to_complete_is_dropped(floor):
    floor.write(assigned_to=1, assigned_at=floor.ago(90))
    assert floor.run(Watchdog(floor.handling, Timings()).sweep()) == 0, "the stream may still complete it"
    assert sweep(floor) == 1
    floor.take("kim")


@pytest.fixture
def quiet(floor):
    """Long enough ago that a tracker may be compared."""

    def make(**values):
        floor.write(last_activity=floor.ago(60), owner_at=floor.ago(60), **values)

    return make


def test_a_tracker_that_forgot_its_agent_is_told_again(floor, quiet):
    floor.take("alex")
    quiet(assigned_at=floor.ago(60))
    floor.assistant.owners["c"] = "bot"
    assert sweep(floor) == 0, "once may be the stream's delay"
    assert sweep(floor) == 1
    assert floor.assistant.owners["c"] == "agent"
    assert floor.assistant.sent[-1][1][0]["metadata"] == {"desk_user": "alex"}
    assert floor.conversation().phase == "agent"


def test_a_conversation_of_nobody_is_put_into_the_queue(floor, quiet):
    floor.run(project(floor.database, [raw("c", slot("owner", "bot"))]))
    quiet()
    floor.assistant.owners["c"] = "agent"
    assert [sweep(floor), sweep(floor)] == [0, 1]
    assert floor.assistant.owners["c"] == "queue"


def test_a_customer_who_went_back_to_the_assistant_waits_no_more(floor, quiet):
    quiet()
    floor.assistant.owners["c"] = "bot"
    assert [sweep(floor), sweep(floor)] == [0, 1]
    assert (floor.conversation().phase, floor.conversation().waiting_since) == ("bot", None)


def test_trackers_that_agree_are_left_alone(floor, quiet):
    quiet()
    sent = len(floor.assistant.sent)
    assert [sweep(floor), sweep(floor)] == [0, 0]
    assert len(floor.assistant.sent) == sent


def test_a_task_that_is_overdue_is_found_once(floor):
    floor.run(tasks.add(floor.database, 1, "promise", "Send the bill.", floor.ago(5)))
    assert [sweep(floor), sweep(floor)] == [1, 0]
    assert "task_overdue" in actions(floor)


def test_a_customers_message_after_a_sweep_is_counted_from_then(floor):
    floor.take("alex")
    floor.write(assigned_at=floor.ago(400))
    floor.run(Sightings(floor.database).seen(1))
    floor.run(project(floor.database, [raw("c", {**user("hello?"), "timestamp": now().timestamp() + 60})]))
    assert sweep(floor) == 0
