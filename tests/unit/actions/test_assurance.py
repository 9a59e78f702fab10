"""Verification: levels, expiry, limits, audit."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from chats import Clock
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy import select

from actions import assurance, backends
from actions.backends import Level, Unavailable
from actions.backends.models import AttemptRow, AuditRow
from actions.backends.session import transaction
from actions.executor import SafeExecutor

pytestmark = pytest.mark.usefixtures("database")


def fail(conversation: str, account: str = "NA204518") -> type[Exception]:
    """Try with a wrong postcode; returns the kind of refusal."""
    with pytest.raises((assurance.Mismatch, assurance.Locked)) as refusal:
        assurance.verify_account(conversation, account, "ZE1 0AA")
    return refusal.type


def test_nobody_is_known_at_first() -> None:
    assert assurance.current("c") == assurance.Identity("c")


def test_account_number_and_postcode_verify_for_fifteen_minutes(fixed_clock: Clock) -> None:
    verified = assurance.verify_account("c", "NA204518", "LS1 4AP")
    assert (verified.level, verified.account_number) == (Level.VERIFIED, "NA204518")
    assert assurance.current("other").level is Level.NONE
    fixed_clock.move(minutes=14, seconds=59)
    assert assurance.current("c").level is Level.VERIFIED
    fixed_clock.move(seconds=1)
    assert assurance.current("c") == assurance.Identity("c")


def test_an_order_number_and_postcode_make_known_for_that_order_only() -> None:
    known = assurance.verify_order("c", "NO482136", "LS1 4AP")
    assert (known.level, known.orders, known.account_number) == (Level.KNOWN, {"NO482136"}, None)


def test_a_conversation_speaks_for_one_account_at_a_time() -> None:
    assurance.verify_account("c", "NA204518", "LS1 4AP")
    assert assurance.verify_account("c", "NA310077", "M3 2BW").account_number == "NA310077"


def test_forget() -> None:
    assurance.verify_account("c", "NA204518", "LS1 4AP")
    assurance.forget("c")
    assert assurance.current("c").level is Level.NONE


@pytest.mark.parametrize(("account", "postcode"), [("NA204518", "M3 2BW"), ("NA000000", "LS1 4AP")])
def test_every_mismatch_is_the_same(account: str, postcode: str) -> None:
    with pytest.raises(assurance.Mismatch) as refusal:
        assurance.verify_account("c", account, postcode)
    assert str(refusal.value) == ""


def test_the_third_failure_locks_the_conversation_for_fifteen_minutes(fixed_clock: Clock) -> None:
    assert [fail("c", f"NA00000{n}") for n in range(3)] == [
        assurance.Mismatch,
        assurance.Mismatch,
        assurance.Locked,
    ]
    assert assurance.locked("c") and not assurance.locked("other")
    with pytest.raises(assurance.Locked):  # also with the right facts, and for an order
        assurance.verify_account("c", "NA204518", "LS1 4AP")
    with pytest.raises(assurance.Locked):
        assurance.verify_order("c", "NO482136", "LS1 4AP")
    fixed_clock.move(minutes=15)
    assert assurance.verify_account("c", "NA204518", "LS1 4AP").level is Level.VERIFIED


def test_a_success_does_not_buy_more_tries() -> None:
    fail("c", "NA000001")
    fail("c", "NA000002")
    assurance.verify_account("c", "NA204518", "LS1 4AP")
    assert fail("c", "NA000003") is assurance.Locked


def test_five_failures_on_an_account_lock_it_for_every_conversation(fixed_clock: Clock) -> None:
    for n in range(5):
        assert fail(f"c{n}") is assurance.Mismatch
    with pytest.raises(assurance.Locked):
        assurance.verify_account("c-new", "NA204518", "LS1 4AP")
    assert assurance.verify_account("c-new", "NA310077", "M3 2BW").level is Level.VERIFIED
    fixed_clock.move(minutes=15)
    assert assurance.verify_account("c-new", "NA204518", "LS1 4AP").level is Level.VERIFIED


def test_an_account_that_does_not_exist_locks_in_the_same_way() -> None:
    assert [fail(f"c{n}", "NA000000") for n in range(6)] == [assurance.Mismatch] * 5 + [assurance.Locked]


def test_failures_of_more_than_an_hour_ago_do_not_count(fixed_clock: Clock) -> None:
    fail("c", "NA000001")
    fail("c", "NA000002")
    fixed_clock.move(minutes=61)
    assert fail("c", "NA000003") is assurance.Mismatch


def test_tries_side_by_side_cannot_pass_the_limit() -> None:
    with ThreadPoolExecutor(8) as pool:
        kinds = Counter(pool.map(lambda n: fail("c", f"NA1000{n:02d}"), range(12)))
    assert kinds[assurance.Mismatch] <= 2
    with transaction() as session:
        assert len(session.scalars(select(AttemptRow)).all()) <= 3


def test_a_backend_that_is_down_costs_no_try() -> None:
    class Down:
        def matches(self, *_: object) -> bool:
            raise Unavailable

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backends, "customers", Down)
        for _ in range(4):
            with pytest.raises(Unavailable):
                assurance.verify_account("c", "NA204518", "LS1 4AP")
    assert not assurance.locked("c")


def test_every_try_is_audited() -> None:
    fail("c")
    assurance.verify_account("c", "NA204518", "LS1 4AP")
    with transaction() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "verify").order_by(AuditRow.id)).all()
    assert [(r.outcome, r.reason, r.subject) for r in rows] == [
        ("refused", "mismatch", "account:NA204518"),
        ("allowed", None, "account:NA204518"),
    ]


def test_a_level_counts_in_its_own_session_alone() -> None:
    with assurance.in_session(100.25):
        assurance.verify_account("c", "NA204518", "LS1 4AP")
        assurance.verify_order("c", "NO771204", "M3 2BW")
        assert assurance.current("c").level is Level.VERIFIED
    assert assurance.current("c") == assurance.Identity("c")
    with assurance.in_session(3700.5):
        assert assurance.current("c") == assurance.Identity("c")
        assert assurance.verify_account("c", "NA204518", "LS1 4AP").orders == frozenset()
    with assurance.in_session(100.25):
        assert assurance.current("c").account_number is None  # the later proof has replaced the earlier one


def test_a_new_session_gives_no_new_tries() -> None:
    kinds = []
    for began in (1.0, 2.0, 3.0):
        with assurance.in_session(began):
            kinds.append(fail("c", f"NA00000{began:.0f}"))
    assert kinds == [assurance.Mismatch, assurance.Mismatch, assurance.Locked]


def test_the_executor_says_which_session_it_is() -> None:
    class SaysLevel(Action):
        def name(self) -> str:
            return "action_level"

        def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: object) -> list[dict[str, object]]:
            dispatcher.utter_message(text=assurance.current(tracker.sender_id).level.name)
            return []

    def level(*events: dict[str, object]) -> str:
        tracker = {"sender_id": "c", "slots": {}, "latest_message": {}, "events": list(events)}
        result = asyncio.run(executor.run({"next_action": "action_level", "tracker": tracker, "domain": {}}))
        assert result is not None
        return str(result.responses[0]["text"])

    executor = SafeExecutor(timeout=5, workers=1)
    executor.register_action(SaysLevel)
    start = {"event": "session_started", "timestamp": 1795359600.123456}
    with assurance.in_session(1795359600.123456):
        assurance.verify_account("c", "NA204518", "LS1 4AP")
    assert level(start) == "VERIFIED"
    assert level(start, {"event": "restart", "timestamp": 1795359700.5}) == "NONE"
    assert level(start, {"event": "session_started", "timestamp": 1795359700.5}) == "NONE"
    assert level() == "NONE"
    assert level(start) == "VERIFIED"
