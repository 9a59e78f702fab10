"""Topics in other words, and ordinary questions that must never be taken for one."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from actions.knowledge.encoder import ModelMissing, encoder
from actions.policy.context import Context
from actions.policy.engine import Engine
from actions.policy.meaning import Meaning
from actions.policy.rules import BlockRule
from actions.policy.source import load

ROOT = Path(__file__).resolve().parents[4]
POLICY = load(ROOT / "policy.yml")
ENGINE = Engine(POLICY)
PARAPHRASES = yaml.safe_load((Path(__file__).parent / "paraphrases.yml").read_text(encoding="utf-8"))
QUESTIONS = yaml.safe_load((ROOT / "tests/answers.yml").read_text(encoding="utf-8"))
RULES = [rule for rule in POLICY.rules if isinstance(rule, BlockRule) and "message" in rule.stages]


def asked() -> list[str]:
    """The questions on which the assistant is trained."""
    for part in yaml.safe_load((ROOT / "data/answers/nlu.yml").read_text(encoding="utf-8"))["nlu"]:
        if part.get("intent") == "ask_question":
            lines = [line[2:] for line in part["examples"].splitlines() if line.startswith("- ")]
            return [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line) for line in lines]
    raise AssertionError("data/answers/nlu.yml has no ask_question")


def test_no_answerable_question_is_refused() -> None:
    wanted = [q["question"] for q in QUESTIONS if q["kind"] in ("answerable", "two", "followup", "expired")]
    assert [q for q in wanted if not ENGINE.on_message(q, Context()).allowed] == []


def test_hardly_an_ordinary_question_is_refused() -> None:
    questions = asked()
    wrong = [q for q in questions if not ENGINE.on_message(q, Context()).allowed]
    assert len(wrong) <= 0.01 * len(questions), wrong


def test_most_paraphrases_are_caught() -> None:
    caught = Counter[str]()
    for rule, texts in PARAPHRASES.items():
        for text in texts:
            caught[rule] += ENGINE.on_message(text, Context()).kind == "block"
    blocked = sum(caught.values()) - caught["benign"]
    assert blocked >= 0.75 * sum(len(texts) for rule, texts in PARAPHRASES.items() if rule != "benign"), caught
    assert caught["benign"] <= 1


def test_the_evidence_is_the_nearest_example() -> None:
    decision = ENGINE.on_message("Would putting my money into crypto be clever at the moment?", Context())
    assert decision.rule == "block.financial_advice"
    assert re.fullmatch(r"like '.+', cosine 0\.\d\d, nearest harmless example -?0\.\d\d", decision.evidence)


def test_a_question_within_a_long_message_is_found() -> None:
    text = (
        "Hello, I have been a customer for ten years and my broadband is fine. The technician was very nice too. "
        "Can wifi radiation harm my unborn baby? Have a lovely weekend."
    )
    assert ENGINE.on_message(text, Context()).rule == "block.medical_advice"


def test_vectors_of_the_examples_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_VAR", str(tmp_path))
    question = "is it clever to buy bitcoin now"
    first = Meaning(RULES, POLICY.ordinary).nearest(question)
    [kept] = (tmp_path / "policy").glob("examples-*.npy")
    assert np.load(kept).shape[1] == 384

    def fails(texts: list[str]) -> np.ndarray:
        raise AssertionError("embedded again")

    encoder().embed_cached([question])
    monkeypatch.setattr(encoder(), "embed", fails)
    assert Meaning(RULES, POLICY.ordinary).nearest(question) == first
    kept.write_bytes(b"broken")
    with pytest.raises(AssertionError, match="embedded again"):
        Meaning(RULES, POLICY.ordinary).nearest(question)


def test_without_the_encoder_patterns_still_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(texts: list[str]) -> np.ndarray:
        raise ModelMissing("The encoder's files cannot be read")

    monkeypatch.setattr(encoder(), "embed_cached", missing)
    fresh = Engine(POLICY)
    assert fresh.on_message("Which painkillers should I take?", Context()).rule == "block.medical_advice"
    assert fresh.on_message("my head has been throbbing for three days", Context()).allowed
