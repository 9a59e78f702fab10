"""One action after a click: the same checks as for the bot, once a request, audited under the agent."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import copilot_fixtures
import pytest
from chats import Clock
from copilot_fixtures import SAM, audits, verified
from sqlalchemy import func, select

from actions import assurance, backends, codes
from actions.backends.models import CodeRow, RunRow, TicketRow
from actions.backends.protocols import Level, Unavailable
from actions.backends.session import transaction
from actions.copilot.calls import Refused
from actions.copilot.models import RunCall
from actions.copilot.run import run
from actions.copilot.runnable import RUNNABLE

articles, indexed, office = copilot_fixtures.articles, copilot_fixtures.indexed, copilot_fixtures.office
pytestmark = pytest.mark.usefixtures("database")

# Values that can be read, for each parameter.
VALUES = {
    "order_number": "NO482136", "return_reason": "too slow", "day": "2026-11-27", "instalments": "2",
    "first_payment_day": "2026-12-01", "window": "2026-11-25-am", "visit_reason": "No connection",
    "reference": "NV000001", "postcode": "CF10", "channel": "email", "kind": "fault", "subject": "A fault",
    "details": "It is slow", "priority": "normal",
}  # fmt: skip


def click(action: str, request: str = "request-1", conversation: str = "c", role: str = "agent", **params: str) -> str:
    agent = SAM | {"role": role}
    call: dict[str, Any] = {"conversation": conversation, "action": action, "params": params, "agent": agent}
    return run(RunCall.model_validate(call | {"request": request})).result


def refused(action: str, **more: str) -> Refused:
    with pytest.raises(Refused) as refusal:
        click(action, **more)
    return refusal.value


def order(number: str) -> str:
    with assurance.for_agent("c", "test") as caller:
        return backends.orders().order(caller, number).status


@pytest.mark.parametrize("action", [a for a in RUNNABLE.values() if a.needs > Level.NONE], ids=lambda a: a.id)
def test_nothing_is_done_below_the_level_whoever_asks(action: Any) -> None:
    params = {name: VALUES[name] for name in action.params}
    for role in ("agent", "supervisor", "admin"):
        refusal = refused(action.id, role=role, **params)
        assert refusal.status == 403 and "customer" in refusal.sentence
    assert (f"copilot.{action.id}", "refused", "Sam Lee") in audits()


def test_no_role_but_those_with_customers_may_click() -> None:
    verified()
    for role in ("designer", "auditor"):
        assert refused("balance", role=role).status == 403


def test_a_verified_customers_order_is_cancelled_once() -> None:
    verified()
    number = "NO482136"
    assert refused("cancel_order", order_number=number).status == 409  # dispatched
    assert refused("cancel_order", order_number="NO771204").status == 404  # somebody else's
    assert order(number) == "dispatched"
    with assurance.in_session(100.0):
        assurance.verify_account("d", "NA118260", "CF10 1EP")
    first = click("cancel_order", conversation="d", order_number="NO640755")
    assert first == click("cancel_order", conversation="d", order_number="NO640755")
    assert "NO640755" in first and "cancelled" in first
    assert ("order.cancel", "allowed", "Sam Lee") in audits()


def test_the_level_runs_out_for_the_agent_too(fixed_clock: Clock) -> None:
    verified()
    assert click("balance").startswith("The balance is £42.50")
    fixed_clock.move(minutes=15)
    assert refused("balance", request="request-2").status == 403


def test_the_session_in_which_something_was_shown_last_is_the_one_that_counts(fixed_clock: Clock) -> None:
    verified(session=100.0)
    fixed_clock.move(minutes=1)
    with assurance.in_session(200.0):
        assert assurance.current("c").level is Level.NONE  # the bot's view of a new session
        assurance.verify_order("c", "NO482136", "LS1 4AP")
    with assurance.for_agent("c", "Sam Lee") as caller:
        assert (caller.level, caller.actor) == (Level.KNOWN, "Sam Lee")  # the earlier session's account is over
    assert assurance.current("c").actor == ""


def test_a_code_goes_to_the_customers_own_contact_once_a_click(capsys: pytest.CaptureFixture[str]) -> None:
    verified()
    told = click("send_code")
    assert told == click("send_code")
    assert "p•••@example.com" in told and "priya@" not in told
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(CodeRow)) == 1
    for n in range(2):
        click("send_code", request=f"request-more-{n}")
    too_many = refused("send_code", request="request-last")
    assert too_many.status == 409 and "15 minutes" in too_many.sentence
    assert codes.MAX_CODES == 3


def test_clicks_side_by_side_open_one_ticket() -> None:
    values = {"kind": "fault", "subject": "Slow line", "details": "Since Monday", "priority": "high"}

    def one(_: int) -> str:
        try:
            return click("open_ticket", **values)
        except Refused as refusal:
            return str(refusal.status)

    with ThreadPoolExecutor(8) as pool:
        outcomes = set(pool.map(one, range(8)))
    assert len([o for o in outcomes if o.startswith("The ticket")]) == 1 and outcomes - {"409"} == {
        o for o in outcomes if o.startswith("The ticket")
    }
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(TicketRow)) == 1


def test_a_key_belongs_to_one_action() -> None:
    click("check_outage", postcode="CF10")
    assert refused("open_ticket", subject="A fault", details="It is slow").status == 409


def test_a_refused_click_may_be_sent_again() -> None:
    verified()
    assert refused("cancel_order", order_number="NO482136").status == 409
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(RunRow)) == 0


def test_a_back_office_that_is_down_is_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    class Down:
        def outages(self, *_: object) -> list[object]:
            raise Unavailable

    monkeypatch.setattr(backends, "outages", Down)
    refusal = refused("check_outage", postcode="CF10")
    assert refusal.status == 503 and "nothing was done" in refusal.sentence
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("action", "params", "named"),
    [
        ("check_outage", {}, "params.postcode"),
        ("check_outage", {"postcode": "nowhere"}, "params.postcode"),
        ("check_outage", {"postcode": "CF10", "sql": "x"}, "params.sql"),
        ("open_ticket", {"kind": "party", "subject": "A fault", "details": "slow"}, "params.kind"),
    ],
)
def test_a_wrong_value_is_named(action: str, params: dict[str, str], named: str) -> None:
    refusal = refused(action, **params)
    assert refusal.status == 422 and named in refusal.sentence


def test_an_action_that_is_not_there() -> None:
    assert refused("drop_table").status == 404


def test_visits_are_booked_into_free_times_and_moved_and_cancelled() -> None:
    verified()
    full = refused("book_visit", window="nonsense", visit_reason="No connection")
    assert full.status == 422 and "the next ones are" in full.sentence
    with assurance.for_agent("c", "test") as caller:
        first, second = [w.id for w in backends.booking().windows(caller)][:2]
    told = click("book_visit", window=first, visit_reason="No connection")
    reference = next(word for word in told.split() if word.startswith("NV"))
    assert "moved" in click("move_visit", "request-2", reference=reference, window=second)
    assert reference in click("visits", "request-3")
    assert "cancelled" in click("cancel_visit", "request-4", reference=reference)
    assert refused("cancel_visit", request="request-5", reference="NV000001").status == 404  # somebody else's


def test_a_payment_plan_within_the_rules() -> None:
    verified()
    told = click("arrange_payment", instalments="2", first_payment_day="2026-12-01")
    assert "£21.25 on Tuesday 1 December 2026" in told
    again = refused("arrange_payment", request="request-2", instalments="2", first_payment_day="2026-12-01")
    assert again.status == 409 and "one at a time" in again.sentence
