"""Agents' notes in the back office: levels, ownership, one note a request."""

import pytest
from sqlalchemy import select

from actions import backends
from actions.backends import Identity, Invalid, Level, NotAllowed
from actions.backends.models import AuditRow, NoteRow
from actions.backends.session import transaction

pytestmark = pytest.mark.usefixtures("database")
PRIYA = Identity("c", Level.VERIFIED, "NA204518", actor="alex")
TOM = Identity("t", Level.VERIFIED, "NA310077", actor="alex")
STRANGER = Identity("s", actor="alex")


def test_a_note_belongs_to_the_account_of_a_verified_caller() -> None:
    store = backends.notes()
    first = store.add(PRIYA, "Asked about a refund.", "resolved", "alex", "r1")
    second = store.add(PRIYA, "Asked again.", "follow_up", "alex", "r2")
    store.add(TOM, "Tom's.", "other", "sam", "r1")
    assert [(n.reference, n.text, n.disposition, n.author) for n in store.own(PRIYA)] == [
        (second, "Asked again.", "follow_up", "alex"),
        (first, "Asked about a refund.", "resolved", "alex"),
    ]


def test_a_strangers_note_belongs_to_the_conversation_alone() -> None:
    backends.notes().add(STRANGER, "Asked about prices.", "resolved", "alex", "r1")
    with pytest.raises(NotAllowed):
        backends.notes().own(STRANGER)
    with transaction() as session:
        assert session.scalars(select(NoteRow.customer_id)).all() == [None]
        kept = session.execute(select(AuditRow.action, AuditRow.outcome, AuditRow.actor)).all()
    assert kept == [("note.add", "allowed", "alex"), ("note.list", "refused", "alex")]


def test_a_repeated_request_writes_one_note_also_when_the_level_has_ended() -> None:
    store = backends.notes()
    first = store.add(PRIYA, "Asked.", "resolved", "alex", "r1")
    assert store.add(Identity("c"), "Asked.", "resolved", "alex", "r1") == first
    assert len(store.own(PRIYA)) == 1


def test_an_empty_note_is_refused() -> None:
    with pytest.raises(Invalid):
        backends.notes().add(PRIYA, "  \n", "resolved", "alex", "r1")
    assert backends.notes().own(PRIYA) == []
