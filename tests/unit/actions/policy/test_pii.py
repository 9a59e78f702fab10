"""Personal data that is found, and what only looks like it."""

import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.policy import language, pii
from actions.policy.engine import Engine
from actions.policy.pii import Detector
from actions.policy.rules import PiiRule
from actions.policy.source import load

POLICY = load(Path(__file__).resolve().parents[4] / "policy.yml")
RULES = [rule for rule in POLICY.rules if isinstance(rule, PiiRule)]
DETECTOR = Detector(RULES)


def found(text: str, detector: Detector = DETECTOR) -> list[tuple[str, str]]:
    """What must not be read: kind and text."""
    return [(s.kind, text[s.start : s.end]) for s in detector.find(text) if not detector.rule(s).keep]


@pytest.mark.parametrize(
    ("rule", "text"), [(r.id, t) for r in RULES for t in r.examples.match], ids=lambda value: str(value)[:40]
)
def test_each_example_is_found_by_its_rule(rule: str, text: str | list[str]) -> None:
    assert isinstance(text, str)
    assert rule in {DETECTOR.rule(span).id for span in DETECTOR.find(text)}


@pytest.mark.parametrize(
    ("rule", "text"), [(r.id, t) for r in RULES for t in r.examples.passing], ids=lambda value: str(value)[:40]
)
def test_no_harmless_example_is_found_by_its_rule(rule: str, text: str | list[str]) -> None:
    assert isinstance(text, str)
    assert rule not in {DETECTOR.rule(span).id for span in DETECTOR.find(text)}


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("4111 1111 1111 1111 12/26 123", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("pay with 4111111111111111 100 pounds", "CREDIT_CARD", "4111111111111111"),
        ("amex 3782 822463 10005", "CREDIT_CARD", "3782 822463 10005"),
        ("my iban is gb82 west 1234 5698 7654 32 and that is all", "IBAN_CODE", "gb82 west 1234 5698 7654 32"),
        ("DE89 3704 0044 0532 0130 00 is mine", "IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
        ("call 020 7946 0018", "PHONE_NUMBER", "020 7946 0018"),
        ("(212) 555-0199 is better", "PHONE_NUMBER", "(212) 555-0199"),
        ("ring me: +49 30 901820", "PHONE_NUMBER", "+49 30 901820"),
        ("you can call 73 448 266", "PHONE_NUMBER", "73 448 266"),
        ("I'm müller@straße.example", "EMAIL_ADDRESS", "müller@straße.example"),
        ("my dob's 12/03/1985", "DATE_OF_BIRTH", "12/03/1985"),
        ("she was born on the 3rd of May 1990", "DATE_OF_BIRTH", "3rd of May 1990"),
        ("my social security number is 455-99-6622", "US_SSN", "455-99-6622"),
        ("NI number AB 12 34 56 C", "UK_NINO", "AB 12 34 56 C"),
        ("My driver's license number is B4257624", "DRIVER_LICENSE", "B4257624"),
        ("ping 86.231.85.193 fails", "IP_ADDRESS", "86.231.85.193"),
        ("password: correct-horse1", "SECRET", "correct-horse1"),
        ('my password is "swordfish"', "SECRET", "swordfish"),
        ("482 915 is not it, the verification code is 338201", "SECRET", "338201"),
        ("please deliver to 221b Baker Street, London NW1 6XE.", "ADDRESS", "221b Baker Street, London NW1 6XE"),
        ("Flat 2, 8 Castle Street, Edinburgh EH2 3AH", "ADDRESS", "Flat 2, 8 Castle Street, Edinburgh EH2 3AH"),
        ("1600 Pennsylvania Ave NW, Washington, DC 20500", "ADDRESS", "1600 Pennsylvania Ave NW, Washington, DC 20500"),
        ("Ich wohne in der Lindenallee 14, 20259 Hamburg", "ADDRESS", "Lindenallee 14, 20259 Hamburg"),
        ("my name is mark", "PERSON", "mark"),
        ("Dear Ms O'Brien,", "PERSON", "Ms O'Brien"),
        ("Kind regards,\nOluwaseun Adeyemi", "PERSON", "Oluwaseun Adeyemi"),
        ("Name: Jean-Luc Moreau\nPlan: Fibre 100", "PERSON", "Jean-Luc Moreau"),
        ("my wife's name is Siân Llewellyn-Jones", "PERSON", "Siân Llewellyn-Jones"),
    ],
)
def test_the_whole_value_is_found(text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "How much is Fibre 500 with Northlight Hub?",
        "Is there an outage in Leeds or Bradford?",
        "i cant conect my netgear rooter to the wifi",
        "My iPhone 15 has no signal in Cardiff",
        "Can I move from Sky or BT Monday to Friday?",
        "Please send a technician in March, the router flashes orange",
        "The order NO482136 for account NA204518 has not come",
        "it takes 5 to 10 working days and costs £7.50",
        "version 3.6.21 of the firmware, error code 1004",
        "I ordered 2 phones, 3 SIMs and 1 router on 12/11/2026 at 14:30",
        "your adviser hung up on me after 45 minutes",
        "i want to speak to a manager",
        "What happens if I don't pay my bill for 21 days?",
    ],
)
def test_a_service_question_stays_as_it_is(text: str) -> None:
    assert found(text) == []


def test_spans_are_in_order_and_never_overlap() -> None:
    text = "Mr John Smith, 12 Park Lane, Leeds LS1 4AP, john.smith@example.com, +44 7700 900123, born 1/2/1980"
    spans = DETECTOR.find(text)
    assert [s.kind for s in spans] == ["PERSON", "ADDRESS", "EMAIL_ADDRESS", "PHONE_NUMBER", "DATE_OF_BIRTH"]
    assert all(a.end <= b.start for a, b in zip(spans, spans[1:], strict=False))


def rule(**fields: object) -> PiiRule:
    return PiiRule.model_validate(
        {"id": "pii.x", "kind": "pii", "replace": "[x]", "examples": {"match": ["a"], "pass": ["b"]}} | fields
    )


def test_a_pattern_of_ones_own_is_replaced_and_checked() -> None:
    own = Detector([rule(id="pii.loyalty", patterns=[r"\bLOY-\d{4}\b"], replace="[loyalty number]")])
    assert own.redacted("my card LOY-1234, not LOY-12")[0] == "my card [loyalty number], not LOY-12"
    checked = Detector([rule(patterns=[r"\b\d{16}\b"], check="luhn")])
    assert checked.redacted("4111111111111111 4111111111111112")[0] == "[x] 4111111111111112"


def test_only_the_entities_of_the_rules_are_found_and_kept_ones_stay() -> None:
    names = Detector(
        [rule(entities=["PERSON"], replace="[name]"), rule(id="pii.y", entities=["EMAIL_ADDRESS"], keep=True)]
    )
    text = "Mr John Smith, john@example.com, 07700 900123"
    assert names.redacted(text)[0] == "[name], john@example.com, 07700 900123"
    assert [s.kind for s in names.find(text)] == ["PERSON", "EMAIL_ADDRESS"]


def test_an_unknown_entity_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="there is no entity SHOE_SIZE: use PERSON"):
        rule(entities=["SHOE_SIZE"])
    with pytest.raises(ValueError, match="entities are missing"):
        rule()


def test_the_functions_use_the_policy_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TANDEM_POLICY", raising=False)
    assert pii.redact("I'm Priya Sharma, priya@example.com") == "I'm [name], [e-mail address]"
    assert [span.kind for span in pii.find("priya@example.com")] == ["EMAIL_ADDRESS"]


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(language, "MODEL", "en_core_web_sm_missing")
    cached = (language.reader, language._dictionary, language.ordinary, language.name_votes)
    for function in cached:
        function.cache_clear()
    yield
    monkeypatch.undo()
    for function in cached:
        function.cache_clear()


def test_without_the_model_the_patterns_go_on_and_an_error_says_what_to_do(
    no_model: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="actions"):
        alone = Detector(RULES)
        assert alone.redacted("my name is Priya Sharma, call 07700 900123 about 4111 1111 1111 1111")[0] == (
            "my name is [name], call [phone number] about [card number]"
        )
        assert alone.redacted("How much is Fibre 500?")[0] == "How much is Fibre 500?"
    reasons = [vars(record)["reason"] for record in caplog.records if record.message == "pii_names_off"]
    assert len(reasons) == 1
    assert "run `uv sync` in actions/" in reasons[0]


def test_nothing_goes_to_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    assert found("write to john@sub.example.co.uk or http://www.example.com", Detector(RULES))


def test_many_threads_find_the_same() -> None:
    fresh = Detector(RULES)
    results: list[list[tuple[str, str]]] = []
    text = "I'm Priya Sharma of 12 Park Lane, Leeds, priya@example.com"
    threads = [threading.Thread(target=lambda: results.append(found(text, fresh))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert all(result == results[0] and len(result) == 3 for result in results)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a" * 5_000,
        "0 " * 4_000,
        "1 a " * 2_000,
        "a.b@" * 2_000,
        "my name is " * 500,
        "St, " * 1_500,
        "Mr " * 2_000,
        "😀" * 2_000,
    ],
    ids=lambda text: text[:8],
)
def test_odd_and_long_texts_are_read(text: str) -> None:
    changed, _ = DETECTOR.redacted(text)
    assert isinstance(changed, str)


def test_what_is_generated_may_not_tell_a_name_that_no_passage_has() -> None:
    engine = Engine(POLICY)
    from actions.policy.context import Context

    passage = "Our data protection officer is Ms Helen Whitfield."
    assert engine.on_written("Write to Ms Helen Whitfield.", [passage], "", "generated", Context()).allowed
    told = engine.on_written("Your neighbour is Mr Tom Okafor.", [passage], "", "generated", Context())
    assert (told.outcome, told.rule) == ("refuse", "redact.name")
