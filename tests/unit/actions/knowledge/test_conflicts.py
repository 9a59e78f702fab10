"""Passages that state different figures: which of them conflict, and what is said of those that do."""

from pathlib import Path

import knowledge_fixtures
import pytest
from knowledge_fixtures import TODAY, write

from actions import clock
from actions.knowledge.check import evidence
from actions.knowledge.compose import Claim
from actions.knowledge.conflicts import conflicts, context, current, resolve
from actions.knowledge.ingest import ingest
from actions.knowledge.retrieve import Passage, retriever

articles = knowledge_fixtures.articles

OLD = {"title": "Fees and charges", "valid_from": "2026-01-01"}
NEW = {"title": "Changes of fees from November", "valid_from": "2026-11-01"}


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sunday 22 November 2026."""
    monkeypatch.setattr(clock, "today", lambda: TODAY)


def passages(
    folder: Path, old: str, new: str, older: dict[str, str] | None = None, newer: dict[str, str] | None = None
) -> list[Passage]:
    """Two articles as the retriever finds them, the one about late fees of the fixture taken away."""
    for path in folder.rglob("*.md"):
        path.unlink()
    write(folder, "billing/old", OLD | (older or {}), f"{old}\n")
    write(folder, "billing/new", NEW | (newer or {}), f"{new}\n")
    ingest(folder)
    return retriever().search(old, 5, TODAY)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The paper bill fee is £1.50 a month.", "The paper bill fee is £2.00 a month."),
        ("The late payment fee is £7.50.", "The fee for late payments is £9.00."),
        ("A refund takes 10 working days.", "Refunds take 5 working days."),
        ("Customer care closes at 20:00 on Friday.", "Customer care closes at 18:00 on Friday."),
        ("The price promise ends on 31 October 2026.", "The price promise ends on 31 January 2027."),
        ("VAT is 20% of the bill.", "VAT is 21% of the bill."),
    ],
)
def test_another_figure_of_the_same_thing_is_a_conflict(articles: Path, old: str, new: str) -> None:
    found = passages(articles, old, new)
    (conflict,) = conflicts(found)
    assert (conflict.old, conflict.new, conflict.since) == (old, new, "1 November 2026")
    assert [p.article for p in current(found, [conflict])] == ["billing/new"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Fibre 100 costs £28.00 a month.", "Fibre 500 costs £36.00 a month."),
        ("Wi-Fi Plus costs £6.00 a month.", "Home Phone costs £5.00 a month."),
        ("Fibre costs £28.00 a month on a 24-month contract.", "Fibre costs £32.00 a month on a 12-month contract."),
        ("Delivery costs £4.95.", "Express delivery costs £9.95."),
        ("The late payment fee is £7.50.", "The late payment fee is £7.50."),
        ("On 24 December we close at 14:00.", "On 31 December we close at 15:00."),
        ("Customer care closes at 20:00 on Friday.", "Customer care closes at 16:00 on Saturday."),
        ("The visit is booked for 2 hours.", "The visit costs £60.00."),
        ("There is a fee of £5.00 for a paper bill.", "There is no fee of £6.00 for a paper bill."),
    ],
)
def test_figures_of_different_things_are_none(articles: Path, old: str, new: str) -> None:
    assert conflicts(passages(articles, old, new)) == []


def test_articles_about_different_products_do_not_conflict(articles: Path) -> None:
    found = passages(
        articles,
        "The early exit charge is £40.00.",
        "The early exit charge is £75.00.",
        {"title": "Leaving a mobile plan"},
        {"title": "Leaving broadband"},
    )
    assert conflicts(found) == []


def test_articles_of_the_same_age_are_left_as_they_are(articles: Path) -> None:
    found = passages(articles, "The paper bill fee is £1.50.", "The paper bill fee is £2.00.", newer=OLD)
    assert conflicts(found) == []


def test_the_newer_figure_is_said_with_since_when(articles: Path) -> None:
    old, new = "The paper bill fee is £1.50 a month.", "The paper bill fee is £2.00 a month."
    found = passages(articles, f"{old} Bills by e-mail are free.", new)
    older, newer = (next(p for p in found if p.article == f"billing/{age}") for age in ("old", "new"))
    claims = [Claim(old, older), Claim("Bills by e-mail are free.", older), Claim(new, newer)]
    settled = resolve(claims, found)
    assert [c.text for c in settled] == [
        "Since 1 November 2026, the paper bill fee is £2.00 a month.",
        "Bills by e-mail are free.",
    ]
    assert settled[0].passage.article == "billing/new"
    assert evidence(settled[0].text, settled[0].passage.text, context(settled[0].passage)).supported
    assert next(p.text for p in current(found, conflicts(found)) if p.article == "billing/old") == (
        "Bills by e-mail are free."
    )
