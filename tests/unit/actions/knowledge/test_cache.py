"""Which questions get a kept answer: the same ones, never a near twin."""

import threading

import pytest

from actions.knowledge.cache import AnswerCache
from actions.knowledge.encoder import encoder


def kept(first: str, second: str) -> bool:
    """Whether the answer to `first` is given to `second`."""
    cache: AnswerCache[str] = AnswerCache()
    one, other = encoder().embed_cached([first, second])
    cache.keep(first, one, "answer", "v1")
    return cache.find(second, other, "v1") == "answer"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("How much is Fibre 500?", "How much is Fibre 500?"),
        ("How much is Fibre 500?", "how much is fibre 500"),
        ("How much is the late payment fee?", "how much is the late payment fee please"),
        ("What is the late payment fee?", "Hi, what's the late payment fee?"),
    ],
)
def test_the_same_question_gets_the_kept_answer(first: str, second: str) -> None:
    assert kept(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("How much is Fibre 100?", "How much is Fibre 500?"),
        ("Can I cancel my order?", "Can't I cancel my order?"),
        ("Can I change my plan?", "Do I have to change my plan?"),
        ("How much is the late payment fee?", "When is the late payment fee added?"),
        ("What if I pay before the due date?", "What if I pay after the due date?"),
        ("Can I move my number to Northlight?", "Can I move my number from Northlight?"),
        ("Is there a fee with a contract?", "Is there a fee without a contract?"),
        ("How much does the SIM for the router cost?", "How much does the router for the SIM cost?"),
        ("Is roaming on in Spain?", "Is roaming off in Spain?"),
        ("What does a 12-month contract cost?", "What does a 24-month contract cost?"),
        ("How long do you keep recordings?", "Why do you keep recordings?"),
        ("Can I pay by card?", "Will I pay by card?"),
    ],
)
def test_a_near_twin_does_not(first: str, second: str) -> None:
    assert not kept(first, second)


def test_another_version_or_filter_forgets() -> None:
    cache: AnswerCache[str] = AnswerCache()
    vector = encoder().embed_cached(["How much is Fibre 500?"])[0]
    cache.keep("How much is Fibre 500?", vector, "old", ("knowledge 1", "policy 1"), ("", "Wales"))
    assert cache.find("How much is Fibre 500?", vector, ("knowledge 1", "policy 1"), ("", "")) is None
    assert cache.find("How much is Fibre 500?", vector, ("knowledge 1", "policy 1"), ("", "Wales")) == "old"
    assert cache.find("How much is Fibre 500?", vector, ("knowledge 1", "policy 2"), ("", "Wales")) is None
    assert len(cache) == 0


def test_it_keeps_no_more_than_its_size() -> None:
    cache: AnswerCache[int] = AnswerCache(size=3)
    questions = [f"How much is plan {n}00?" for n in range(1, 6)]
    for number, (question, vector) in enumerate(zip(questions, encoder().embed_cached(questions), strict=True)):
        cache.keep(question, vector, number, "v1")
    assert len(cache) == 3
    assert cache.find(questions[0], encoder().embed_cached(questions)[0], "v1") is None
    assert cache.find(questions[4], encoder().embed_cached(questions)[4], "v1") == 4


def test_threads_share_it() -> None:
    cache: AnswerCache[int] = AnswerCache(size=20)
    questions = [f"How much is plan {n}00?" for n in range(1, 41)]
    vectors = encoder().embed_cached(questions)
    wrong: list[str] = []

    def work(start: int) -> None:
        for n in range(start, start + 400):
            number = n % len(questions)
            found = cache.find(questions[number], vectors[number], n // 300)
            if found not in (None, number):
                wrong.append(questions[number])
            cache.keep(questions[number], vectors[number], number, n // 300)

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 7, 19, 31)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(cache) <= 20
