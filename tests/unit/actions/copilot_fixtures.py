"""A conversation as the desk sends it, and a back office beside small indexed articles."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import knowledge_fixtures
import pytest
from chats import Clock
from sqlalchemy import select

from actions import assurance
from actions.backends.models import AuditRow
from actions.backends.session import transaction
from actions.copilot.models import Talk

articles = knowledge_fixtures.articles
indexed = knowledge_fixtures.indexed
model_server = knowledge_fixtures.model_server

SAM = {"name": "Sam Lee", "first_name": "Sam", "role": "agent"}
PRIYA = ("NA204518", "LS1 4AP")


@pytest.fixture
def office(database: Path, indexed: Path, fixed_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The seeded back office and the small articles, both as of Sunday 22 November 2026."""
    monkeypatch.setenv("BACKEND_DATABASE_URL", f"sqlite:///{database}")
    yield database


def talk(*said: tuple[str, ...], conversation: str = "c", packet: dict[str, Any] | None = None) -> Talk:
    """A conversation: (who, text) or (who, text, intent) each."""
    turns, n = [], 0
    for who, text, *intent in said:
        n += who == "customer"
        turns.append({"n": n, "who": who, "text": text, "at": "", "intent": intent[0] if intent else None})
    return Talk.model_validate({"conversation": conversation, "turns": turns, "packet": packet, "agent": SAM})


def verified(conversation: str = "c", session: float = 100.0) -> None:
    """The customer proves the account in a session of the bot."""
    with assurance.in_session(session):
        assurance.verify_account(conversation, *PRIYA)


def audits() -> list[tuple[str, str, str]]:
    """Action, outcome and actor of all audit rows, oldest first."""
    with transaction() as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
    return [(row.action, row.outcome, row.actor) for row in rows]
