"""The summary for the person who takes over, with and without a model."""

from pathlib import Path
from typing import Any

import knowledge_fixtures
import pytest
from knowledge_fixtures import ModelServer

from actions.copilot.summary import QUOTE, summarise
from actions.copilot.transcript import as_text, turns
from actions.llm import chat_model

articles = knowledge_fixtures.articles
model_server = knowledge_fixtures.model_server

REASON = "Handed over because the customer asked for a person."


def user(text: str, intent: str) -> dict[str, Any]:
    return {"event": "user", "text": text, "parse_data": {"intent": {"name": intent}}}


def action(name: str) -> dict[str, Any]:
    return {"event": "action", "name": name}


def bot(text: str, **metadata: Any) -> dict[str, Any]:
    return {"event": "bot", "text": text, "metadata": {"metadata": metadata}}


EVENTS = [
    user("hello", "greet"),
    action("utter_greet"),
    bot("Hello!"),
    user("what's my balance", "balance"),
    action("balance_form"),
    bot("What's your account number?"),
    action("action_listen"),
    user("NA204518, my mail is priya@example.com", "inform"),
    action("action_balance"),
    bot("Your balance is £42.50, due on Sunday 6 December 2026"),
    user("how much is the late fee", "ask_question"),
    action("action_answer"),
    bot("The fee is £7.50.", outcome="answered", sources=[{"title": "Paying late", "article": "billing/late"}]),
    user("can I pay in bitcoin", "ask_question"),
    action("action_answer"),
    bot("I don't know that.", outcome="unknown"),
    user("a person please", "request_human"),
]


def test_the_twin_tells_wants_checks_answers_and_what_is_open(articles: Path) -> None:
    assert summarise(EVENTS, REASON) == (
        "The customer wanted to know the balance of the account. "
        'The customer asked: "how much is the late fee". '
        'The customer asked: "can I pay in bitcoin". '
        "Balance: Your balance is £42.50, due on Sunday 6 December 2026. "
        'The assistant answered from "Paying late". '
        f"{REASON} "
        'Still open: "can I pay in bitcoin".'
    )


def test_a_task_that_was_not_finished_is_open(articles: Path) -> None:
    events = [user("book a technician", "book_visit"), action("booking_form"), bot("What for?")]
    assert summarise(events, REASON).endswith("Still open: the customer wanted to book a technician visit.")


def test_only_the_current_session_counts(articles: Path) -> None:
    events = [user("my order", "order_status"), {"event": "session_started"}, user("human", "request_human")]
    assert summarise(events, REASON) == REASON


def test_nothing_was_said(articles: Path) -> None:
    assert summarise([], REASON) == REASON


def test_a_person_reads_how_to_reach_the_customer_and_no_secrets(articles: Path) -> None:
    said = "mail priya@example.com or 07700 900123, my card is 4111 1111 1111 1111 "
    text = summarise([user(said + "please " * 200, "ask_question")], REASON)
    assert '"mail priya@example.com or 07700 900123, my card is [hidden] please' in text
    assert len(text) < QUOTE + 200


def test_a_model_reads_and_writes_tokens(articles: Path, model_server: ModelServer) -> None:
    model_server.reply = "The customer asked to be called on <PHONE_1>."
    events = [user("please call me on 07700 900123 about my bill", "request_human")]
    assert summarise(events, REASON, chat_model()) == f"The customer asked to be called on 07700 900123. {REASON}"
    assert "07700" not in repr(model_server.requests) and "<PHONE_1>" in repr(model_server.requests)


def test_an_agents_words_are_not_the_assistants(articles: Path) -> None:
    reply = {"event": "bot", "text": "I'll look into it.", "metadata": {"author": "agent", "agent_name": "Alex"}}
    found = turns([user("hi", "greet"), action("utter_greet"), bot("Hello!"), reply])
    assert as_text(found) == "Customer: hi\nAssistant: Hello!\nAgent: I'll look into it."


def test_a_model_may_write_it(articles: Path, model_server: ModelServer) -> None:
    model_server.reply = "The customer asked what the balance is. The balance is £42.50, due on 6 December 2026."
    assert summarise(EVENTS, REASON, chat_model()) == f"{model_server.reply} {REASON}"
    sent = repr(model_server.requests)
    assert "£42.50" in sent
    assert "priya" not in sent


@pytest.mark.parametrize(
    "reply",
    ["The balance is £99.00.", "The customer threatened to sue Northlight over a broken fridge.", "", "{"],
)
def test_the_twin_writes_it_when_the_model_invents(articles: Path, model_server: ModelServer, reply: str) -> None:
    model_server.reply = reply
    assert summarise(EVENTS, REASON, chat_model()) == summarise(EVENTS, REASON)


def test_an_invented_sentence_is_dropped(articles: Path, model_server: ModelServer) -> None:
    model_server.reply = "The balance is £42.50. The customer was promised a credit of £20.00."
    assert summarise(EVENTS, REASON, chat_model()) == f"The balance is £42.50. {REASON}"
