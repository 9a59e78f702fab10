"""What may be sent of an agent's draft: the policy's rules, and nobody else's data."""

import copilot_fixtures
import pytest
from copilot_fixtures import SAM, verified

from actions.copilot.draft import OTHER_CUSTOMER, check
from actions.copilot.models import DraftCall, DraftChecked
from actions.policy.engine import engine

articles, indexed, office = copilot_fixtures.articles, copilot_fixtures.indexed, copilot_fixtures.office
pytestmark = pytest.mark.usefixtures("office")


def draft(text: str, *written: str) -> DraftChecked:
    turns = [{"who": "customer", "text": each} for each in written]
    call = {"text": text, "conversation": "c", "agent": SAM, "turns": turns}
    return check(DraftCall.model_validate(call))


def test_a_plain_draft_passes_as_it_is() -> None:
    assert draft("The late payment fee is £7.50.") == DraftChecked(
        outcome="allow", rule="", text="The late payment fee is £7.50.", message=""
    )


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("I promise it will be fixed tomorrow.", "tone.promise"),
        ("That's your own fault.", "tone.blame"),
        ("Have a look at https://imgur.com/a/xyz", "limits.draft_links"),
        ("The bloody line is down again.", "profanity.written"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_rules_words(text: str, rule: str) -> None:
    found = draft(text)
    assert (found.outcome, found.rule, found.text) == ("refuse", rule, "")
    assert found.message == getattr(engine().policy.by_id(rule), "reply")  # noqa: B009


def test_what_can_be_put_right_is_and_the_agent_hears_of_it() -> None:
    found = draft("We'll send it ASAP.")
    assert (found.outcome, found.text) == ("replace", "We'll send it as soon as possible.")
    assert "read it once more" in found.message


def test_a_card_number_is_taken_out() -> None:
    found = draft("Is your card still 4111 1111 1111 1111?")
    assert (found.outcome, found.rule) == ("redact", "redact.payment_card")
    assert found.text == "Is your card still [card number]?" and found.message


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Your account NA310077 is in credit.", "an account"),
        ("The order NO771204 is packed.", "an order"),
        ("I've written to tom@example.com.", "an e-mail address"),
        ("I'll text 07700 900456.", "a phone number"),
    ],
)
def test_nothing_of_another_customer_is_named(text: str, named: str) -> None:
    verified()
    found = draft(text)
    assert (found.outcome, found.rule) == ("refuse", OTHER_CUSTOMER) and named in found.message


@pytest.mark.parametrize(
    "text",
    ["Your account NA204518.", "The order NO482136 is on its way.", "I've written to priya@example.com.",
     "I'll text +44 7700 900123.", "Write to contracts@northlight.example or ring 0808 157 0150."],
)  # fmt: skip
def test_the_customers_own_and_ours_may_be(text: str) -> None:
    verified()
    assert draft(text).rule != OTHER_CUSTOMER


def test_without_proof_only_what_the_customer_wrote_may_be_named() -> None:
    assert draft("The order NO482136 is on its way.").rule == OTHER_CUSTOMER
    assert draft("I'm looking for NO482136.", "where is no 482136?").outcome == "allow"
