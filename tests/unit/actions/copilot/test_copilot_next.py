"""Next best actions: by the open task, what is known, what agents did before, and how far the customer is verified."""

import copilot_fixtures
import pytest
from copilot_fixtures import SAM, talk, verified

from actions.copilot.models import NextAction, RunCall
from actions.copilot.next_action import next_actions
from actions.copilot.run import run

articles, indexed, office = copilot_fixtures.articles, copilot_fixtures.indexed, copilot_fixtures.office
pytestmark = pytest.mark.usefixtures("office")


def actions(*said: tuple[str, ...], **more: object) -> dict[str, NextAction]:
    return {action.id: action for action in next_actions(talk(*said, **more)).actions}  # type: ignore[arg-type]


CANCEL = ("customer", "I want to cancel my order NO482136", "cancel_order")


def test_the_open_task_says_what_can_be_done_and_what_is_in_the_way() -> None:
    found = actions(CANCEL)
    assert list(found) == ["order_status", "cancel_order", "open_ticket"]
    cancel = found["cancel_order"]
    assert cancel.params == {"order_number": "NO482136"} and cancel.changes
    assert (cancel.needs, cancel.allowed) == ("verified", False) and "not verified" in cancel.blocked_by
    assert "wants to cancel an order" in cancel.why


def test_a_verified_customer_opens_the_way() -> None:
    verified()
    cancel = actions(CANCEL)["cancel_order"]
    assert cancel.allowed and cancel.blocked_by == ""


def test_the_packet_fills_the_values_and_tells_what_is_missing() -> None:
    slots = [{"name": "instalments", "label": "payments", "value": "2", "turn": 1, "confirmed": False}]
    found = actions(("customer", "can I?"), packet={"task": "arrange_payment", "reason": "policy", "slots": slots})
    plan = found["arrange_payment"]
    assert plan.params == {"instalments": "2", "first_payment_day": None}
    assert "Still needed: a day" in plan.why


def test_a_ticket_is_always_there_and_fits_the_task() -> None:
    ticket = actions(("customer", "My internet is down", "report_problem"))["open_ticket"]
    assert ticket.params["kind"] == "fault" and ticket.params["subject"] == "My internet is down"
    assert list(actions(("customer", "hello"))) == ["open_ticket"]


def test_the_article_with_the_rules_is_named() -> None:
    asked = ("customer", "Moving broadband to a new home, book a visit for the moving day", "book_visit")
    assert "“Moving home”" in actions(asked)["book_visit"].why


def test_what_agents_did_before_in_such_cases_counts() -> None:
    packet = {"task": "complain", "reason": "sentiment", "slots": []}
    for n in range(4):
        call = {"conversation": f"old-{n}", "agent": SAM, "request": f"request-{n}", "packet": packet}
        if n < 3:
            params = {"postcode": "CF10"}
            run(RunCall.model_validate(call | {"action": "check_outage", "params": params}))
        params = {"kind": "complaint", "subject": "A complaint", "details": "It was late"}
        run(RunCall.model_validate(call | {"action": "open_ticket", "params": params, "request": f"ticket-{n}"}))
    found = actions(("customer", "I want to complain"), packet=packet)
    assert "Agents did this in 3 of 4 such cases." in found["check_outage"].why
    assert "Agents did this in 4 of 4 such cases." in found["open_ticket"].why
    assert "check_outage" not in actions(("customer", "hello"), packet={"task": "balance", "reason": "policy"})


def test_a_click_without_the_packet_belongs_to_the_case_that_was_shown() -> None:
    for n in range(3):
        said = ("customer", "where is the fault?", "check_outage")
        next_actions(talk(said, conversation=f"old-{n}"))
        params = {"kind": "fault", "subject": "A fault", "details": "It was down"}
        call = {"conversation": f"old-{n}", "agent": SAM, "request": f"request-{n}", "action": "open_ticket"}
        run(RunCall.model_validate(call | {"params": params}))
    assert "3 of 3" in actions(("customer", "is there a fault?", "check_outage"))["open_ticket"].why
