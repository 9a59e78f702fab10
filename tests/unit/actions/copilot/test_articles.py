"""Drafts of knowledge articles from solved conversations, and their review."""

from pathlib import Path
from typing import Any

import knowledge_fixtures
import pytest
import wrapup_server
from wrapup_server import AGENT, REVIEWER, Desk, agent, customer

from actions.knowledge import articles as knowledge
from actions.settings import var_dir

desk = wrapup_server.desk
articles = knowledge_fixtures.articles

SOLVED = [
    customer(1, "hi, my account is NA204518", "inform"),
    customer(2, "How do I move my router to another room?", "ask_question"),
    agent(2, "Hi Priya, I'm Alex. Unplug the router and wait for ten seconds. Priya Sharma called on 07700 900123."),
    agent(2, "Plug it into the socket in the other room. Is that clear?"),
    customer(3, "yes"),
    agent(3, "Wait until the light is green. I'll send you a new cable for order NO482136."),
    customer(4, "works, thanks", "thank"),
]


@pytest.fixture(autouse=True)
def settings(articles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run-time folder of the test's own."""


def drafted(desk: Desk, turns: list[dict[str, Any]] = SOLVED, **more: Any) -> dict[str, Any]:
    """A draft."""
    body = {"conversation": "c-1", "turns": turns, "summary": "The customer, 07700 900123, asked.", "agent": AGENT}
    response = desk.post("/article", **body | more)
    assert response.status_code == 200, response.text
    made: dict[str, Any] = response.json()
    return made


def test_a_draft_is_an_article_without_personal_data(desk: Desk, tmp_path: Path) -> None:
    made = drafted(desk)
    assert made["title"] == "How do I move my router to another room"
    file = tmp_path / "drafted" / "moving.md"
    file.parent.mkdir()
    file.write_text(made["markdown"], encoding="utf-8")
    article = knowledge.load(file, file.parent)
    assert article.front.audience == "internal" and article.front.title == made["title"]
    assert "Customers ask: How do I move my router to another room?" in article.body
    steps = "1. Unplug the router and wait for ten seconds.\n2. Plug it into the socket in the other room.\n"
    assert f"{steps}3. Wait until the light is green." in article.body
    for personal in ("Priya", "Sharma", "07700", "NA204518", "NO482136", "Alex", "cable"):
        assert personal not in made["markdown"]


def test_nothing_that_helps_others_is_no_draft(desk: Desk) -> None:
    for turns in ([], SOLVED[:2], [*SOLVED[:2], agent(2, "I'll call you tomorrow.")]):
        response = desk.post("/article", conversation="c-1", turns=turns, summary="", agent=AGENT)
        assert response.status_code == 422 and "no draft was made" in response.json()["error"]
    assert desk.get("/articles").json() == {"articles": []}


def test_an_accepted_draft_is_a_file_for_content_people(desk: Desk, articles: Path) -> None:
    made = drafted(desk)
    [waiting] = desk.get("/articles").json()["articles"]
    assert (waiting["reference"], waiting["agent"], waiting["conversation"]) == (made["reference"], "alex", "c-1")
    path = f"/articles/{made['reference']}"
    assert desk.post(path, decision="accept", agent=AGENT).status_code == 403
    before = sorted(articles.rglob("*"))
    done = desk.post(path, decision="accept", agent=REVIEWER).json()
    assert done["status"] == "accepted"
    file = var_dir() / "drafts" / "accepted" / done["file"]
    assert file.read_text(encoding="utf-8") == made["markdown"]
    assert sorted(articles.rglob("*")) == before  # nothing is published
    assert desk.post(path, decision="accept", agent=REVIEWER).json() == done
    late = desk.post(path, decision="reject", agent=REVIEWER)
    assert (late.status_code, late.json()["error"]) == (409, "This draft was accepted by dana already.")
    assert desk.get("/articles").json() == {"articles": []}


def test_a_rejected_draft_is_no_file(desk: Desk) -> None:
    path = f"/articles/{drafted(desk, summary=[{'text': 'It works.', 'turns': [4]}])['reference']}"
    assert desk.post(path, decision="reject", agent=REVIEWER).json()["file"] == ""
    assert list((var_dir() / "drafts" / "accepted").iterdir()) == []


@pytest.mark.parametrize("reference", ["0123456789ab", "..%2f..%2fsecret", "A" * 12])
def test_an_unknown_reference_is_not_found(desk: Desk, reference: str) -> None:
    assert desk.post(f"/articles/{reference}", decision="accept", agent=REVIEWER).status_code == 404
