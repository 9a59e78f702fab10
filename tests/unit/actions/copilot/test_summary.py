"""The summary for the person who takes over, with and without a model."""

import json
import re
from pathlib import Path
from typing import Any

import knowledge_fixtures
import pytest
from chat_events import action, agent, answer, bot, random_chat, user
from knowledge_fixtures import ModelServer

from actions.copilot.facts import QUOTE
from actions.copilot.summary import as_read, sentences, summarise, supported
from actions.copilot.transcript import as_text, turns
from actions.llm import chat_model

articles = knowledge_fixtures.articles
model_server = knowledge_fixtures.model_server

REASON = "Handed over because the customer asked for a person."


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


def test_each_sentence_names_the_turns_that_show_it(articles: Path) -> None:
    told = sentences([*EVENTS, user("what's my balance", "balance")], REASON, because_turns=[6])
    assert [sentence["turns"] for sentence in told] == [[2, 7], [4], [5], [3], [4], [6], [7]]
    assert told[-1]["text"] == "Still open: the customer wanted to know the balance of the account."


def test_a_persons_words_are_told_and_close_what_was_open(articles: Path) -> None:
    told = sentences([*EVENTS, agent("You can't, but a card works.")], REASON)
    assert {"text": 'The agent wrote: "You can\'t, but a card works."', "turns": [6]} in told
    assert not any(sentence["text"].startswith("Still open") for sentence in told)


@pytest.mark.parametrize("seed", range(0, 60, 10))
def test_the_turns_support_every_sentence_of_the_twin(articles: Path, seed: int) -> None:
    for events in (random_chat(one) for one in range(seed, seed + 10)):
        found = as_read(events)
        told = sentences(events, REASON)
        assert told and all(supported(sentence, found) for sentence in told)
        by_number = {turn.number: turn for turn in found}
        for sentence in told:
            named = [by_number[number] for number in sentence["turns"] if number]
            raw = " ".join(" ".join([t.text, *t.by_agent, *(s for step in t.steps for s in step.said)]) for t in named)
            for quoted in re.findall(r'"([^"]+)"', sentence["text"]):
                titles = [s["title"] for t in named for step in t.steps for s in step.metadata.get("sources") or []]
                assert quoted in titles or quoted.rstrip("…") in " ".join(raw.replace('"', "'").split())


@pytest.mark.parametrize(
    "sentence",
    [
        {"text": "The customer wanted to know the balance of the account.", "turns": [1]},
        {"text": "Balance: Your balance is £42.50, due on Sunday 6 December 2026.", "turns": [2]},
        {"text": "Balance: Your balance is £99.00, due on Sunday 6 December 2026.", "turns": [3]},
        {"text": 'The customer asked: "how much is the late fee".', "turns": [4, 9]},
        {"text": 'The customer asked: "how much is the late fee".', "turns": []},
        {"text": 'Still open: "how much is the late fee".', "turns": [4]},
        {"text": "The question about the late fee is still open.", "turns": [4]},
        {"text": REASON, "turns": [7]},
    ],
)
def test_what_the_named_turns_do_not_show_is_unsupported(articles: Path, sentence: dict[str, Any]) -> None:
    assert not supported(sentence, as_read(EVENTS))


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


def written(*said: tuple[str, list[int]]) -> str:
    """A model's reply."""
    return json.dumps({"sentences": [{"text": text, "turns": numbers} for text, numbers in said]})


def test_a_model_reads_and_writes_tokens(articles: Path, model_server: ModelServer) -> None:
    model_server.reply = written(("The customer asked to be called on <PHONE_1>.", [1]))
    events = [user("please call me on 07700 900123 about my bill", "request_human")]
    assert summarise(events, REASON, chat_model()) == f"The customer asked to be called on 07700 900123. {REASON}"
    assert "07700" not in repr(model_server.requests) and "<PHONE_1>" in repr(model_server.requests)


def test_an_agents_words_are_not_the_assistants(articles: Path) -> None:
    found = turns([user("hi", "greet"), action("utter_greet"), bot("Hello!"), agent("I'll look into it.")])
    assert as_text(found) == "Customer: hi\nAssistant: Hello!\nAgent: I'll look into it."


def test_a_model_may_write_it(articles: Path, model_server: ModelServer) -> None:
    wanted, balance = "The customer asked what the balance is.", "The balance is £42.50, due on 6 December 2026."
    model_server.reply = written((wanted, [2]), (balance, [3]))
    assert sentences(EVENTS, REASON, chat_model()) == [
        {"text": wanted, "turns": [2]},
        {"text": balance, "turns": [3]},
        {"text": REASON, "turns": [6]},
    ]
    sent = repr(model_server.requests)
    assert "[3] Customer: " in sent and "£42.50" in sent
    assert "priya" not in sent


@pytest.mark.parametrize(
    "reply",
    [
        written(("The balance is £99.00.", [3])),
        written(("The customer threatened to sue Northlight over a broken fridge.", [2])),
        written(("The balance is £42.50.", [4])),
        written(("The balance is £42.50.", [])),
        written(("The balance is £42.50.", [3, 12])),
        written((REASON, [6])),
        written(("The question about the late fee is still open.", [4])),
        '{"sentences": []}',
        "The balance is £42.50.",
        "",
        "{",
    ],
)
def test_the_twin_writes_it_when_the_model_invents(articles: Path, model_server: ModelServer, reply: str) -> None:
    model_server.reply = reply
    assert sentences(EVENTS, REASON, chat_model()) == sentences(EVENTS, REASON)


def test_an_invented_sentence_is_dropped(articles: Path, model_server: ModelServer) -> None:
    model_server.reply = written(
        ("The balance is £42.50.", [3]),
        ("The customer was promised a credit of £20.00.", [3]),
        ("The late fee is £7.50.", [2]),
    )
    told = sentences(EVENTS, REASON, chat_model())
    assert told == [{"text": "The balance is £42.50.", "turns": [3]}, {"text": REASON, "turns": [6]}]
    assert all(supported(sentence, as_read(EVENTS)) for sentence in told)


def test_a_model_numbers_the_turns_of_a_long_conversation(articles: Path, model_server: ModelServer) -> None:
    events = [user("hello", "greet") for _ in range(40)] + [user("late fee?", "ask_question"), *answer("It's £7.50.")]
    model_server.reply = written(("The late fee is £7.50.", [41]), ("The customer said hello.", [3]))
    assert sentences(events, "", chat_model()) == [{"text": "The late fee is £7.50.", "turns": [41]}]
