"""Ratings of conversations."""

import pytest
from sqlalchemy import select

from actions import backends
from actions.backends import Identity, Invalid, NotFound
from actions.backends.models import RatingRow
from actions.backends.session import transaction

pytestmark = pytest.mark.usefixtures("database")
CALLER = Identity("conversation-1")


def kept() -> list[tuple[str, str, int, str]]:
    with transaction() as session:
        return [(r.conversation_id, r.session, r.score, r.comment) for r in session.scalars(select(RatingRow))]


def test_a_session_is_rated_once() -> None:
    store = backends.feedback()
    assert store.rate(CALLER, "1.0", 5)
    assert not store.rate(CALLER, "1.0", 1)
    assert store.rate(CALLER, "2.0", 3)
    store.comment(CALLER, "1.0", "quick and friendly")
    assert kept() == [("conversation-1", "1.0", 5, "quick and friendly"), ("conversation-1", "2.0", 3, "")]


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_rating_is_from_1_to_5(score: int) -> None:
    with pytest.raises(Invalid):
        backends.feedback().rate(CALLER, "1.0", score)
    assert kept() == []


def test_a_comment_needs_a_rating_of_the_same_conversation() -> None:
    backends.feedback().rate(CALLER, "1.0", 5)
    with pytest.raises(NotFound):
        backends.feedback().comment(Identity("conversation-2"), "1.0", "not mine")
