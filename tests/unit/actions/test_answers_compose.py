"""Which sentences the composer quotes, when it says nothing, and what the claim check lets through."""

from pathlib import Path

import knowledge_fixtures
import pytest
from knowledge_fixtures import TODAY, write

from actions.knowledge.check import evidence
from actions.knowledge.compose import Answer, compose, parts
from actions.knowledge.figures import Figure, figures
from actions.knowledge.ingest import ingest
from actions.knowledge.retrieve import retriever
from actions.knowledge.words import names, our_words, plain, sentences

articles = knowledge_fixtures.articles
indexed = knowledge_fixtures.indexed


def ask(question: str) -> Answer | None:
    return compose(question, retriever().search(question, 5, TODAY))


@pytest.mark.parametrize(
    ("question", "fact", "article"),
    [
        ("How much is the late payment fee?", "£7.50", "billing/late-payment"),
        ("what does a steady red light on the router mean", "no signal", "broadband/router"),
        ("what does it cost to move my broadband to a new home?", "£20.00", "moving/moving-home"),
        (
            "what does the flashing blue router light mean?",
            "Flashing blue: meaning Pairing a device.",
            "broadband/router",
        ),
    ],
)
def test_the_answer_holds_the_fact_and_its_source(indexed: Path, question: str, fact: str, article: str) -> None:
    answer = ask(question)
    assert answer is not None
    assert fact in answer.text
    assert answer.sources[0]["article"] == article
    assert len(answer.claims) <= 3
    assert len(answer.sources) <= 2


def test_every_sentence_stands_in_its_passage_word_for_word(indexed: Path) -> None:
    answer = ask("When is the late payment fee added?")
    assert answer is not None
    for claim in answer.claims:
        assert claim.text in claim.passage.text
        assert evidence(claim.text, claim.passage.text, claim.passage.context).supported


@pytest.mark.parametrize(
    "question",
    [
        "who won the world cup in 1998?",
        "give me a recipe for lasagne",
        "can I pay in bitcoin?",
        "how much may agents waive?",
        "How much does it cost to move to Brazil?",
        "hello",
        "",
    ],
)
def test_it_says_nothing_without_support(indexed: Path, question: str) -> None:
    assert ask(question) is None


def test_the_same_sentence_is_said_once(indexed: Path) -> None:
    write(indexed, "billing/copy", {"title": "Fees"}, "The late payment fee is £7.50.\n")
    ingest(indexed)
    answer = ask("How much is the late payment fee?")
    assert answer is not None
    assert answer.text.count("£7.50") == 1


def test_markdown_is_made_readable() -> None:
    text = (
        "## A heading\n\nPay **now** or [online](https://x.example/a_b), see `code`\nand _more_.\n\n"
        "It needs:\n\n- a name\n- *a* date\n\n1. First step\n2. Second step\n\n"
        "| Plan | Price | VAT |\n|---|---|---|\n| Fibre | £30 | 20% |\n"
    )
    assert plain(text).splitlines() == [
        "A heading.",
        "Pay now or online, see code and more.",
        "It needs: a name; a date.",
        "1) First step; 2) Second step.",
        "Fibre: price £30, VAT 20%.",
    ]


def test_sentences_end_where_they_end() -> None:
    text = "It costs £7.50. Use e.g. a card. Is that all? Yes.\nA new line"
    assert sentences(text) == ["It costs £7.50.", "Use e.g. a card.", "Is that all?", "Yes.", "A new line"]
    steps = "1) Open the box; 2) Press the button."
    assert sentences(f"{steps}\nWait. Then look.") == [steps, "Wait.", "Then look."]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (
            "how long does a repair take and what does a visit cost",
            ["how long does a repair take", "what does a visit cost"],
        ),
        ("are you open at weekends? what time on saturday?", ["are you open at weekends", "what time on saturday?"]),
        ("do you sell boosters and how much is it", []),
        (
            "what do I get for a missed visit and for slow broadband?",
            ["what do I get for a missed visit", "what do I get for slow broadband?"],
        ),
        ("can I pay by card and cash", []),
    ],
)
def test_two_questions_in_one_are_told_apart(question: str, found: list[str]) -> None:
    assert parts(question) == found


def test_a_price_leads_and_a_limit_does_not(indexed: Path) -> None:
    text = "A plan is possible for an exit charge of £40.00 or more. The exit charge is £75.00.\n"
    write(indexed, "contracts/exit", {"title": "The exit charge"}, text)
    ingest(indexed)
    answer = ask("how much is the exit charge")
    assert answer is not None
    assert "£75.00" in answer.text


def test_prose_is_quoted_rather_than_the_row_that_says_the_same(indexed: Path) -> None:
    text = (
        "| Day | Customer care |\n|---|---|\n| Saturday | 09:00 to 17:00 |\n\n"
        "On Saturday, customer care is open from 09:00 to 17:00.\n"
    )
    write(indexed, "contracts/hours", {"title": "Opening hours"}, text)
    ingest(indexed)
    answer = ask("What are your opening hours on Saturday?")
    assert answer is not None
    assert answer.text == "On Saturday, customer care is open from 09:00 to 17:00."


def test_customers_words_find_ours(indexed: Path) -> None:
    text = "Roaming in Europe is free of charge.\n"
    write(indexed, "mobile/roaming", {"title": "Using a mobile abroad"}, text)
    ingest(indexed)
    question = "can I use my phone in Spain without paying extra?"
    assert ask(question) is None
    (indexed / "synonyms.yml").write_text("roaming in Europe: [Spain]\n", encoding="utf-8")
    assert our_words(question) == {"roaming in Europe": "spain"}
    answer = ask(question)
    assert answer is not None
    assert "Roaming in Europe" in answer.text


@pytest.mark.parametrize("text", ["- a list", "our word: 5", "just text", "a: [b", ""])
def test_a_malformed_list_of_words_does_no_harm(articles: Path, text: str) -> None:
    (articles / "synonyms.yml").write_text(text, encoding="utf-8")
    assert our_words("what does b cost") == {}


def test_numbers_are_read_with_their_kind() -> None:
    found = figures("Pay £1,250.50 or 5% within fourteen days, from 8am to 17:30, 50p extra; one more")
    assert found == {
        Figure("money", 1250.5),
        Figure("percent", 5),
        Figure("day", 14),
        Figure("time", 8),
        Figure("time", 17.5),
        Figure("money", 0.5),
    }


def test_names_are_words_with_a_capital_inside_a_sentence() -> None:
    assert names("Can I use my SIM in New York on Monday? Please help") == {"new", "york"}
    assert names("WHY IS MY BILL SO HIGH") == set()


PASSAGE = "The late payment fee is £7.50. It is added when a bill is unpaid 14 days after 24 November."


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        ("The late payment fee is £7.50.", True),
        ("The late fee is £7.50 and is added after 14 days.", True),
        ("The late payment fee is added fourteen days after 24 November.", True),
        ("The late payment fee is £8.50.", False),
        ("The late payment fee is £14.", False),
        ("The late payment fee is 7.5%.", False),
        ("The late payment fee is added after 14 months.", False),
        ("The late payment fee is added after 24 December.", False),
        ("The late payment fee is not £7.50.", False),
        ("Your contract ends when the bill is unpaid.", False),
        ("Bananas are rich in potassium.", False),
        ("", False),
    ],
)
def test_a_sentence_needs_the_support_of_its_passage(sentence: str, supported: bool) -> None:
    assert evidence(sentence, PASSAGE).supported is supported
