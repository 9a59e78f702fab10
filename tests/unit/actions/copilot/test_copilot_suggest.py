"""Suggested replies: grounded, as far as the level allows, different from each other, checked, or none at all."""

import json

import copilot_fixtures
import pytest
from copilot_fixtures import SAM, audits, talk, verified

from actions.copilot.calls import Refused
from actions.copilot.models import Talk
from actions.copilot.suggest import SORRY, WELCOME, suggest
from actions.knowledge.gaps import gaps
from tests.model_server import ModelServer

articles, indexed = copilot_fixtures.articles, copilot_fixtures.indexed
office, model_server = copilot_fixtures.office, copilot_fixtures.model_server
pytestmark = pytest.mark.usefixtures("office")

FEE = ("customer", "How much is the late payment fee?", "ask_question")


def test_an_answer_comes_from_the_article_with_its_passage() -> None:
    found = suggest(talk(FEE))
    first = found.suggestions[0]
    assert (found.by, first.kind) == ("twin", "answer")
    assert "The late payment fee is £7.50." in first.text
    assert first.sources[0].article == "billing/late-payment" and "£7.50" in first.sources[0].passage
    assert "Paying late" in first.why


def test_what_is_internal_or_expired_is_never_suggested() -> None:
    told = " ".join(s.text for s in suggest(talk(("customer", "Who may waive the late payment fee?"))).suggestions)
    assert "£30.00" not in told and "£5.00" not in told and "£9.99" not in told


def test_a_follow_up_is_understood_with_what_was_asked_before() -> None:
    found = suggest(talk(FEE, ("agent", "It is £7.50."), ("customer", "and when is it added?")))
    assert "7 days after its due date" in found.suggestions[0].text


def test_nothing_is_said_where_nothing_is_known_and_no_gap_is_counted_twice() -> None:
    assert suggest(talk(("customer", "Can I get a pony?"))).suggestions == []
    assert suggest(talk(("customer", "asdf qwer"))).suggestions == []
    assert suggest(talk(("bot", "Hello"))).suggestions == []
    assert gaps(10) == []


def test_thanks_are_answered() -> None:
    [only] = suggest(talk(FEE, ("agent", "It is £7.50."), ("customer", "thanks"))).suggestions
    assert (only.kind, only.text) == ("canned", WELCOME)


def test_the_order_is_told_to_a_verified_customer_alone() -> None:
    said = ("customer", "Where is my order NO482136?", "order_status")
    assert not [s for s in suggest(talk(said)).suggestions if s.kind == "action"]
    verified()
    state = next(s for s in suggest(talk(said)).suggestions if s.kind == "action")
    assert "is on its way" in state.text and "NO482136" in state.text
    assert ("order.read", "allowed", "Sam Lee") in audits()


def test_the_order_of_somebody_else_is_told_to_nobody() -> None:
    verified()
    found = suggest(talk(("customer", "Where is my order NO771204?", "order_status")))
    assert not [s for s in found.suggestions if s.kind == "action"]
    assert ("order.read", "refused", "Sam Lee") in audits()


def test_the_next_value_of_the_open_task_is_asked_for() -> None:
    found = suggest(talk(("customer", "I want to send it back", "return_order")))
    ask = next(s for s in found.suggestions if s.kind == "ask")
    assert "your account number" in ask.text and "the account number is missing" in ask.why
    verified()
    packet = {"task": "return_order", "slots": [{"name": "order_number", "value": "NO300411"}]}
    asked = [s.text for s in suggest(talk(("customer", "yes please"), packet=packet)).suggestions if s.kind == "ask"]
    assert len(asked) == 1 and "the reason" in asked[0]


def test_an_unhappy_customer_hears_that_we_are_sorry_once() -> None:
    angry = ("customer", "This is ridiculous. How much is the late payment fee?")
    assert suggest(talk(angry)).suggestions[0].text.startswith(SORRY)
    told = suggest(talk(angry, ("agent", "I'm sorry about that."), FEE, packet={"sentiment": "angry"}))
    assert not told.suggestions[0].text.startswith(SORRY)
    assert suggest(talk(FEE, packet={"sentiment": "unhappy"})).suggestions[0].text.startswith(SORRY)


def test_suggestions_differ_and_keep_their_ids() -> None:
    call = talk(("customer", "What does a steady red light on the router mean and what do I do?"))
    first, again = suggest(call), suggest(call)
    ids = [s.id for s in first.suggestions]
    assert ids and len(set(ids)) == len(ids) <= 3
    assert [s.id for s in again.suggestions] == ids


def test_a_role_without_customers_gets_nothing() -> None:
    call = talk(FEE)
    with pytest.raises(Refused) as refused:
        suggest(Talk.model_validate(call.model_dump() | {"agent": SAM | {"role": "designer"}}))
    assert refused.value.status == 403


class TestWithAModel:
    @staticmethod
    def reply(text: str) -> str:
        return json.dumps({"answerable": True, "claims": [{"text": text, "passages": [1, 2, 3]}]})

    def test_the_model_writes_what_the_passages_say(self, model_server: ModelServer) -> None:
        model_server.reply = self.reply("The fee for paying late is £7.50.")
        found = suggest(talk(FEE))
        assert found.by == "model" and "The fee for paying late is £7.50." in found.suggestions[0].text

    def test_what_they_do_not_say_is_the_twins(self, model_server: ModelServer) -> None:
        model_server.reply = self.reply("The late payment fee is £9.00 and we waive it gladly.")
        found = suggest(talk(FEE))
        assert found.by == "twin" and "£7.50" in found.suggestions[0].text and "£9.00" not in str(found)

    def test_a_model_that_fails_is_the_twins(self, model_server: ModelServer) -> None:
        model_server.status = 500
        assert "£7.50" in suggest(talk(FEE)).suggestions[0].text
