"""Erasing, exporting and keeping at the desk: a real database and vault, with a marked person in every table."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import pytest
from conftest import ROOT, desk_environment, start_desk, stop_desk, user, wait_for
from sqlalchemy import select
from vault_file import MASTER, VaultFile

from desk.accounts import add_user
from desk.chat_models import ChatSession
from desk.copilot_models import SuggestionUse
from desk.models import AuditEntry, Base, Conversation, Message, WrapUp, now
from desk.notes_models import Note
from desk.presence_models import Take
from desk.privacy import erasing, exporting
from desk.quality_models import TransferQuality
from desk.reads_models import Read
from desk.tasks_models import Task
from desk.transcript_models import TurnDetail
from desk.vault import Vault

MARK, THEIRS, OTHERS = "Zyxwvut", "web-marked", "web-other"
PHONE = "07700 900987"
SECRET = "s" * 40


def fill(sender, words, at):
    """A conversation with something in every table that can hold words."""
    row = Conversation(sender_id=sender, last_text=words, handoff={"issue": words}, last_activity=at, language="en")
    row.owner, row.phase, row.queue, row.priority, row.flag = "bot", "bot", "billing", 3, ""
    return row, lambda key, agent: [
        Message(conversation_id=key, who="customer", text=words, at=at, sources=[], buttons=[]),
        TurnDetail(conversation_id=key, at=at, kind="slot", name="name", value=words),
        Note(conversation_id=key, user_id=agent, kind="note", text=words, at=at),
        SuggestionUse(conversation_id=key, user_id=agent, kind="answer", suggestion=words, sources=[]),
        Task(conversation_id=key, kind="callback", text=words, due=at, phone=PHONE if sender == THEIRS else ""),
        WrapUp(conversation_id=key, user_id=agent, disposition="resolved", note=words),
        Read(conversation_id=key, user_id=agent, at=at),
        Take(conversation_id=key, user_id=agent, queue="billing", waited_seconds=5),
        TransferQuality(conversation_id=key, packet="p"),
        AuditEntry(conversation_id=key, user_id=agent, action="view", at=at),
    ]


@pytest.fixture
def marked(database, run):
    """The database with the person's conversation and somebody else's, in which an agent names the person."""

    async def make():
        agent = await add_user(database, "alex", "Alex Morgan", "agent", "correct-horse-battery")
        async with database.session() as session, session.begin():
            for sender, words in ((THEIRS, f"I am {MARK}"), (OTHERS, f"Call 07700 900987 back, {MARK[:3]}")):
                row, more = fill(sender, words, now())
                session.add(row)
                await session.flush()
                session.add_all(more(row.id, agent.id))
                session.add(ChatSession(conversation=sender, current="r", expires_at=now()))

    run(make())
    return database


def count(run, database, kind, sender):
    async def counted():
        async with database.session() as session:
            key = select(Conversation.id).where(Conversation.sender_id == sender).scalar_subquery()
            return len((await session.scalars(select(kind).where(kind.conversation_id == key))).unique().all())

    return run(counted())


def holding(folder, *marks):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [f"{path.name}: {mark}" for path in files for mark in marks if mark.encode() in path.read_bytes()]


def test_an_erased_person_is_nowhere_in_the_bytes(marked, run, tmp_path):
    report = run(erasing.erase(marked, SECRET, [THEIRS], ["NA204518"], [PHONE]))
    erasing.scrub(str(marked.engine.url))
    assert holding(tmp_path, MARK, THEIRS, PHONE, "NA204518") == []
    assert report.left == []
    erased = {line["kind"]: line["erased"] for line in report.lines}
    assert erased == {
        "messages": 1,
        "details of turns": 1,
        "notes and whispers": 1,
        "suggestions": 1,
        "tasks and call-backs": 1,
        "reads": 1,
        "wrap-ups": 1,
        "handoff packets": 1,
        "chat sessions": 1,
        "conversations": 1,
        "audit": 0,
        "quality of transfers": 0,
        "mentions in other conversations": 8,
    }
    assert all(line["why"] for line in report.lines if line["kept"])


def test_others_keep_their_conversation_but_for_the_persons_number(marked, run):
    run(erasing.erase(marked, SECRET, [THEIRS], [THEIRS], [PHONE]))
    for kind in (Message, Note, Task, WrapUp, SuggestionUse, TurnDetail, Read, AuditEntry, Take):
        assert count(run, marked, kind, OTHERS) == 1, kind

    async def note():
        async with marked.session() as session:
            return (await session.scalars(select(Note))).one().text

    assert run(note()) == f"Call [erased] back, {MARK[:3]}"


def test_the_audit_log_stays_and_says_that_somebody_was_erased(marked, run):
    run(erasing.erase(marked, SECRET, [THEIRS], ["NA204518"], []))

    async def rows():
        async with marked.session() as session:
            return [(row.action, row.detail) for row in await session.scalars(select(AuditEntry))]

    [erased] = [detail for action, detail in run(rows()) if action == "erase"]
    assert len(erased) == 32 and int(erased, 16)
    assert [action for action, _ in run(rows())].count("view") == 2


def test_erasing_again_changes_nothing(marked, run):
    run(erasing.erase(marked, SECRET, [THEIRS], [THEIRS], [PHONE]))
    again = run(erasing.erase(marked, SECRET, [THEIRS], [THEIRS], [PHONE]))
    assert (again.lines, again.left) == ([], [])


def test_every_table_is_looked_at():
    """Whoever adds a table decides what erasing means for it."""
    assert set(Base.metadata.tables) == {
        *(
            "applied_events",
            "audit",
            "chat_sessions",
            "conversations",
            "cursors",
            "login_attempts",
            "login_sessions",
            "messages",
        ),
        *("notes", "presence", "reads", "suggestion_uses", "takes", "tasks", "transfer_quality", "turn_details"),
        *("user_queues", "user_skills", "users", "wrap_ups"),
    }


def test_retention_empties_what_is_old(marked, run, tmp_path):
    async def age(days):
        async with marked.session() as session, session.begin():
            row = await session.scalar(select(Conversation).where(Conversation.sender_id == THEIRS))
            row.last_activity = now() - timedelta(days=days)
            entry = await session.scalar(select(AuditEntry).where(AuditEntry.conversation_id == row.id))
            entry.at = now() - timedelta(days=days)

    run(age(400))
    counted = run(erasing.forget_old(marked, SECRET, 365, 1095, True))
    assert count(run, marked, Message, THEIRS) == 1
    done = run(erasing.forget_old(marked, SECRET, 365, 1095, False))
    assert done.as_json() == counted.as_json()
    assert {line["kind"]: line["erased"] for line in done.lines}["messages"] == 1
    assert count(run, marked, Message, OTHERS) == 1
    erasing.scrub(str(marked.engine.url))
    assert holding(tmp_path, MARK, THEIRS) == []
    assert run(erasing.forget_old(marked, SECRET, 365, 1095, False)).lines == []
    audited = run(erasing.forget_old(marked, SECRET, 365, 399, False))
    assert [(line["kind"], line["erased"]) for line in audited.lines] == [("audit", 1)]


def test_the_export_reads_as_it_was_said(marked, run, tmp_path):
    file = VaultFile(tmp_path / "vault.db")
    mail = file.hold(THEIRS, "email", "jo@example.com")

    async def say():
        async with marked.session() as session, session.begin():
            row = await session.scalar(select(Conversation).where(Conversation.sender_id == THEIRS))
            session.add(
                Message(conversation_id=row.id, who="bot", text=f"Sent to {mail}", at=now(), sources=[], buttons=[])
            )

    run(say())
    vault = Vault(file.url, MASTER)
    [found] = run(exporting.export(marked, vault, [THEIRS]))["conversations"]
    run(vault.close())
    assert [(message["from"], message["text"]) for message in found["messages"]] == [
        ("you", f"I am {MARK}"),
        ("assistant", "Sent to jo@example.com"),
    ]
    assert found["notes"][0]["text"] == f"I am {MARK}" and found["call-backs and tasks"][0]["phone"] == PHONE
    assert "alex" not in json.dumps(found).lower()


def command(folder, name, given, **more):
    env = desk_environment(folder, 1, 1) | {"TANDEM_VAULT_KEY": MASTER} | more
    argv = [sys.executable, "-m", "desk.privacy", name]
    text = given if isinstance(given, str) else json.dumps(given)
    return subprocess.run(argv, cwd=ROOT, env=env, input=text, capture_output=True, text=True, timeout=60)


def test_the_command_erases_beside_a_running_desk(tmp_path, scripted_server, scripted_actions):
    desk = start_desk(tmp_path, scripted_server.port, scripted_actions.port)
    try:
        desk.stream.create()
        alex = desk.logged_in("alex")
        desk.stream.publish(THEIRS, user(f"I am {MARK}"))
        address = alex.find(THEIRS)
        alex.post(f"{address}/notes", note_text=f"{MARK} is kind")
        with closing(sqlite3.connect(desk.stream.path)) as events:  # as the assistant's own command leaves it
            events.execute("UPDATE events SET sender_id = '', data = '{}'")
            events.commit()
            events.execute("VACUUM")
        done = command(tmp_path, "erase", {"accounts": ["NA204518"], "conversations": [THEIRS]})
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["lines"]
        assert holding(tmp_path, MARK, THEIRS) == []
        assert MARK not in alex.get(address).text and "No message" not in alex.get(address).text
        assert f"row-{address.rsplit('/', 1)[1]}" not in alex.get("/desk/inbox?view=all").text
        desk.stream.publish(THEIRS, user("Hello again"))
        assert wait_for(lambda: alex.find(THEIRS)) != address
    finally:
        stop_desk(desk)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("erase", "no json", "Standard input must be a JSON object"),
        ("retention", {"days": {"desk": 1}}, "Standard input must be a JSON object"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, name, given, said):
    done = command(tmp_path, name, given)
    assert done.returncode == 2 and done.stdout == "" and said in done.stderr and "Traceback" not in done.stderr


def test_a_database_that_cannot_be_opened_is_one_sentence(tmp_path):
    broken = f"sqlite+aiosqlite:///{tmp_path}"
    done = command(tmp_path, "export", {"conversations": []}, DESK_DATABASE_URL=broken)
    assert done.returncode == 2 and "check DESK_DATABASE_URL" in done.stderr and "Traceback" not in done.stderr


def test_a_missing_setting_is_one_sentence(tmp_path):
    done = command(tmp_path, "export", {"conversations": []}, TANDEM_SECRET="")
    assert (
        done.returncode == 2 and done.stderr.startswith("TANDEM_SECRET is not set") and os.sep not in done.stderr[:15]
    )
