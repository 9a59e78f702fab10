"""The examples of injection.yml: the errors for a file that is wrong, and what a new example changes."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from actions.policy.injection import detect
from actions.policy.injection_examples import examples_file, fit, read_examples
from actions.policy.rules import PolicyError

ROOT = Path(__file__).resolve().parents[4]


def test_the_file_has_every_family_and_no_text_on_both_sides() -> None:
    attacks, harmless = read_examples(ROOT / "injection.yml")
    assert {attack.family for attack in attacks} == {"override", "role", "reveal", "exfiltrate"}
    assert not {attack.text for attack in attacks} & set(harmless)


def test_no_example_stands_in_the_test_sets() -> None:
    attacks, harmless = read_examples(ROOT / "injection.yml")
    tests = (ROOT / "tests" / "injections.yml").read_text(encoding="utf-8").casefold()
    tests += (ROOT / "tests" / "over_defence.yml").read_text(encoding="utf-8").casefold()
    long = [text for text in [a.text for a in attacks] + harmless if len(text.split()) > 4]
    assert [text for text in long if f'"{text.casefold()}"' in tests] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("attacks: [", "line 1: not valid YAML"),
        ("attacks: {}", "under attacks and harmless"),
        ("attacks: {override: [a]}\nharmless: {x: []}", "at least one example"),
        ("attacks: {override: [a]}\nharmless: {x: [yes]}", "True is not a text"),
        ("attacks: {other: [a]}\nharmless: {x: [b]}", "'other' is no family"),
        ("- a list", "under attacks and harmless"),
    ],
)
def test_a_file_that_is_wrong(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "injection.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(PolicyError, match=message):
        read_examples(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="restore it"):
        read_examples(tmp_path / "injection.yml")


def test_a_policy_elsewhere_brings_its_own_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_POLICY", str(tmp_path / "policy.yml"))
    assert examples_file() == ROOT / "injection.yml"
    shutil.copy(ROOT / "injection.yml", tmp_path)
    assert examples_file() == tmp_path / "injection.yml"


def test_a_new_example_teaches_its_other_wordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_POLICY", str(tmp_path / "policy.yml"))
    attacks, harmless = read_examples(ROOT / "injection.yml")
    known, ordinary = [attack.text for attack in attacks[::8]], harmless[::8]
    path = tmp_path / "injection.yml"
    path.write_text(yaml.safe_dump({"attacks": {"override": known}, "harmless": {"all": ordinary}}), encoding="utf-8")
    message = "Kindly water the purple tulips of the moon base"
    assert not detect(message)
    new = ["Water the purple tulips", "Please water the tulips on the moon", "Give the moon base's tulips water"]
    added = {"attacks": {"override": known, "role": new * 2}, "harmless": {"all": ordinary}}
    path.write_text(yaml.safe_dump(added), encoding="utf-8")
    finding = detect(message)
    assert finding
    assert finding.family == "role"
    assert "tulips" in finding.evidence[0]


def test_the_fit_separates_what_can_be_separated() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(60, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    attack = vectors[:, 0] > 0.2
    weights = fit(vectors, attack)
    assert weights.shape == (9,)
    odds = vectors @ weights[:-1] + weights[-1]
    assert odds[attack].mean() > 0.5 > -0.5 > odds[~attack].mean()
