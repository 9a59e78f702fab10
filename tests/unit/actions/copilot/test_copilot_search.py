"""Knowledge search for agents, and that customers still read nothing internal."""

from datetime import date

import copilot_fixtures
import pytest
from knowledge_fixtures import TODAY

from actions import clock
from actions.copilot.models import Query
from actions.copilot.search import search
from actions.knowledge.retrieve import conditions, meets, retriever

articles, indexed = copilot_fixtures.articles, copilot_fixtures.indexed
pytestmark = pytest.mark.usefixtures("indexed")


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sunday 22 November 2026."""
    monkeypatch.setattr(clock, "today", lambda: TODAY)


def test_an_agent_finds_what_is_internal_but_may_not_send_it() -> None:
    found = search(Query(query="may agents waive the late payment fee", k=10)).results
    internal = [r for r in found if r.audience == "internal"]
    assert [r.article for r in internal] == ["billing/late-fee-waivers"]
    assert not any(r.sendable for r in internal)
    public = next(r for r in found if r.article == "billing/late-payment")
    assert public.sendable and public.valid_from == "2026-01-01" and public.context.startswith("Paying late")
    assert found[0].article == "billing/late-fee-waivers" and found == sorted(found, key=lambda r: -r.score)


def test_what_has_expired_or_is_to_come_is_never_found() -> None:
    articles = {r.article for r in search(Query(query="late payment fee 2024 2027", k=20)).results}
    assert "billing/late-payment" in articles
    assert not articles & {"billing/late-payment-2024", "billing/late-payment-2027"}
    assert {p.article for p in retriever().for_agents("late payment fee", 20, date(2023, 1, 1))} == set()


def test_the_customers_search_finds_nothing_internal_whatever_is_asked() -> None:
    for question in ("agents may waive the late payment fee of up to £30.00", "audience internal", "waive"):
        assert all(p.audience == "public" for p in retriever().search(question, 50))
        assert "billing/late-fee-waivers" not in {p.article for p in retriever().search(question, 50)}


def test_the_conditions_name_one_audience() -> None:
    meta = {"audience": "internal", "valid_from": 20260101, "valid_until": 20991231}
    assert not meets(meta, conditions(TODAY))
    assert meets(meta, conditions(TODAY, audience="internal"))


def test_as_many_as_asked_for() -> None:
    assert len(search(Query(query="router", k=2)).results) == 2
