"""What is changed or refused in a generated text and in an agent's draft."""

from pathlib import Path

import pytest

from actions.policy.context import Context, in_conversation
from actions.policy.engine import Engine, check_draft, check_generated
from actions.policy.limits import foreign, other_links
from actions.policy.rules import LimitsRule
from actions.policy.source import load

POLICY = load(Path(__file__).resolve().parents[4] / "policy.yml")
ENGINE = Engine(POLICY)
COOLING_OFF = (
    "Customers who change their mind can cancel any new Northlight contract within the 14-day cooling-off period. "
    "No reason is needed, and there is no early-exit charge."
)
RECORDING = "Northlight records calls and keeps chats to settle disputes, to train staff and to improve answers."
NOWHERE = Context()


@pytest.fixture(autouse=True)
def own_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository's policy.yml."""
    monkeypatch.delenv("TANDEM_POLICY", raising=False)


def test_wording_is_added_where_the_topic_is_touched() -> None:
    decision = check_draft("You're still in the cooling-off period, so that's fine.")
    assert (decision.outcome, decision.rule) == ("replace", "verbatim.cooling_off")
    assert decision.text == f"You're still in the cooling-off period, so that's fine. {COOLING_OFF}"
    assert decision.allowed


def test_wording_takes_the_place_of_a_paraphrase() -> None:
    decision = check_generated("Yes. You can cancel within 14 days without paying. Send the phone back.", [])
    assert decision.text == f"Yes. {COOLING_OFF} Send the phone back."


def test_exact_wording_is_left_alone() -> None:
    assert check_generated(COOLING_OFF, []).outcome == "allow"
    assert check_generated(COOLING_OFF.replace(" No ", "\nNo "), []).outcome == "allow"


def test_a_question_can_ask_for_the_wording() -> None:
    text = "Send back the phone or the router with the free prepaid label."
    asked = check_generated(text, [text], "I've changed my mind about the contract I signed last week")
    assert asked.text == f"{text} {COOLING_OFF}"
    assert check_generated(text, [text], "how do I return my router?").outcome == "allow"


def test_an_announced_call_brings_the_recording_notice() -> None:
    decision = check_draft("I'll give you a call in five minutes.")
    assert decision.text == f"I'll give you a call in five minutes. {RECORDING}"
    assert check_draft("Please note that your call may be recorded.").text == RECORDING


def test_a_disclaimer_is_added_once_in_a_conversation() -> None:
    text = "Fibre 500 costs £36.00 a month on a 24-month contract."
    first = check_generated(text, [text])
    assert (first.outcome, first.rule) == ("replace", "require.price_change")
    assert first.text == f"{text} Northlight prices rise once a year, on 1 April."
    tracker = {"sender_id": "c1", "events": [{"event": "user", "text": "price?"}, {"event": "bot", "text": first.text}]}
    with in_conversation(tracker):
        assert check_generated(text, [text]).outcome == "allow"


def test_one_disclaimer_is_enough() -> None:
    decision = check_generated("Fibre 500 costs £36.00 a month. You can expect 500 Mbps.", [])
    assert decision.text.count("Speeds are those") + decision.text.count("prices rise") == 1


def test_a_list_gets_its_sentence_on_a_line_of_its_own() -> None:
    decision = check_generated("- Fibre 100: £28.00 a month\n- Fibre 500: £36.00 a month", [])
    assert decision.text.endswith("a month\nNorthlight prices rise once a year, on 1 April.")


@pytest.mark.parametrize(
    ("draft", "text"),
    [
        ("We'll send it ASAP.", "We'll send it as soon as possible."),
        ("Obviously, the line is down.", "The line is down."),
        ("Please restart the CPE now.", "Please restart the router now."),
    ],
)
def test_words_that_we_do_not_use_give_way(draft: str, text: str) -> None:
    decision = check_draft(draft)
    assert (decision.outcome, decision.kind, decision.text) == ("replace", "tone", text)


@pytest.mark.parametrize(
    ("draft", "rule"),
    [
        ("That's your own fault.", "tone.blame"),
        ("I promise it will be fixed tomorrow.", "tone.promise"),
        ("The bloody line is down again.", "profanity.written"),
        ("What's your PIN?", "block.asking_for_secrets"),
        ("We are cheaper than Sky.", "block.competitors"),
        ("Look at https://imgur.com/a/xyz", "limits.draft_links"),
        ("word " * 601, "limits.draft_length"),
        ("Ihre Rechnung ist jeden Monat am ersten Tag fällig und wird abgebucht.", "limits.answer_language"),
    ],
)
def test_a_draft_is_refused_with_advice_for_the_agent(draft: str, rule: str) -> None:
    decision = check_draft(draft)
    assert (decision.outcome, decision.rule, decision.text, decision.allowed) == ("refuse", rule, "", False)
    assert decision.reply


def test_every_rule_that_changed_the_text_is_named() -> None:
    decision = check_draft("I'll call you back ASAP. You can expect 500 Mbps.")
    assert decision.rule == "tone.short_forms"
    assert [part.split(": ")[0] for part in decision.evidence.split("; ")] == [
        "pattern 1",
        "verbatim.recording_notice",
        "require.speed",
    ]
    assert "as soon as possible" in decision.text and RECORDING in decision.text and "Wi-Fi" in decision.text


def test_a_refusal_comes_before_a_change() -> None:
    assert check_draft("That's your own fault. I'll call you back ASAP.").rule == "tone.blame"


def test_an_author_may_write_what_a_model_may_not() -> None:
    text = "Citizens Advice gives legal advice, and it's your fault if you miss it."
    assert not check_generated(text, []).allowed
    assert check_generated(text, [text]).allowed


def test_a_link_to_another_host_is_taken_out_of_an_answer() -> None:
    text = "Open https://northlight.example.evil.com/pay?id=4 or northlight.example/status."
    decision = check_generated(text, [text])
    assert decision.text == "Open [link removed] or northlight.example/status."
    assert (decision.rule, decision.evidence) == ("limits.answer_links", "a link to another host")


LINKS = next(rule for rule in POLICY.rules if isinstance(rule, LimitsRule) and rule.hosts)


@pytest.mark.parametrize(
    "text",
    [
        "http://evil.com",
        "HTTPS://EVIL.COM/x",
        "www.evil.co.uk",
        "evil.xyz/login",
        "http://northlight.example@evil.com",
        "https://northlight.example:pw@evil.com/a",
        "http://user@northlight.example/",
        "https://notnorthlight.example",
        "https://northlight.example.evil.com",
        "ftp://northlight.example/x",
        "javascript:alert(1)",
        "[pay](https://bit.ly/x)",
        "http://192.0.2.7/login",
        "http://[::1]/",
    ],
)
def test_a_link_that_leads_elsewhere_is_found(text: str) -> None:
    assert list(other_links(LINKS, text))


@pytest.mark.parametrize(
    "text",
    [
        "northlight.example",
        "https://router.northlight.example/",
        "See northlight.example/speed, then northlight.example/status.",
        "www.ofcom.org.uk",
        "Write to care@northlight.example.",
        "It costs £7.50.It is due on 1.12.2026, e.g. by Direct Debit.",
        "Wait 3.5 days. Then restart the router.",
    ],
)
def test_our_own_links_and_other_texts_with_dots_stay(text: str) -> None:
    assert list(other_links(LINKS, text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "ok",
        "gracias",
        "internet nicht",
        "wat is the cost of movin house wiv u",
        "roaming charges turkey",
        "Hola amigo, necesito ayuda but my English is not so good, can you help me with the bill",
        "Wojciech Szczepański, 14 Ffordd Llanfairpwllgwyngyll, Pwllheli, Gwynedd",
        "NO482136 NA204518 LS1 4AP",
        "asdf qwer zxcv uiop hjkl",
        "word " * 500,
    ],
)
def test_a_short_or_mixed_text_is_never_foreign(text: str) -> None:
    assert foreign(text) == ""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Guten Tag, ich möchte wissen, warum meine Rechnung in diesem Monat so hoch ausgefallen ist", "de"),
        ("Buongiorno, vorrei sapere perché la mia bolletta di questo mese è così alta", "it"),
        ("میرا انٹرنیٹ کل سے کام نہیں کر رہا", "ur"),
        ("我的网络从昨天开始不能用了", "zh"),
    ],
)
def test_another_language_is_told(text: str, language: str) -> None:
    assert foreign(text) == language


def test_no_article_needs_another_tone() -> None:
    """What is quoted goes out as it was written, but no article should need that excuse."""
    for path in sorted((Path(__file__).resolve().parents[4] / "knowledge").glob("*/*.md")):
        body = path.read_text(encoding="utf-8").split("---", 2)[2]
        for line in body.splitlines():
            decision = ENGINE.on_written(line, [], "", "generated", NOWHERE)
            assert decision.kind not in ("tone", "profanity", "limits"), (path, line, decision)
