"""Rewriting: every number, name, amount, date, link and fixed wording survives, or the text is refused."""

import itertools
import random

import copilot_fixtures
import pytest

from actions.copilot import rewrite as module
from actions.copilot.calls import Refused
from actions.copilot.facts import lost
from actions.copilot.models import RewriteCall
from actions.copilot.rewrite import STYLES, rewrite, twin
from actions.policy.engine import engine
from actions.policy.rules import VerbatimRule
from tests.model_server import ModelServer

articles, model_server = copilot_fixtures.articles, copilot_fixtures.model_server
pytestmark = pytest.mark.usefixtures("articles")

LEADS = ["Hi Sam,", "Dear Ms Sharma,", "Please be advised that", "I can confirm that", "Thanks for your patience.", ""]
MIDDLES = [
    "your order NO482136 will arrive on Tuesday 24 November at 8am, and you will receive a text prior to the visit",
    "we will credit £12.50 to the account NA204518 by 3 December 2026; however, the fee of £7.50 cannot be refunded",
    "you do not require a new router, so we have terminated the request for the Northlight Hub 3",
    "it's been fixed and we'll ring Priya on 07700 900123 between 9:30 and 11:00",
    "it is not faulty: see https://northlight.example/status?x=1, or write to help@northlight.example",
    "the notice says “utilise within 14 days in order to cancel” and 80% of the 500 Mbps is approximately 400 Mbps",
]
ENDS = ["Thank you for your patience.", "Let me know if there's anything else.", "Don't worry about Leeds.", ""]
TEXTS = [f"{a} {b}. {c}".strip() for a, b, c in itertools.product(LEADS, MIDDLES, ENDS)]


@pytest.mark.parametrize("style", STYLES)
def test_facts_survive_in_every_combination(style: str) -> None:
    for text in TEXTS:
        assert lost(text, twin(text, style)) == [], text


@pytest.mark.parametrize("style", STYLES)
def test_random_numbers_codes_and_days_survive(style: str) -> None:
    dice = random.Random(style)
    for _ in range(60):
        number, pence, day = dice.randrange(100000, 999999), dice.randrange(1, 99999), dice.randrange(1, 29)
        text = (
            f"Actually, in order to assist you, we have moved NO{number} to {day} March 2027 and £{pence / 100:,.2f} "
            f"is outstanding, but you will not receive INV-{number} prior to {day % 12 + 1}pm."
        )
        written = twin(text, style)
        assert lost(text, written) == [], written
        for fact in (f"NO{number}", f"{day} March 2027", f"£{pence / 100:,.2f}", f"INV-{number}"):
            assert fact in written


@pytest.mark.parametrize("style", STYLES)
def test_fixed_wordings_stay_word_for_word(style: str) -> None:
    for rule in engine().rules(VerbatimRule):
        text = f"I can confirm that we will assist. {rule.wording} Thank you for your patience."
        assert rule.wording in twin(text, style)


@pytest.mark.parametrize(
    ("style", "before", "after"),
    [
        ("shorter", "Please note that it is really late. Thank you for your patience.", "It's late."),
        ("shorter", "It is not really faulty.", "It's not really faulty."),
        ("shorter", "Yes, as it is. I have a question.", "Yes, as it is. I have a question."),
        ("simpler", "We will commence at once in order to assist you.", "We will start at once to help you."),
        (
            "simpler",
            "We have looked at your line from here today, and we will send somebody to your home tomorrow morning.",
            "We have looked at your line from here today. We will send somebody to your home tomorrow morning.",
        ),
        (
            "friendlier",
            "Hello Sam, we will utilise it. Is that all right?",
            "Hello Sam, we'll use it. Is that all right?",
        ),
        (
            "formal",
            "Hi Sam, it's been sorted! We can't say more.",
            "Hello Sam, it has been sorted. We cannot say more.",
        ),
    ],
)
def test_what_the_rules_write(style: str, before: str, after: str) -> None:
    assert twin(before, style) == after


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        ("Your fee of £8.00 is due on 3 May. Priya will ring.", "a number"),
        ("Your fee of £7.50 is due on 3 June. Priya will ring.", "a date"),
        ("Your fee of £7.50 is due on 3 May. Tom will ring.", "a name"),
        ("Your fee of £7.50 is not due on 3 May. Yes, Priya will ring.", "a “not”"),
        ("Your fee of £7.50 is due on 3 May. Priya will ring, see www.evil.example.", "a link or an address"),
        ("Your fee is due on 3 May. Priya will ring.", "an amount"),
    ],
)
def test_what_is_lost_or_changed_is_found(after: str, kind: str) -> None:
    assert kind in lost("Your fee of £7.50 is due on 3 May. Yes, Priya will ring.", after)


def test_a_text_whose_facts_would_not_survive_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "twin", lambda text, style: text.replace("£7.50", "£5.70"))
    with pytest.raises(Refused) as refused:
        rewrite(RewriteCall(text="The fee is £7.50.", style="shorter"))
    assert refused.value.status == 422 and "a number" in refused.value.sentence


class TestWithAModel:
    TEXT = "We would like to inform you that the fee of £7.50 for Priya Sharma is due on 3 December 2026."

    def written(self, server: ModelServer, reply: str) -> tuple[str, str]:
        server.reply = reply
        done = rewrite(RewriteCall(text=self.TEXT, style="friendlier"))
        return done.text, done.by

    def test_its_text_is_used_when_every_fact_has_survived(self, model_server: ModelServer) -> None:
        reply = "The fee of £7.50 for <NAME_1> is due on 3 December 2026."
        assert self.written(model_server, reply) == (reply.replace("<NAME_1>", "Priya Sharma"), "model")
        assert "Priya" not in str(model_server.requests)

    @pytest.mark.parametrize(
        "reply",
        [
            "The fee of £5.70 for <NAME_1> is due on 3 December 2026.",
            "The fee of £7.50 for <NAME_1> is due soon.",
            "The fee of £7.50 is due on 3 December 2026.",
            "The fee of £7.50 for <NAME_1> is not due on 3 December 2026.",
            "The fee of £7.50 for <NAME_1> is due on 3 December 2026. We have cancelled your contract for you.",
            "I promise the fee of £7.50 for <NAME_1> is due on 3 December 2026.",
        ],
    )
    def test_otherwise_the_rules_write(self, model_server: ModelServer, reply: str) -> None:
        text, by = self.written(model_server, reply)
        assert by == "twin" and lost(self.TEXT, text) == []

    def test_a_model_that_fails_is_no_error(self, model_server: ModelServer) -> None:
        model_server.status = 500
        assert rewrite(RewriteCall(text=self.TEXT, style="formal")).by == "twin"
