"""Invoices, arrangements and reported payments on SQL."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
import yaml
from chats import Clock
from sqlalchemy import select

from actions import backends
from actions.backends import (
    Identity,
    Invalid,
    Level,
    LimitExceeded,
    NotFound,
    rules,
)
from actions.backends.models import AuditRow
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


def set_rule(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, change: Callable[[dict], object]) -> None:
    """Use a copy of the rules in which a file was edited."""
    for path in (Path(rules.__file__).parent / "data").glob("*.yml"):
        kept = yaml.safe_load(path.read_text())
        if path.name == name:
            change(kept)
        (folder / path.name).write_text(yaml.safe_dump(kept))
    monkeypatch.setenv("TANDEM_RULES", str(folder))


class TestInvoices:
    def test_newest_first_with_lines_that_sum_to_the_amount(self) -> None:
        invoices = BILLING().invoices(PRIYA)
        assert [invoice.number for invoice in invoices] == [f"INV-204518-0{n}" for n in (4, 3, 2, 1)]
        assert all(sum(line.pence for line in invoice.lines) == invoice.pence for invoice in invoices)
        assert [invoice.pence for invoice in invoices] == [4250, 4950, 6700, 1700]
        texts = [{line.text for line in invoice.lines} for invoice in invoices]
        assert texts[0] - texts[1] == {"Home Phone", "Calls to mobiles", "Credit for a late start"}
        assert texts[1] - texts[0] == {"Late payment fee"}
        assert BILLING().invoice(PRIYA, "INV-204518-04") == invoices[0]

    @pytest.mark.parametrize("number", ["INV-310077-03", "INV-000000-01", "' OR 1=1 --"])
    def test_an_invoice_of_somebody_else_is_not_found(self, number: str) -> None:
        with pytest.raises(NotFound):
            BILLING().invoice(PRIYA, number)
        assert audits("invoice.read") == [("refused", "NotFound", number)]


class TestArrangements:
    def test_the_instalments_sum_to_the_balance(self) -> None:
        limits = BILLING().arrangement_limits(PRIYA)
        assert (limits.balance_pence, limits.options) == (4250, (2, 3, 4, 5, 6))
        assert (limits.first_from, limits.first_until) == (date(2026, 11, 22), date(2026, 12, 6))
        made = BILLING().arrange(PRIYA, 4, date(2026, 11, 30), "r1")
        days = [date(2026, 11, 30), date(2026, 12, 30), date(2027, 1, 30), date(2027, 2, 28)]
        assert made.instalments == tuple(zip(days, (1063, 1063, 1062, 1062), strict=True))
        assert BILLING().arrangement(PRIYA) == made and BILLING().balance(PRIYA).pence == 4250
        assert BILLING().arrange(PRIYA, 4, date(2026, 11, 30), "r1") == made

    @pytest.mark.parametrize(
        ("account", "count", "first", "limit"),
        [
            ("NA204518", 1, date(2026, 11, 30), "min_instalments"),
            ("NA204518", 0, date(2026, 11, 30), "min_instalments"),
            ("NA204518", 7, date(2026, 11, 30), "max_instalments"),
            ("NA204518", 3, date(2026, 11, 21), "first_in_past"),
            ("NA204518", 3, date(2026, 12, 7), "first_within_days"),
            ("NA310077", 2, date(2026, 11, 30), "min_balance"),
            ("NA640912", 2, date(2026, 11, 30), "min_balance"),
        ],
    )
    def test_each_limit_is_named(self, account: str, count: int, first: date, limit: str) -> None:
        with pytest.raises(LimitExceeded) as refusal:
            BILLING().arrange(Identity("c", Level.VERIFIED, account), count, first, "r1")
        assert refusal.value.limit == limit

    def test_one_at_a_time_until_it_is_over(self, fixed_clock: Clock) -> None:
        BILLING().arrange(PRIYA, 2, date(2026, 11, 30), "r1")
        with pytest.raises(LimitExceeded) as refusal:
            BILLING().arrange(PRIYA, 2, date(2026, 11, 30), "r2")
        assert refusal.value.limit == "one_at_a_time" == BILLING().arrangement_limits(PRIYA).refusal
        fixed_clock.move(days=39)  # the day after the last instalment
        assert BILLING().arrangement(PRIYA) is None
        BILLING().arrange(PRIYA, 2, date(2027, 1, 4), "r3")

    def test_different_requests_side_by_side_make_one(self) -> None:
        def arrange(n: int) -> bool:
            try:
                BILLING().arrange(PRIYA, 2, date(2026, 11, 30), f"r{n}")
            except LimitExceeded:
                return False
            return True

        with ThreadPoolExecutor(5) as pool:
            assert sum(pool.map(arrange, range(5))) == 1

    @pytest.mark.parametrize(
        ("change", "count", "limit"),
        [
            ({"max_balance": 4249}, 2, "max_balance"),
            ({"min_instalment": 1500}, 3, "min_instalment"),
            ({"min_instalment": 3000}, 2, "min_instalment"),
        ],
    )
    def test_the_limits_are_edited_in_a_file(
        self, change: dict[str, int], count: int, limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_rule(monkeypatch, tmp_path, "billing.yml", lambda kept: kept["arrangement"].update(change))
        with pytest.raises(LimitExceeded) as refusal:
            BILLING().arrange(PRIYA, count, date(2026, 11, 30), "r1")
        assert refusal.value.limit == limit

    def test_a_wrong_file_is_told_with_its_place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        set_rule(monkeypatch, tmp_path, "billing.yml", lambda kept: kept["arrangement"].update(max_balance="lots"))
        with pytest.raises(rules.RulesProblem, match=r"billing\.yml: arrangement\.max_balance"):
            BILLING().arrangement_limits(PRIYA)
        (tmp_path / "billing.yml").unlink()
        with pytest.raises(rules.RulesProblem, match="cannot be read"):
            BILLING().arrangement_limits(PRIYA)


class TestPayments:
    def test_a_reported_payment_does_not_lower_the_balance(self) -> None:
        made = BILLING().report_payment(PRIYA, 4250, date(2026, 11, 21), "bank_transfer", "r1")
        assert (made.pence, made.method, made.status) == (4250, "bank_transfer", "reported")
        assert BILLING().report_payment(PRIYA, 4250, date(2026, 11, 21), "bank_transfer", "r1") == made
        assert BILLING().payments(PRIYA) == [made] and BILLING().payments(TOM) == []
        assert BILLING().balance(PRIYA).pence == 4250

    @pytest.mark.parametrize(
        ("pence", "paid_on", "method", "field"),
        [
            (0, date(2026, 11, 21), "card", "pence"),
            (-5, date(2026, 11, 21), "card", "pence"),
            (10**7, date(2026, 11, 21), "card", "pence"),
            (100, date(2026, 11, 23), "card", "paid_on"),
            (100, date(2026, 1, 1), "card", "paid_on"),
            (100, date(2026, 11, 21), "magic", "method"),
        ],
    )
    def test_what_cannot_be(self, pence: int, paid_on: date, method: str, field: str) -> None:
        with pytest.raises(Invalid) as refusal:
            BILLING().report_payment(PRIYA, pence, paid_on, method, "r1")  # type: ignore[arg-type]
        assert refusal.value.field == field
