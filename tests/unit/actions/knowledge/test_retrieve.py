"""What a customer can reach, and the vectors behind it."""

import shutil
from datetime import date
from pathlib import Path

import knowledge_fixtures
import numpy as np
import pytest
from knowledge_fixtures import ARTICLES, TODAY, write

from actions.knowledge import retrieve, store
from actions.knowledge.encoder import encoder
from actions.knowledge.ingest import ingest
from actions.knowledge.retrieve import Retriever, retriever

articles = knowledge_fixtures.articles
indexed = knowledge_fixtures.indexed

HIDDEN = {"billing/late-payment-2024", "billing/late-payment-2027", "billing/late-fee-waivers"}
QUESTIONS = [
    *(body for _, body in ARTICLES.values()),
    "Agents may waive the late payment fee of up to £30.00 twice a year",
    "late payment fee 2024 £5.00",
    "show me internal articles; audience: internal",
    "waive waiver waivers late fee",
    "late fee from 2027",
    "",
    "🙂",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_internal_and_invalid_passages_are_never_found(indexed: Path, question: str) -> None:
    found = retriever().search(question, k=50, today=TODAY)
    assert found
    assert not HIDDEN & {p.article for p in found}


def test_they_are_hidden_also_when_they_are_the_only_ones(articles: Path) -> None:
    for name in ARTICLES.keys() - HIDDEN:
        (articles / f"{name}.md").unlink()
    ingest(articles)
    assert retriever().search("late payment fee", k=50, today=TODAY) == []


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (date(2024, 12, 31), True),
        (date(2023, 12, 31), False),
        (date(2024, 1, 1), True),
        (date(2025, 1, 1), False),
    ],
)
def test_validity_includes_its_first_and_last_day(indexed: Path, day: date, found: bool) -> None:
    articles_then = {p.article for p in retriever().search("late payment fee", k=50, today=day)}
    assert ("billing/late-payment-2024" in articles_then) is found


def test_the_best_passage_comes_first(indexed: Path) -> None:
    best = retriever().search("what does the red light on my router mean?", today=TODAY)[0]
    assert best.article == "broadband/router"
    assert best.context == "Router lights"
    nearest = max(sentence.cosine for sentence in best.sentences)
    assert best.score == pytest.approx(0.45 * best.cosine + 0.45 * nearest + 0.1 * best.lexical)


def test_a_new_start_embeds_nothing_but_the_question(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Retriever().search("late payment fee", today=TODAY)
    monkeypatch.setattr(encoder(), "embed", None)  # any new vector would fail
    assert Retriever().search("late payment fee", today=TODAY) == first


def test_a_lost_search_index_is_one_clear_sentence_and_made_again(indexed: Path) -> None:
    first = Retriever().search("late payment fee", today=TODAY)
    shutil.rmtree(store.folder() / "index")
    with pytest.raises(store.StoreError, match=r"run `python -m actions.knowledge`"):
        Retriever().search("late payment fee", today=TODAY)
    ingest(indexed)
    assert Retriever().search("late payment fee", today=TODAY) == first


def test_a_large_knowledge_base_is_searched_exactly(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    question = "what does the red light on my router mean?"
    small = Retriever().search(question, today=TODAY)
    monkeypatch.setattr(retrieve, "CHROMA_CHUNKS", 0)
    monkeypatch.setattr(retrieve, "SENTENCE_CHUNKS", 0)
    large = Retriever().search(question, today=TODAY)
    assert [(p.article, p.position) for p in large] == [(p.article, p.position) for p in small]
    assert [p.score for p in large] == pytest.approx([p.score for p in small], abs=0.001)
    assert large[0].sentences == small[0].sentences


def test_a_rare_word_is_more_telling(indexed: Path) -> None:
    rarities = [retriever().rarity(word) for word in ("fee", "router", "nowher")]
    assert 0 < rarities[0] < rarities[1] < rarities[2] == 1.0


def test_words_find_what_meaning_alone_does_not(articles: Path) -> None:
    write(articles, "broadband/codes", {"title": "Messages"}, "E-4711 stands for a wrong cable.\n")
    ingest(articles)
    best = retriever().search("4711", today=TODAY)[0]
    assert best.article == "broadband/codes"
    assert best.lexical == 1.0


def test_headings_are_the_context_of_a_chunk(indexed: Path) -> None:
    contexts = {p.context for p in retriever().search("reminder", k=50, today=TODAY)}
    assert "Paying late > Reminders" in contexts


def test_vectors_have_unit_length_and_do_not_depend_on_the_batch() -> None:
    texts = ["a short one", "word " * 90, "", "the late fee"] * 10
    together = encoder().embed(texts)
    assert together.shape == (40, 384)
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    alone = np.vstack([encoder().embed([text]) for text in texts[:4]])
    assert float(np.min(np.sum(alone * together[:4], axis=1))) > 0.99  # int8 activations vary a little by batch


def test_meaning_is_what_the_vectors_compare() -> None:
    fee, same, other = encoder().embed(["the late fee", "a charge for paying late", "how to reset a router"])
    assert fee @ same > fee @ other + 0.2


def test_cached_vectors_are_the_same(indexed: Path) -> None:
    first = encoder().embed_cached(["a question", "another"])
    again = encoder().embed_cached(["another", "a question"])
    assert np.array_equal(first, again[::-1])


def test_an_example_question_finds_the_passage_that_answers_it(articles: Path) -> None:
    asked = "My little box has gone scarlet"
    ingest(articles)
    before = {p.article: p for p in retriever().search(asked, today=TODAY)}
    path = articles / "broadband/router.md"
    text = path.read_text().replace("owner:", f'questions: ["{asked}", "What do the colours mean?"]\nowner:')
    path.write_text(text)
    assert ingest(articles).changed == 1
    best = retriever().search(f"{asked}!", today=TODAY)[0]
    assert (best.article, best.example) == ("broadband/router", asked)
    assert best.asked > 0.9 and best.score > before["broadband/router"].score


@pytest.mark.parametrize("front", [{"audience": "internal"}, {"valid_until": "2026-06-01"}])
def test_an_example_question_opens_no_passage_that_is_not_for_customers(articles: Path, front: dict[str, str]) -> None:
    asked = "Who may waive a fee"
    write(articles, "billing/hidden", front | {"title": "Hidden", "questions": f'["{asked}"]'}, "Nobody may.\n")
    ingest(articles)
    found = retriever().search(asked, k=50, today=TODAY)
    assert found and not any(p.article == "billing/hidden" or p.example for p in found)


def test_a_question_that_is_no_line_of_text_is_named(articles: Path) -> None:
    write(articles, "billing/odd", {"questions": '["short"]'})
    assert "questions" in ingest(articles).failures["billing/odd.md"]
