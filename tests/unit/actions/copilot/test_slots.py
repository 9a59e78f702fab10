"""The values that an agent may hand back to the assistant."""

from typing import Any

import pytest
import wrapup_server
from wrapup_server import Desk

from actions.copilot.slots import IDENTITY
from actions.forms import FORMS

pytestmark = pytest.mark.usefixtures("database")
desk = wrapup_server.desk


def test_the_slots_of_a_task_with_their_labels(desk: Desk) -> None:
    assert desk.get("/slots", task="book_visit").json() == {
        "slots": [{"name": "visit_reason", "label": "Reason"}, {"name": "visit_slot", "label": "Time"}]
    }
    labels = {s["name"]: s["label"] for s in desk.get("/slots", task="report_payment").json()["slots"]}
    assert labels["payment_method"] == "Payment method"
    assert desk.get("/slots", task="nonsense").json() == {"slots": []}
    assert desk.get("/slots").status_code == 422


def test_what_shows_who_the_customer_is_can_never_be_set(desk: Desk) -> None:
    intents = {intent for form in FORMS.values() for intent in form.wants}
    named = {slot["name"] for intent in intents for slot in desk.get("/slots", task=intent).json()["slots"]}
    assert named and not named & (IDENTITY | {"confirmed", "change", "owner", "served"})
    for name in (*IDENTITY, "owner", "confirmed", "nonsense"):
        response = desk.post("/slots/check", name=name, value="NA204518")
        assert response.status_code == 422 and "from an agent" in response.json()["error"]


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("visit_reason", "the router is dead", "the router is dead"),
        ("order_number", "no 482136", "NO482136"),
        ("instalments", "three", 3),
        ("payment_amount", "£42.50", 4250),
        ("payment_day", "yesterday", "2026-11-21"),
        ("first_payment_day", "3 December", "2026-12-03"),
        ("new_email", "priya@example.com", "priya@example.com"),
        ("delivery_postcode", "ls1 4ap", "LS1 4AP"),
    ],
)
def test_a_value_is_read_as_the_customers_own(desk: Desk, name: str, value: str, kept: Any) -> None:
    response = desk.post("/slots/check", name=name, value=value)
    assert (response.status_code, response.json()) == (200, {"value": kept})


def test_what_cannot_be_read_is_said_to_the_agent(desk: Desk) -> None:
    response = desk.post("/slots/check", name="new_postcode", value="somewhere")
    assert (response.status_code, response.json()["error"]) == (
        422,
        "The assistant can't use this as the postcode; it would tell the customer: "
        '"I can\'t read that as a UK postcode, such as LS1 4AP."',
    )
    assert desk.post("/slots/check", name="move_slot", value="whenever").status_code == 422
