"""Finding, erasing, exporting and keeping: real databases with a marked person in every table that can hold one."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from actions.backends.models import (
    AssuranceRow,
    AttemptRow,
    AuditRow,
    CodeRow,
    ContactChangeRow,
    CustomerRow,
    LockRow,
    NoteRow,
    NotificationRow,
    OrderRow,
    RatingRow,
    RequestRow,
    RunRow,
    TicketRow,
)
from actions.backends.session import engine, transaction
from actions.copilot.articles import Draft, folder
from actions.knowledge import gaps
from actions.logs import conversation_ref
from actions.metering import usage_file
from actions.policy import records
from actions.policy.retention import Retention
from actions.privacy import __main__ as command
from actions.privacy import erasing, exporting, retaining
from actions.privacy.person import Person, Unclear, find
from actions.settings import backend_url

ACCOUNT, THEIRS, OTHERS = "NA204518", "marked-conversation", "other-conversation"
MARK = "Zyxwvut"  # stands in everything that is the person's


@pytest.fixture
def marked(database: Path, var: Path, fixed_clock, monkeypatch) -> Iterator[Path]:
    """A person with something in every store, beside somebody else's data."""
    monkeypatch.setenv("POLICY_DATABASE_URL", f"sqlite:///{var / 'policy.db'}")
    at = fixed_clock.now
    with transaction() as session:
        row = session.scalars(select(CustomerRow).where(CustomerRow.account_number == ACCOUNT)).one()
        row.name, row.email = f"{MARK} Sharma", f"{MARK}@example.com"
        row.phone, row.address_lines = f"07700 900123 {MARK}", f"14 {MARK} Lane"
        other = session.scalars(select(CustomerRow).where(CustomerRow.account_number == "NA310077")).one()
        session.execute(update(OrderRow).where(OrderRow.customer_id == row.id).values(deliver_to=f"14 {MARK} Lane"))
        audit = dict(level=2, outcome="allowed", actor="")
        ticket = dict(kind="fault", priority="normal", status="open", promised_by=at.replace(tzinfo=None), opened_at=at)
        run = dict(request="r", action="look", task="t", at=at)
        session.add_all(
            [
                AssuranceRow(
                    conversation_id=THEIRS, subject=f"account:{ACCOUNT}", level=2, granted_at=at, expires_at=at
                ),
                AttemptRow(conversation_id=THEIRS, subject=f"account:{ACCOUNT}", succeeded=True, at=at),
                AttemptRow(conversation_id=OTHERS, subject=f"account:{ACCOUNT}", succeeded=False, at=at),
                LockRow(key=f"conversation:{THEIRS}", until=at),
                AuditRow(at=at, conversation_id=THEIRS, account_number=ACCOUNT, action="a", subject=ACCOUNT, **audit),
                AuditRow(at=at, conversation_id=THEIRS, action="n", subject=f"email:{MARK}•••", **audit),
                AuditRow(at=at, conversation_id=OTHERS, action="m", subject=ACCOUNT, **audit | {"outcome": "refused"}),
                AuditRow(at=at, conversation_id=OTHERS, account_number="NA310077", action="a", subject="x", **audit),
                CodeRow(
                    conversation_id=THEIRS,
                    account_number=ACCOUNT,
                    channel="sms",
                    salt="s",
                    digest="d",
                    sent_at=at,
                    expires_at=at,
                    state="used",
                ),
                TicketRow(conversation_id="by-phone", customer_id=row.id, subject=MARK, details=MARK, **ticket),
                TicketRow(conversation_id=THEIRS, customer_id=None, subject=MARK, details=MARK, **ticket),
                TicketRow(conversation_id=OTHERS, customer_id=other.id, subject="Other", details="Other", **ticket),
                NoteRow(conversation_id=THEIRS, customer_id=None, text=MARK, disposition="", author="alex", at=at),
                ContactChangeRow(customer_id=row.id, field="phone", old=MARK, new=MARK, at=at, undone_at=None),
                NotificationRow(
                    at=at,
                    conversation_id=THEIRS,
                    channel="email",
                    recipient=f"{MARK}•••",
                    subject=MARK,
                    outcome="sent",
                    reason=None,
                    attempts=1,
                ),
                RatingRow(conversation_id=THEIRS, session="1", score=4, comment=MARK, at=at),
                RatingRow(conversation_id=OTHERS, session="1", score=2, comment="Other", at=at),
                RequestRow(owner=ACCOUNT, action="a", request="r", outcome=MARK, at=at),
                RequestRow(owner=f"conversation:{THEIRS}", action="a", request="r", outcome=MARK, at=at),
                RunRow(conversation_id=THEIRS, reason=MARK, result=MARK, **run),
                RunRow(conversation_id=OTHERS, reason="Other", result="Other", **run),
            ]
        )
    with gaps._database() as lists:
        asked = [(f"Is {MARK}@example.com all right?", ""), ("Is it dishwasher-safe?", THEIRS), ("Others?", OTHERS)]
        for question, asker in asked:
            lists.execute(
                "INSERT INTO gaps (question, vector, count, first_seen, last_seen, nearest, score, asker)"
                " VALUES (?, x'00', 1, ?, ?, '', 0, ?)",
                (question, at.isoformat(), at.isoformat(), conversation_ref(asker) if asker else ""),
            )
    call = {"at": at.isoformat(), "model": "m", "input": 5, "output": 1, "estimated": False, "cost": 0.1}
    usage = [{**call, "conversation": conversation_ref(who)} for who in (THEIRS, OTHERS)]
    usage_file().write_text("".join(f"{json.dumps(line)}\n" for line in usage))
    for reference, who in (("a" * 12, THEIRS), ("b" * 12, OTHERS)):
        draft = Draft(reference, "T", f"of {who}", who, "alex", at.isoformat())
        (folder() / f"{reference}.json").write_text(json.dumps(vars(draft)))
    for who in (THEIRS, OTHERS):
        records.keep(records.Row("none", "none", "1", "message", "allow", "", "0" * 64, conversation_ref(who)))
    records.flush()
    yield var
    engine(backend_url()).dispose()
    records._database(f"sqlite:///{var / 'policy.db'}").dispose()


def rows(path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def holding(folder: Path, *marks: str) -> list[str]:
    """The files under a folder in which one of the marks stands, byte by byte."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return [f"{path.name}: {mark}" for path in found for mark in marks if mark.encode() in path.read_bytes()]


def test_a_person_is_found_by_number_address_and_conversation(marked):
    by_number = find("na 204518")
    assert by_number.accounts == [ACCOUNT]
    assert by_number.conversations == ["by-phone", THEIRS]
    assert by_number.values == [f"{MARK}@example.com", f"07700 900123 {MARK}"]
    assert by_number.names == [f"{MARK} Sharma"]
    assert find(f"{MARK.upper()}@example.com") == by_number
    assert find(THEIRS) == by_number


def test_who_has_no_account_is_their_conversation_or_their_address(marked):
    assert find("unknown-conversation") == Person(conversations=["unknown-conversation"])
    assert find("nobody@example.com") == Person(values=["nobody@example.com"])


def test_what_names_two_people_is_asked_about(marked):
    with transaction() as session:
        session.execute(update(CustomerRow).values(email="shared@example.com"))
    with pytest.raises(Unclear, match="NA204518 and NA310077"):
        find("shared@example.com")
    with pytest.raises(Unclear, match="Say whom"):
        find("  ")


def test_a_conversation_with_two_accounts_is_asked_about(marked, fixed_clock):
    with transaction() as session:
        at = fixed_clock.now
        session.add(
            AssuranceRow(conversation_id=THEIRS, subject="account:NA310077", level=2, granted_at=at, expires_at=at)
        )
    with pytest.raises(Unclear, match="2 accounts were verified"):
        find(THEIRS)


def test_an_erased_person_is_nowhere_in_the_bytes(marked):
    assert len(holding(marked, MARK)) > 1
    report = erasing.erase(find(ACCOUNT))
    assert report.left == []
    assert holding(marked, MARK, ACCOUNT, THEIRS) == []
    assert conversation_ref(THEIRS) not in usage_file().read_text()
    assert not any(Path(f"{path}-wal").stat().st_size for path in (marked / "backend.db",) if path.exists())


def test_other_people_keep_everything(marked):
    def others():
        return [
            rows(marked / "backend.db", query)
            for query in (
                "SELECT * FROM customers WHERE account_number != 'NA204518' AND account_number NOT LIKE 'ERASED%'",
                "SELECT * FROM tickets WHERE conversation_id = 'other-conversation'",
                "SELECT * FROM ratings WHERE conversation_id = 'other-conversation'",
                "SELECT * FROM copilot_runs WHERE conversation_id = 'other-conversation'",
                "SELECT * FROM audit WHERE account_number = 'NA310077'",
                "SELECT * FROM orders WHERE customer_id != 1 ORDER BY id",
                "SELECT * FROM appointments WHERE customer_id != 1 ORDER BY id",
            )
        ] + [rows(marked / "knowledge.db", "SELECT question FROM gaps WHERE question = 'Others?'")]

    before = others()
    erasing.erase(find(ACCOUNT))
    assert others() == before and all(before)
    assert (folder() / f"{'b' * 12}.json").is_file()
    assert conversation_ref(OTHERS) in usage_file().read_text()


def test_what_the_law_wants_kept_stays_under_a_pseudonym(marked):
    invoices = len(rows(marked / "backend.db", "SELECT 1 FROM invoices WHERE customer_id = 1"))
    report = erasing.erase(find(ACCOUNT))
    [(number, name)] = rows(marked / "backend.db", "SELECT account_number, name FROM customers WHERE id = 1")
    assert number.startswith("ERASED-") and name == ""
    assert len(rows(marked / "backend.db", "SELECT 1 FROM invoices WHERE customer_id = 1")) == invoices > 0
    kept = {line.kind: line for line in report.lines if line.kept}
    assert kept["invoices"].kept == invoices and "Companies Act" in kept["invoices"].why
    assert kept.keys() >= {"orders", "audit", "ratings", "policy decisions", "model usage"}
    assert all(line.why for line in kept.values())
    assert rows(marked / "backend.db", "SELECT comment, score FROM ratings WHERE session = '1' ORDER BY score") == [
        ("Other", 2),
        ("", 4),
    ]


def test_the_erasure_itself_is_written_down_without_the_person(marked):
    erasing.erase(find(ACCOUNT))
    [(subject, conversation)] = rows(
        marked / "backend.db", "SELECT subject, conversation_id FROM audit WHERE action = 'privacy.erase'"
    )
    assert len(subject) == 32 and int(subject, 16) and conversation == ""


def test_erasing_again_is_safe_and_does_nothing(marked):
    person = find(ACCOUNT)
    erasing.erase(person)
    before = rows(marked / "backend.db", "SELECT count(*) FROM audit")
    again = erasing.erase(person)
    assert {line.kind for line in again.lines} == {"policy decisions"} and again.left == []
    assert rows(marked / "backend.db", "SELECT count(*) FROM audit") == before


def test_a_conversation_without_an_account_is_erased_by_itself(marked):
    with transaction() as session:
        session.execute(update(AssuranceRow).values(conversation_id="elsewhere"))
    erasing.erase(Person(conversations=[THEIRS]))
    assert rows(marked / "backend.db", f"SELECT 1 FROM tickets WHERE conversation_id = '{THEIRS}'") == []
    assert rows(marked / "backend.db", "SELECT name FROM customers WHERE id = 1") == [(f"{MARK} Sharma",)]


def test_a_dead_store_is_left_to_do_and_the_others_are_erased(marked, monkeypatch):
    person = find(ACCOUNT)
    monkeypatch.setenv("POLICY_DATABASE_URL", f"sqlite:///{marked}")
    report = erasing.erase(person)
    assert [sentence.split()[0] for sentence in report.left] == ["policy.db"]
    assert holding(marked, MARK) == []


def test_the_database_is_clean_although_others_have_it_open(marked):
    with closing(sqlite3.connect(marked / "backend.db", isolation_level=None)) as reader:
        reader.execute("SELECT count(*) FROM customers").fetchone()
        assert erasing.erase(find(ACCOUNT)).left == []
    assert holding(marked, MARK) == []


def test_the_export_holds_what_there_is_and_nothing_of_others(marked):
    exported = exporting.export(find(ACCOUNT))
    assert exported["contacts"][0]["name"] == f"{MARK} Sharma"
    assert {order["number"] for order in exported["orders"]} == {"NO482136", "NO300411"}
    assert exported["invoices"][0]["lines"] and exported["invoices"][0]["amount"].startswith("£")
    for kind in ("tickets", "notes", "ratings", "accesses", "what agents did", "changes of contacts"):
        assert exported[kind], kind
    assert len(exported["decisions of the policy"]) == len(exported["use of language models"]) == 1
    text = json.dumps(exported)
    assert "Other" not in text and "NA310077" not in text and "text_sha256" not in text and "alex" not in text


def test_retention_deletes_the_old_and_keeps_the_rest(marked, fixed_clock):
    fixed_clock.now += timedelta(days=200)
    counted = retaining.apply(Retention(), dry_run=True)
    assert rows(marked / "backend.db", "SELECT count(*) FROM notifications") == [(1,)]
    done = retaining.apply(Retention())
    assert done.as_json() == counted.as_json()
    found = {line.kind: line.erased for line in done.lines}
    assert found["notifications"] == 1 and found["one-time codes"] == 1 and found["unanswered questions"] == 3
    assert not found.keys() & {"audit", "tickets", "policy decisions", "model usage", "comments on conversations"}
    assert retaining.apply(Retention()).lines == []


def test_retention_of_years_reaches_everything_but_open_tickets(marked, fixed_clock):
    with transaction() as session:
        session.execute(update(TicketRow).where(TicketRow.conversation_id == THEIRS).values(status="closed"))
    fixed_clock.now += timedelta(days=3000)
    done = {line.kind: line for line in retaining.apply(Retention()).lines}
    assert (done["tickets"].erased, done["tickets"].kept, done["tickets"].why) == (1, 2, "still open")
    assert done["audit"].erased == 4 and done["policy decisions"].erased == 2 and done["model usage"].erased == 2
    assert done["comments on conversations"].erased == 2
    assert usage_file().read_text() == ""


def test_the_decisions_are_append_only_again_afterwards(marked, fixed_clock):
    fixed_clock.now += timedelta(days=800)
    records.keep(records.Row("none", "none", "1", "message", "allow", "", "0" * 64, at="2029-01-01T00:00:00.000Z"))
    records.flush()
    retaining.apply(Retention())
    with closing(sqlite3.connect(marked / "policy.db")) as connection:
        assert connection.execute("SELECT count(*) FROM policy_decisions").fetchone() == (1,)
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("DELETE FROM policy_decisions")


def test_the_command_speaks_json(marked, capsys, monkeypatch):
    def run(name: str, given: object) -> tuple[int, str, str]:
        import io
        import sys

        monkeypatch.setattr(sys, "argv", ["actions.privacy", name])
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(given)))
        code = command.main()
        out, err = capsys.readouterr()
        return code, out, err

    code, out, _ = run("find", {"person": ACCOUNT})
    assert code == 0 and json.loads(out)["accounts"] == [ACCOUNT]
    code, out, _ = run("export", json.loads(out))
    assert code == 0 and json.loads(out)["contacts"]
    code, out, _ = run("rules", None)
    assert code == 0 and json.loads(out)["audit"] >= 365
    code, _, err = run("find", {"person": ""})
    assert code == 2 and err.startswith("Say whom")
    code, _, err = run("erase", [1])
    assert code == 2 and err == "Standard input must be a JSON object.\n"
    code, out, _ = run("retention", {"dry_run": True})
    assert code == 0 and json.loads(out)["left"] == []
    monkeypatch.setenv("POLICY_DATABASE_URL", f"sqlite:///{marked}")
    code, out, _ = run("erase", {"accounts": [ACCOUNT], "conversations": [THEIRS]})
    assert code == 1 and json.loads(out)["left"]


def test_every_table_of_the_backend_is_looked_at():
    """Whoever adds a table to the backend decides what erasing means for it."""
    from actions.backends.models import Base

    known = {
        *("appointments", "arrangements", "assurance", "audit", "contact_changes", "copilot_runs", "customers"),
        *("done_requests", "instalments", "invoice_lines", "invoices", "leases", "notes", "notifications"),
        *("one_time_codes", "orders", "outages", "payments", "ratings", "returns", "tickets"),
        *("verification_attempts", "verification_locks", "visit_places"),
    }
    assert set(Base.metadata.tables) == known
