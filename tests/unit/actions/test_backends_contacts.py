"""Contacts on SQL, tickets and outages; which level each method needs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

import pytest
from chats import Clock
from sqlalchemy import func, select

from actions import assurance, backends
from actions.backends import (
    Address,
    Identity,
    Invalid,
    Level,
    NotAllowed,
    NotFound,
    TooLate,
)
from actions.backends.models import AuditRow, TicketRow
from actions.backends.session import transaction

pytestmark = pytest.mark.usefixtures("database")
PRIYA = Identity("p", Level.VERIFIED, "NA204518")
PRIYA_SURE = Identity("p", Level.STEP_UP, "NA204518")
TOM = Identity("t", Level.VERIFIED, "NA310077")
MEGAN = Identity("m", Level.VERIFIED, "NA118260")
MEGAN_SURE = Identity("m", Level.STEP_UP, "NA118260")
KNOWN = Identity("k", Level.KNOWN, orders=frozenset({"NO518833"}))
STRANGER = Identity("s")
CUSTOMERS, ORDERS, BILLING, TICKETS = backends.customers, backends.orders, backends.billing, backends.tickets


def audits(action: str) -> list[tuple[str, str | None, str | None]]:
    """Outcome, reason and subject of each audit row of `action`."""
    with transaction() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.id))
        return [(row.outcome, row.reason, row.subject) for row in rows]


LEVELS: list[tuple[Level, Callable[[Identity], object]]] = [
    (Level.VERIFIED, lambda who: CUSTOMERS().contact(who)),
    (Level.STEP_UP, lambda who: CUSTOMERS().change(who, "phone", "07700 900999", "r")),
    (Level.VERIFIED, lambda who: CUSTOMERS().changes(who)),
    (Level.VERIFIED, lambda who: CUSTOMERS().code_recipients(who)),
    (Level.VERIFIED, lambda who: CUSTOMERS().undo(who, 1, "r")),
    (Level.VERIFIED, lambda who: ORDERS().delivery_days(who, "NO518833")),
    (Level.VERIFIED, lambda who: ORDERS().change_date(who, "NO518833", date(2026, 11, 30), "r")),
    (Level.STEP_UP, lambda who: ORDERS().change_address(who, "NO518833", "1 New Road, Cardiff", "CF10 1AA", "r")),
    (Level.VERIFIED, lambda who: ORDERS().cancel(who, "NO518833", "r")),
    (Level.VERIFIED, lambda who: ORDERS().start_return(who, "NO715920", "unwanted", "r")),
    (Level.VERIFIED, lambda who: ORDERS().returns(who)),
    (Level.VERIFIED, lambda who: BILLING().invoices(who)),
    (Level.VERIFIED, lambda who: BILLING().invoice(who, "INV-118260-03")),
    (Level.VERIFIED, lambda who: BILLING().arrangement_limits(who)),
    (Level.VERIFIED, lambda who: BILLING().arrange(who, 2, date(2026, 11, 30), "r")),
    (Level.VERIFIED, lambda who: BILLING().arrangement(who)),
    (Level.VERIFIED, lambda who: BILLING().report_payment(who, 100, date(2026, 11, 20), "card", "r")),
    (Level.VERIFIED, lambda who: BILLING().payments(who)),
    (Level.VERIFIED, lambda who: TICKETS().own(who)),
]


@pytest.mark.parametrize(("needed", "call"), LEVELS)
def test_a_level_too_low_is_refused_and_audited(needed: Level, call: Callable[[Identity], object]) -> None:
    callers = [STRANGER, KNOWN] + ([MEGAN] if needed is Level.STEP_UP else [])
    for caller in callers:
        with pytest.raises(NotAllowed):
            call(caller)
    with transaction() as session:
        rows = session.scalars(select(AuditRow)).all()
    assert [(row.outcome, row.reason) for row in rows] == [("refused", "NotAllowed")] * len(callers)


class TestContacts:
    def test_what_is_on_file(self) -> None:
        found = CUSTOMERS().contact(PRIYA)
        assert str(found.address) == "14 Mill Lane, Leeds, LS1 4AP"
        assert (found.email, found.phone, found.marketing) == ("priya@example.com", "07700 900123", True)

    @pytest.mark.parametrize(
        ("field", "given", "kept", "old", "new"),
        [
            ("email", " New.Priya@Example.com ", "New.Priya@example.com", "priya@example.com", "New.Priya@example.com"),
            ("phone", "+44 7700 900999", "07700 900999", "07700 900123", "07700 900999"),
            ("marketing", False, False, "yes", "no"),
            (
                "address",
                Address.of("Flat 2,  9 Hill Road\nYork", "yo17hh"),
                Address(("Flat 2", "9 Hill Road"), "York", "YO1 7HH"),
                "14 Mill Lane, Leeds, LS1 4AP",
                "Flat 2, 9 Hill Road, York, YO1 7HH",
            ),
        ],
    )
    def test_a_change_and_its_undoing(self, field: str, given: object, kept: object, old: str, new: str) -> None:
        before = CUSTOMERS().contact(PRIYA)
        change = CUSTOMERS().change(PRIYA_SURE, field, given, "r1")  # type: ignore[arg-type]
        assert (change.field, change.old, change.new) == (field, old, new)
        assert (change.at, change.undo_until) == (datetime(2026, 11, 22, 15), datetime(2026, 11, 23, 15))
        assert getattr(CUSTOMERS().contact(PRIYA), field) == kept
        assert CUSTOMERS().changes(PRIYA) == [change]
        assert CUSTOMERS().undo(PRIYA, change.id, "r2") == change
        assert CUSTOMERS().contact(PRIYA) == before and CUSTOMERS().changes(PRIYA) == []

    @pytest.mark.parametrize(
        ("field", "value", "wrong"),
        [
            ("email", "priya@example", "email"),
            ("email", "priya@example.com", "email"),
            ("email", "a@example.com\nBcc: b@example.com", "email"),
            ("phone", "12345", "phone"),
            ("phone", "+1 202 555 0123", "phone"),
            ("phone", "'; DROP TABLE customers; --", "phone"),
            ("marketing", True, "marketing"),
            ("marketing", "yes", "marketing"),
            ("address", Address.of("York", "YO1 7HH"), "address"),
            ("address", Address.of("1 Hill Road, York", "nowhere"), "postcode"),
            ("address", Address.of("x" * 200 + ", York", "YO1 7HH"), "address"),
            ("name", "Tom", "name"),
        ],
    )
    def test_what_cannot_be_right_is_refused(self, field: str, value: object, wrong: str) -> None:
        before = CUSTOMERS().contact(PRIYA)
        with pytest.raises(Invalid) as refusal:
            CUSTOMERS().change(PRIYA_SURE, field, value, "r1")  # type: ignore[arg-type]
        assert refusal.value.field == wrong and CUSTOMERS().contact(PRIYA) == before

    def test_the_same_request_side_by_side_changes_once(self) -> None:
        with ThreadPoolExecutor(6) as pool:
            made = set(pool.map(lambda _: CUSTOMERS().change(PRIYA_SURE, "marketing", False, "r1"), range(6)))
        assert len(made) == 1 and len(CUSTOMERS().changes(PRIYA)) == 1

    def test_a_repeated_undo_does_not_undo_what_came_after(self) -> None:
        first = CUSTOMERS().change(PRIYA_SURE, "phone", "07700 900555", "r1")
        CUSTOMERS().undo(PRIYA, first.id, "u1")
        CUSTOMERS().change(PRIYA_SURE, "phone", "07700 900666", "r2")
        assert CUSTOMERS().undo(PRIYA, first.id, "u1") == first
        assert CUSTOMERS().contact(PRIYA).phone == "07700 900666"
        with pytest.raises(TooLate):
            CUSTOMERS().undo(PRIYA, first.id, "u2")

    def test_only_the_newest_change_of_a_field_can_be_undone(self) -> None:
        first = CUSTOMERS().change(PRIYA_SURE, "phone", "07700 900555", "r1")
        other = CUSTOMERS().change(PRIYA_SURE, "marketing", False, "r2")
        second = CUSTOMERS().change(PRIYA_SURE, "phone", "07700 900666", "r3")
        assert CUSTOMERS().changes(PRIYA) == [second, other]
        with pytest.raises(TooLate):
            CUSTOMERS().undo(PRIYA, first.id, "u1")

    def test_after_a_day_nothing_can_be_undone(self, fixed_clock: Clock) -> None:
        change = CUSTOMERS().change(PRIYA_SURE, "marketing", False, "r1")
        fixed_clock.move(hours=24)
        assert CUSTOMERS().changes(PRIYA) == []
        with pytest.raises(TooLate):
            CUSTOMERS().undo(PRIYA, change.id, "u1")

    def test_a_change_of_somebody_else_is_not_found(self) -> None:
        change = CUSTOMERS().change(PRIYA_SURE, "marketing", False, "r1")
        for number in (change.id, 999):
            with pytest.raises(NotFound):
                CUSTOMERS().undo(TOM, number, "u1")
        assert audits("customer.undo") == [("refused", "NotFound", str(n)) for n in (change.id, 999)]

    def test_after_a_move_the_order_is_still_known_by_its_own_postcode(self) -> None:
        CUSTOMERS().change(PRIYA_SURE, "address", Address.of("9 Hill Road, York", "YO1 7HH"), "r1")
        assert assurance.verify_order("c", "NO482136", "LS1 4AP").orders == {"NO482136"}
        assert assurance.verify_account("d", "NA204518", "YO1 7HH").level is Level.VERIFIED
        with pytest.raises(assurance.Mismatch):
            assurance.verify_account("e", "NA204518", "LS1 4AP")


class TestTickets:
    @pytest.mark.parametrize(
        ("kind", "priority", "promised"),
        [
            ("fault", "urgent", datetime(2026, 11, 23, 10)),  # two opening hours after Monday 8am
            ("callback", "normal", datetime(2026, 11, 23, 16)),
            ("fault", "normal", datetime(2026, 11, 24, 20)),
            ("complaint", "normal", datetime(2026, 11, 24, 20)),
            ("dispute", "normal", datetime(2026, 12, 20, 17)),  # 28 days on, a Sunday
        ],
    )
    def test_the_promise_follows_kind_priority_and_hours(self, kind: str, priority: str, promised: datetime) -> None:
        ticket = TICKETS().open(STRANGER, kind, "No light", "tried: router", priority, "r1")  # type: ignore[arg-type]
        assert (ticket.promised_by, ticket.status, ticket.kind) == (promised, "open", kind)

    def test_opening_hours_run_on_over_the_night(self, fixed_clock: Clock) -> None:
        fixed_clock.move(days=1, hours=4.5)  # Monday, 7.30pm
        assert TICKETS().open(STRANGER, "fault", "x", "", "urgent", "r1").promised_by == datetime(2026, 11, 24, 9, 30)

    def test_it_belongs_to_the_account_of_the_verified(self) -> None:
        made = TICKETS().open(PRIYA, "dispute", "Late fee", "…", "normal", "r1")
        TICKETS().open(STRANGER, "fault", "No light", "…", "normal", "r2")
        assert TICKETS().own(PRIYA) == [made] and TICKETS().own(TOM) == []

    def test_the_same_request_opens_one_also_when_verification_ends(self) -> None:
        callers = [PRIYA, Identity(PRIYA.conversation_id), PRIYA, PRIYA]
        with ThreadPoolExecutor(4) as pool:
            made = set(pool.map(lambda who: TICKETS().open(who, "fault", "x", "", "high", "r1"), callers))
        with transaction() as session:
            assert len(made) == session.scalar(select(func.count()).select_from(TicketRow)) == 1

    @pytest.mark.parametrize(
        ("kind", "subject", "priority", "field"),
        [("magic", "x", "low", "kind"), ("fault", "  ", "low", "subject"), ("fault", "x", "asap", "priority")],
    )
    def test_what_cannot_be(self, kind: str, subject: str, priority: str, field: str) -> None:
        with pytest.raises(Invalid) as refusal:
            TICKETS().open(STRANGER, kind, subject, "", priority, "r1")  # type: ignore[arg-type]
        assert refusal.value.field == field


@pytest.mark.parametrize(
    ("postcode", "found"),
    [
        ("CF10 1EP", 1),
        ("cf101ep", 1),
        ("CF10", 1),
        ("NE1 7RU", 1),
        ("NE17RU", 1),
        ("CF1 1AA", 0),
        ("LS1 4AP", 0),
        ("", 0),
        ("'; --", 0),
    ],
)
def test_outages_by_postcode(postcode: str, found: int) -> None:
    assert len(backends.outages().outages(STRANGER, postcode)) == found


def test_an_outage_says_since_when_and_until_when() -> None:
    (outage,) = backends.outages().outages(STRANGER, "CF10 1EP")
    assert (outage.since, outage.expected_fix) == (datetime(2026, 11, 21, 21), datetime(2026, 11, 23, 12))
    assert audits("outage.list") == [("allowed", None, "CF10")]
