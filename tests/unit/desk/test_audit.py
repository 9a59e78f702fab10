"""The audit log: what is written down, filters, pages, and the CSV file."""

import csv
import io
from datetime import timedelta

import pytest
from conftest import PASSWORD, handed_over, hidden, start_desk, stop_desk, user, wait_for
from sqlalchemy import update

from desk import accounts, audit
from desk.models import AuditEntry, Conversation, now


@pytest.fixture
def alex(run, database):
    return run(accounts.add_user(database, "alex", "Alex Morgan", "agent", PASSWORD))


@pytest.fixture
def log(run, database, alex):
    """Sixty rows: alex's views of conversation 1 and somebody's failed log-ins."""

    async def write():
        async with database.session() as session, session.begin():
            session.add(Conversation(sender_id="c"))
            await session.flush()
            for number in range(60):
                mine = number % 2 == 0
                audit.note(session, alex.id if mine else None, "view" if mine else "login_failed", 1 if mine else None)

    run(write())


def found(run, database, number=1, **wanted):
    return run(audit.entries(database, audit.Filter(**wanted), number))


async def export(database, **wanted):
    text = "".join([rows async for rows in audit.as_csv(database, audit.Filter(**wanted))])
    return list(csv.reader(io.StringIO(text)))


def test_pages_of_fifty_the_newest_first(run, database, log):
    first, second = found(run, database), found(run, database, 2)
    assert (first.total, first.last, len(first.entries), len(second.entries)) == (60, 2, 50, 10)
    ids = [entry.id for entry in (*first.entries, *second.entries)]
    assert ids == sorted(ids, reverse=True)
    assert found(run, database, 99).number == 2
    assert found(run, database, 0).number == 1


def test_filters_by_user_action_conversation_and_day(run, database, log, alex):
    assert found(run, database, user_id=alex.id).total == 30
    assert found(run, database, action="login_failed").total == 30
    assert found(run, database, conversation_id=1).total == 30
    assert found(run, database, user_id=alex.id, action="login_failed").total == 0
    today = now().date()

    async def age():
        async with database.session() as session, session.begin():
            await session.execute(update(AuditEntry).where(AuditEntry.id <= 3).values(at=now() - timedelta(days=1)))

    run(age())
    assert found(run, database, day=today).total == 57
    assert found(run, database, day=today - timedelta(days=1)).total == 3


def test_the_csv_file_has_all_rows_and_no_formulas(run, database, log, alex):
    evil = ['=cmd|"/c calc"!A1', "+1", "-1", "@SUM(A1)", "\t=1", "plain", 'quote " and, comma']

    async def write():
        for detail in evil:
            await audit.record(database, alex.id, "refused", detail=detail)

    run(write())
    rows = run(export(database))
    assert rows[0] == list(audit.COLUMNS) and len(rows) == 68
    details = [row[4] for row in rows[1:8]][::-1]
    assert details == [f"'{text}" for text in evil[:5]] + evil[5:]
    assert len(run(export(database, action="refused"))) == 8


def test_a_long_log_is_exported_in_batches(run, database, log, monkeypatch):
    monkeypatch.setattr(audit, "EXPORT_BATCH", 7)
    assert len(run(export(database))) == 61


@pytest.fixture(scope="module")
def own_desk(tmp_path_factory, scripted_server):
    running = start_desk(tmp_path_factory.mktemp("audit"), scripted_server.port)
    running.stream.create().publish("c", user("hello"), *handed_over())
    yield running
    stop_desk(running)


def member(desk, name):
    client = desk.client()
    form = {"name": name, "password": PASSWORD, "csrf_token": hidden(client.get("/desk/login").text)}
    assert client.post("/desk/login", data=form).status_code == 303
    return client


def rows_of(auditor, query):
    """The cells of the exported log."""
    return list(csv.reader(io.StringIO(auditor.get(f"/desk/audit/export.csv?{query}").text)))[1:]


def test_every_view_of_a_conversation_is_written_down(own_desk):
    alex, auditor = member(own_desk, "alex"), member(own_desk, "uma")
    wait_for(lambda: "/desk/conversations/1" in alex.get("/desk?view=all").text)
    before = len(rows_of(auditor, "action=view&conversation=1"))
    for _ in range(2):
        assert alex.get("/desk/conversations/1").status_code == 200
    assert len(rows_of(auditor, "action=view&conversation=1")) == before + 2
    for _ in range(3):
        alex.get("/desk/conversations/1/updates")
    assert len(rows_of(auditor, "action=view&conversation=1")) == before + 2
    member(own_desk, "sam").get("/desk/conversations/1/updates")
    seen = rows_of(auditor, "action=view&conversation=1")
    assert len(seen) == before + 3 and seen[0][1] == "sam"
    assert alex.get("/desk/conversations/999").status_code == 404
    assert {row[1] for row in rows_of(auditor, "action=view_inbox")} >= {"alex"}


def test_the_page_filters_and_the_export_is_a_row_itself(own_desk):
    auditor = member(own_desk, "uma")
    auditor.get("/desk/audit/export.csv")
    page = auditor.get("/desk/audit?action=export_audit").text
    assert page.count("<tbody>") == 1 and "Exported the audit log</td>" in page
    assert 'href="/desk/audit/export.csv?action=export_audit"' in page
    response = auditor.get("/desk/audit/export.csv")
    assert response.headers["content-type"].startswith("text/csv")
    assert "attachment" in response.headers["content-disposition"]
    assert "Nothing in the log matches" in auditor.get("/desk/audit?action=nothing").text


@pytest.mark.parametrize("query", ["day=soon", "user=x&page=-1", "conversation=99999999999999999999", "page=%00"])
def test_an_odd_filter_is_left_out(own_desk, query):
    assert "Logged in" in member(own_desk, "uma").get(f"/desk/audit?{query}").text
