"""Deliveries and returns on SQL."""

from datetime import date

import pytest
from chats import Clock
from sqlalchemy import select

from actions import assurance, backends
from actions.backends import (
    Identity,
    Invalid,
    Level,
    LimitExceeded,
    NotFound,
    TooEarly,
    TooLate,
)
from actions.backends.models import AuditRow, OrderRow
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


class TestDeliveries:
    def test_days_are_working_days_after_the_expected_one(self) -> None:
        days = ORDERS().delivery_days(MEGAN, "NO518833")  # expected on Wednesday 25 November
        assert days[:3] == [date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 30)]
        assert days[-1] == date(2026, 12, 18)

    def test_bank_holidays_are_left_out(self, fixed_clock: Clock) -> None:
        fixed_clock.move(days=30)  # Tuesday 22 December; the order is late by now
        days = ORDERS().delivery_days(MEGAN, "NO518833")
        assert days[:2] == [date(2026, 12, 29), date(2026, 12, 30)]  # three working days on

    def test_another_day(self) -> None:
        changed = ORDERS().change_date(MEGAN, "NO518833", date(2026, 11, 27), "r1")
        assert changed.expected_on == date(2026, 11, 27) == ORDERS().order(MEGAN, "NO518833").expected_on
        for day in (date(2026, 11, 28), date(2026, 11, 24), date(2027, 5, 3)):
            with pytest.raises(Invalid) as refusal:
                ORDERS().change_date(MEGAN, "NO518833", day, f"r-{day}")
            assert refusal.value.field == "day"

    def test_another_address(self) -> None:
        changed = ORDERS().change_address(MEGAN_SURE, "NO518833", "1 New Road, Cardiff", "cf103at", "r1")
        assert changed.deliver_to == "1 New Road, Cardiff, CF10 3AT"
        assert assurance.verify_order("c", "NO518833", "CF10 3AT").orders == {"NO518833"}
        assert CUSTOMERS().contact(MEGAN).address.postcode == "CF10 1EP"
        for address, code, field in (("Cardiff", "CF10 3AT", "address"), ("1 New Road, Cardiff", "x", "postcode")):
            with pytest.raises(Invalid) as refusal:
                ORDERS().change_address(MEGAN_SURE, "NO518833", address, code, f"r-{field}")
            assert refusal.value.field == field

    def test_a_phone_goes_to_the_accounts_address_alone(self) -> None:
        with pytest.raises(LimitExceeded) as refusal:
            ORDERS().change_address(MEGAN_SURE, "NO640755", "1 New Road, Cardiff", "CF10 3AT", "r1")
        assert refusal.value.limit == "phone_to_account_address"
        same = ORDERS().change_address(MEGAN_SURE, "NO640755", "27 castle row, Cardiff", "CF10 1EP", "r2")
        assert same.deliver_to == "27 castle row, Cardiff, CF10 1EP"

    def test_the_delivery_address_is_told_to_the_owner_alone(self) -> None:
        assert ORDERS().order(MEGAN, "NO518833").deliver_to == "27 Castle Row, Cardiff, CF10 1EP"
        assert ORDERS().order(KNOWN, "NO518833").deliver_to is None

    def test_cancelling_cancels_one_order(self) -> None:
        assert ORDERS().cancel(MEGAN, "NO518833", "r1").status == "cancelled"
        with transaction() as session:
            cancelled = session.scalars(select(OrderRow.number).where(OrderRow.status == "cancelled")).all()
        assert sorted(cancelled) == ["NO244790", "NO518833"]
        assert ORDERS().cancel(MEGAN, "NO518833", "r2").status == "cancelled"

    @pytest.mark.parametrize("number", ["NO482136", "NO300411"])
    def test_after_dispatch_it_is_too_late(self, number: str) -> None:
        for call in (
            lambda: ORDERS().cancel(PRIYA, number, "r"),
            lambda: ORDERS().delivery_days(PRIYA, number),
            lambda: ORDERS().change_date(PRIYA, number, date(2026, 11, 27), "r"),
            lambda: ORDERS().change_address(PRIYA_SURE, number, "1 New Road, Leeds", "LS1 1AA", "r"),
        ):
            with pytest.raises(TooLate):
                call()
        assert audits("order.cancel") == [("refused", "TooLate", number)]

    @pytest.mark.parametrize("number", ["NO518833", "NO000000", "NO518833' OR '1'='1", "{{7*7}}"])
    def test_orders_of_others_are_not_found(self, number: str) -> None:
        for call in (
            lambda: ORDERS().cancel(TOM, number, "r"),
            lambda: ORDERS().delivery_days(TOM, number),
            lambda: ORDERS().change_date(TOM, number, date(2026, 11, 27), "r"),
            lambda: ORDERS().start_return(TOM, number, "x", "r"),
        ):
            with pytest.raises(NotFound):
                call()
        assert ORDERS().order(MEGAN, "NO518833").status == "placed"


class TestReturns:
    def test_a_return_within_the_period(self, fixed_clock: Clock) -> None:
        fixed_clock.move(days=9)  # delivered on 17 November: 1 December is the last day
        made = ORDERS().start_return(MEGAN, "NO715920", " too  small ", "r1")
        assert (made.order_number, made.item, made.reason) == ("NO715920", "Wireless earbuds", "too small")
        assert (made.started_on, made.send_by) == (date(2026, 12, 1), date(2026, 12, 15))
        assert made.refund_pence == 4999 and ORDERS().returns(MEGAN) == [made]
        assert ORDERS().start_return(MEGAN, "NO715920", "again", "r2") == made
        fixed_clock.move(days=1)
        assert ORDERS().start_return(MEGAN, "NO715920", "too small", "r1") == made
        assert ORDERS().returns(TOM) == []

    def test_the_period_is_over(self, fixed_clock: Clock) -> None:
        fixed_clock.move(days=10)
        with pytest.raises(TooLate):
            ORDERS().start_return(MEGAN, "NO715920", "unwanted", "r1")

    def test_what_has_not_arrived_or_never_will(self) -> None:
        with pytest.raises(TooEarly):
            ORDERS().start_return(PRIYA, "NO482136", "unwanted", "r1")
        with pytest.raises(TooLate):
            ORDERS().start_return(MEGAN, "NO244790", "unwanted", "r2")
