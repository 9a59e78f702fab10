"""The SQL backends: levels, ownership, audit, bookings under concurrency, migrations, seed."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from chats import Clock
from sqlalchemy import func, inspect, select

from actions import backends, settings
from actions.backends import (
    Balance,
    Identity,
    Level,
    NotAllowed,
    NotFound,
    Unavailable,
    WindowTaken,
    schema,
    session,
)
from actions.backends.models import (
    AppointmentRow,
    AuditRow,
    Base,
    CustomerRow,
    InvoiceRow,
    OrderRow,
    PlaceRow,
)
from actions.backends.seed import seed
from actions.backends.session import engine, transaction

PRIYA = Identity("c", Level.VERIFIED, "NA204518")
TOM = Identity("t", Level.VERIFIED, "NA310077")
STRANGER = Identity("s")


def audits(action: str) -> list[tuple[str, str | None, str | None]]:
    """Outcome, reason and subject of each audit row of `action`."""
    with transaction() as found:
        rows = found.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.id)).all()
        return [(row.outcome, row.reason, row.subject) for row in rows]


def count(table: type[Base]) -> int:
    """The rows of a table."""
    with transaction() as found:
        return found.scalar(select(func.count()).select_from(table)) or 0


def places(window_id: str) -> int:
    """The places that are taken in a window."""
    with transaction() as found:
        taken = select(func.count()).select_from(PlaceRow).where(PlaceRow.window_id == window_id)
        return found.scalar(taken) or 0


@pytest.mark.usefixtures("database")
class TestOrders:
    def test_the_owner_sees_the_order(self) -> None:
        order = backends.orders().order(PRIYA, "NO482136")
        assert (order.status, order.carrier, order.expected_on) == (
            "dispatched",
            "Parcelway",
            date(2026, 11, 24),
        )
        assert audits("order.read") == [("allowed", None, "NO482136")]

    def test_another_customers_order_is_not_found_and_audited(self) -> None:
        for number in ("NO771204", "NO000000"):
            with pytest.raises(NotFound):
                backends.orders().order(PRIYA, number)
        assert audits("order.read") == [
            ("refused", "NotFound", "NO771204"),
            ("refused", "NotFound", "NO000000"),
        ]

    def test_a_stranger_is_refused_and_audited(self) -> None:
        with pytest.raises(NotAllowed):
            backends.orders().order(STRANGER, "NO482136")
        with pytest.raises(NotAllowed):
            backends.orders().own(Identity("k", Level.KNOWN, orders=frozenset({"NO482136"})))
        assert audits("order.read") == [("refused", "NotAllowed", "NO482136")]

    def test_known_for_one_order_is_known_for_no_other(self) -> None:
        known = Identity("k", Level.KNOWN, orders=frozenset({"NO482136"}))
        assert backends.orders().order(known, "NO482136").number == "NO482136"
        with pytest.raises(NotFound):
            backends.orders().order(known, "NO300411")

    def test_own_orders_come_newest_first(self) -> None:
        assert [order.number for order in backends.orders().own(PRIYA)] == ["NO482136", "NO300411"]

    def test_the_delivery_postcode_matches_or_not(self) -> None:
        orders = backends.orders()
        assert orders.matches(STRANGER, "NO471026", "BS8 1TH")
        assert not orders.matches(STRANGER, "NO471026", "BS1 5TR")
        assert not orders.matches(STRANGER, "NO000000", "BS1 5TR")


@pytest.mark.usefixtures("database")
class TestBilling:
    @pytest.mark.parametrize(
        ("account", "expected"),
        [
            ("NA204518", Balance(4250, date(2026, 12, 6))),
            ("NA310077", Balance(0)),
            ("NA640912", Balance(-1550)),
            ("NA559031", Balance(5675, date(2026, 11, 16))),
        ],
    )
    def test_balance(self, account: str, expected: Balance) -> None:
        assert backends.billing().balance(Identity("c", Level.VERIFIED, account)) == expected

    def test_only_the_verified(self) -> None:
        with pytest.raises(NotAllowed):
            backends.billing().balance(Identity("c", Level.KNOWN, orders=frozenset({"NO482136"})))
        assert audits("balance.read") == [("refused", "NotAllowed", None)]

    def test_the_name_of_the_verified(self) -> None:
        assert backends.customers().name(PRIYA) == "Priya Sharma"
        with pytest.raises(NotFound):
            backends.customers().name(Identity("c", Level.VERIFIED, "NA000000"))


@pytest.mark.usefixtures("database")
class TestBooking:
    def test_free_windows_are_to_come_and_have_room(self, fixed_clock: Clock) -> None:
        windows = backends.booking().windows(STRANGER)
        assert windows[0].id == "2026-11-23T08:00"
        assert "2026-11-24T08:00" not in {w.id for w in windows}  # both places are taken by the seed
        fixed_clock.move(days=1)
        assert backends.booking().windows(STRANGER)[0].id == "2026-11-24T12:00"

    def test_a_booking_takes_a_place_once(self) -> None:
        booking = backends.booking()
        first = booking.book(PRIYA, "2026-11-23T08:00", "No connection", "yes-1")
        assert booking.book(PRIYA, "2026-11-23T08:00", "No connection", "yes-1") == first
        assert booking.book(PRIYA, "2026-11-23T08:00", "No connection", "yes-2") == first
        assert first.reference.startswith("NV")
        assert places("2026-11-23T08:00") == 1

    @pytest.mark.parametrize("window_id", ["2026-11-24T08:00", "2026-11-20T08:00", "nonsense"])
    def test_a_full_past_or_unknown_window_is_taken(self, window_id: str) -> None:
        with pytest.raises(WindowTaken):
            backends.booking().book(PRIYA, window_id, "No connection", "yes")
        assert audits("visit.book") == [("refused", "WindowTaken", window_id)]

    def test_only_the_verified_book(self) -> None:
        with pytest.raises(NotAllowed):
            backends.booking().book(STRANGER, "2026-11-23T08:00", "No connection", "yes")
        assert count(AppointmentRow) == 3

    def test_many_customers_at_once_share_the_two_places(self) -> None:
        with transaction() as found:
            accounts = found.scalars(select(CustomerRow.account_number)).all()

        def book(account: str) -> bool:
            try:
                caller = Identity(account, Level.VERIFIED, account)
                backends.booking().book(caller, "2026-11-25T08:00", "No connection", f"yes-{account}")
            except WindowTaken:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(book, accounts)) == 2
        assert count(AppointmentRow) == 3 + 2

    def test_the_same_confirmation_at_once_books_once(self) -> None:
        def book(_: int) -> str:
            return backends.booking().book(TOM, "2026-11-25T08:00", "No connection", "yes").reference

        with ThreadPoolExecutor(6) as pool:
            assert len(set(pool.map(book, range(6)))) == 1
        assert places("2026-11-25T08:00") == 1


class TestDatabase:
    def test_the_migrations_make_what_the_models_say(self, database: Path) -> None:
        with engine(settings.backend_url()).connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, Base.metadata) == []

    def test_an_upgrade_can_be_repeated_and_undone(self, database: Path) -> None:
        schema.upgrade(settings.backend_url())
        assert count(CustomerRow) == 8
        config = schema.alembic_config()
        with engine(settings.backend_url()).begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
            assert inspect(connection).get_table_names() == ["alembic_version"]

    def test_visits_of_an_earlier_version_keep_their_times_and_places(self, var: Path) -> None:
        config = schema.alembic_config()
        with engine(settings.backend_url()).begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            for statement in (
                "INSERT INTO customers VALUES (1, 'NA1', 'Ann', 'LS1 4AP'), (2, 'NA2', 'Ben', 'M3 2BW')",
                "INSERT INTO technician_windows VALUES "
                "('2026-11-24T08:00', '2026-11-24 08:00:00.000000', '2026-11-24 12:00:00.000000', 2, 2)",
                "INSERT INTO appointments VALUES "
                "(4, 1, '2026-11-24T08:00', 'Slow', 'yes-1', '2026-11-20 10:00:00.000000'), "
                "(7, 2, '2026-11-24T08:00', 'Down', 'yes-2', '2026-11-20 11:00:00.000000')",
            ):
                connection.exec_driver_sql(statement)
        schema.upgrade(settings.backend_url())
        with transaction() as found:
            visits = found.scalars(select(AppointmentRow).order_by(AppointmentRow.id)).all()
            assert [(v.id, v.starts_at.hour, v.ends_at.hour, v.status) for v in visits] == [
                (4, 8, 12, "booked"),
                (7, 8, 12, "booked"),
            ]
            assert {(p.place, p.appointment_id) for p in found.scalars(select(PlaceRow))} == {(1, 4), (2, 7)}
        with engine(settings.backend_url()).begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "0001")
            kept = connection.exec_driver_sql("SELECT id, window_id FROM appointments ORDER BY id").all()
            assert kept == [(4, "2026-11-24T08:00"), (7, "2026-11-24T08:00")]
            assert connection.exec_driver_sql("SELECT booked FROM technician_windows").scalar() == 2

    def test_a_fresh_database_is_sown_quickly(self, var: Path) -> None:
        schema.upgrade(settings.backend_url())
        started = time.process_time()
        assert seed() is True
        assert time.process_time() - started < 1

    def test_the_seed_is_sown_once(self, database: Path) -> None:
        assert seed(date(2026, 11, 22)) is False
        assert (count(CustomerRow), count(OrderRow)) == (8, 14)
        assert count(InvoiceRow) >= 20

    def test_wal(self, database: Path) -> None:
        with sqlite3.connect(database) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    def test_a_locked_database_is_unavailable_after_the_wait(
        self, database: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(session, "BUSY_TIMEOUT_MS", 200)
        engine.cache_clear()
        holder = sqlite3.connect(database, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        try:
            started = time.monotonic()
            with pytest.raises(Unavailable):
                backends.billing().balance(PRIYA)
            assert time.monotonic() - started < 4
            assert [record.__dict__["reason"] for record in caplog.records] == ["database is locked"]
            with pytest.raises(schema.DatabaseProblem, match="is locked by another program"):
                schema.upgrade(settings.backend_url())
        finally:
            holder.close()
            engine.cache_clear()
        assert backends.billing().balance(PRIYA).pence == 4250

    def test_what_is_no_database_is_told_in_a_sentence(self, var: Path) -> None:
        (var / "backend.db").write_text("not a database, but long enough to look at it as one\n" * 200)
        with pytest.raises(schema.DatabaseProblem, match="is not a database"):
            schema.upgrade(settings.backend_url())
        with pytest.raises(schema.DatabaseProblem, match="BACKEND_DATABASE_URL"):
            schema.upgrade("nonsense")
        with pytest.raises(schema.DatabaseProblem, match="cannot be opened"):
            schema.upgrade(f"sqlite:///{var}/missing/folder/backend.db")

    def test_a_database_of_a_newer_version_is_refused(self, database: Path) -> None:
        with sqlite3.connect(database) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(schema.DatabaseProblem, match="another version of Tandem"):
            schema.upgrade(settings.backend_url())
