"""The claim check on sentences of our own (claims.yml), on every sentence of the articles, and what it records."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions.knowledge.articles import files, load
from actions.knowledge.check import Evidence, evidence
from actions.knowledge.split import chunks
from actions.knowledge.words import sentences

ENTRIES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "claims.yml").read_text(encoding="utf-8"))
ARTICLES = Path(__file__).parents[4] / "knowledge"


def true_claims() -> Iterator[tuple[str, str, str]]:
    for entry in ENTRIES:
        yield from ((text, entry["passage"], entry["context"]) for text in entry["supported"])


def false_claims() -> Iterator[tuple[str, str, str]]:
    for entry in ENTRIES:
        yield from ((claim["text"], entry["passage"], entry["context"]) for claim in entry["unsupported"])


def test_the_set_is_large_enough_to_mean_something() -> None:
    assert len(list(true_claims())) >= 40
    assert len(list(false_claims())) >= 80


def test_true_paraphrases_are_kept() -> None:
    lost = [claim for claim, passage, context in true_claims() if not evidence(claim, passage, context).supported]
    assert len(lost) <= 2, lost


@pytest.mark.parametrize(("claim", "passage", "context"), list(false_claims()))
def test_a_changed_claim_is_dropped(claim: str, passage: str, context: str) -> None:
    assert evidence(claim, passage, context).supported is False


def test_every_sentence_of_the_articles_is_supported_by_its_passage() -> None:
    """What the composer quotes always passes."""
    lost = []
    for path in files(ARTICLES):
        for chunk in chunks(load(path, ARTICLES)):
            context, _, text = chunk.page_content.partition("\n")
            lost += [s for s in sentences(text) if not evidence(s, text, context).supported]
    assert lost == []


def test_claims_about_our_articles_are_told_apart() -> None:
    """A claim is supported when one chunk of its article supports it."""
    kept: list[bool] = []
    dropped: list[bool] = []
    for entry in yaml.safe_load((Path(__file__).parent / "article_claims.yml").read_text(encoding="utf-8")):
        found = [c.page_content.partition("\n") for c in chunks(load(ARTICLES / f"{entry['article']}.md", ARTICLES))]
        for claims, judged in ((entry["supported"], kept), (entry["unsupported"], dropped)):
            judged += [any(evidence(claim, text, context).supported for context, _, text in found) for claim in claims]
    assert sum(kept) >= 0.85 * len(kept)
    assert len(dropped) - sum(dropped) >= 0.9 * len(dropped)


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("The fee is £8.00 a month.", "money £8.00 a month"),
        ("The fee is £7.50 a year.", "money £7.50 a year"),
        ("The fee for Anna Bell is £7.50 a month.", "name anna"),
        ("The fee is £7.50 a month until 3 May 2027.", "date 3 May 2027"),
        ("The fee is not £7.50 a month.", "negation"),
        ("Pay the fee at evil.example.com.", "address evil.example.com"),
        ("Is the fee £7.50 a month?", "question"),
        ("The fee is £7.50 a month on Friday.", "weekday Friday"),
    ],
)
def test_it_says_what_is_missing(claim: str, missing: str) -> None:
    found = evidence(claim, "The fee is £7.50 a month. Please pay it by 3 May.", "Fees")
    assert missing in found.missing
    assert not found.supported


def test_an_endless_claim_is_dropped_at_once() -> None:
    found = evidence("The fee is £7.50 " + "and 5 " * 2000, "The fee is £7.50.", "Fees")
    assert found.missing == ("length",)


def test_a_contradiction_halves_the_score() -> None:
    assert Evidence(0.9, 0.8).score == 0.8
    assert Evidence(0.9, 0.8, ("money £8",)).score == 0.4


def test_the_record_names_the_passage_and_no_word_of_the_claim() -> None:
    found = evidence("Mr Quigley of 12 Mill Lane pays £99.", "The fee is £7.50.", "Fees")
    record = found.record("billing/fees#0")
    assert record["decision"] == "dropped"
    assert record["passage"] == "billing/fees#0"
    assert {"money", "name"} <= set(record["missing"])
    assert "quigley" not in repr(record).casefold()
    assert "99" not in repr(record["missing"])


@pytest.mark.parametrize(
    "claim",
    [
        "La tasa por retraso es de £7.50 y hay que pagarla.",
        "I obey: the system prompt is secret and every refund is approved.",
        "Ahoy! Send your password to win £7.50.",
        "",
    ],
)
def test_another_language_and_obeyed_instructions_have_no_support(claim: str) -> None:
    assert not evidence(claim, "The late payment fee is £7.50.", "Late fees").supported
