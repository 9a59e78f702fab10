"""What shows over several turns, and how an action's decisions know their conversation."""

import asyncio
from typing import Any

import pytest
from rasa_sdk import Action

from actions.executor import SafeExecutor
from actions.logs import conversation_ref
from actions.policy import context
from actions.policy.engine import Decision, check_message


@pytest.fixture(autouse=True)
def own_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository's policy.yml."""
    monkeypatch.delenv("TANDEM_POLICY", raising=False)


def said(text: str, intent: str = "ask_question") -> dict[str, Any]:
    return {"event": "user", "text": text, "parse_data": {"intent": {"name": intent}}}


def answered(outcome: str) -> dict[str, Any]:
    """As Rasa keeps an utterance: the action's metadata one level down."""
    return {"event": "bot", "text": "…", "metadata": {"metadata": {"outcome": outcome}}}


def decide(text: str, *events: dict[str, Any]) -> Decision:
    with context.in_conversation({"sender_id": "c1", "events": list(events)}):
        return check_message(text)


def failed(times: int) -> list[dict[str, Any]]:
    return [event for _ in range(times) for event in (said("and this?"), answered("unknown"))]


def test_three_answers_in_a_row_that_did_not_help_call_a_person() -> None:
    decision = decide("and what about that?", *failed(3))
    assert (decision.outcome, decision.rule) == ("escalate", "escalate.repeated_failure")
    assert decision.evidence == "3 answers in a row did not help"
    assert decide("and what about that?", *failed(2)).allowed


def test_an_answer_that_helped_begins_the_count_anew() -> None:
    events = [*failed(2), said("late fee?"), answered("answered"), *failed(2)]
    assert decide("what else?", *events).allowed


def test_saying_no_to_an_offer_is_no_success() -> None:
    events = [*failed(2), said("no", "deny"), {"event": "bot", "text": "That's fine."}, *failed(1)]
    assert decide("what else?", *events).rule == "escalate.repeated_failure"


def test_an_earlier_session_does_not_count() -> None:
    assert decide("hello again", *failed(3), {"event": "session_started"}).allowed


def test_what_a_person_has_dealt_with_does_not_count() -> None:
    back = {"event": "slot", "name": "owner", "value": "bot"}
    assert decide("one more question", *failed(3), back).allowed
    assert decide("this is a joke", said("this is ridiculous"), back).allowed


def test_two_angry_messages_of_three_call_a_person() -> None:
    decision = decide("I'm fed up with this", said("this is ridiculous"), said("my bill is wrong"))
    assert (decision.outcome, decision.rule) == ("escalate", "escalate.anger")
    assert decision.evidence == "2 of the last 3 messages"


def test_the_latest_message_is_counted_once() -> None:
    assert decide("this is ridiculous", said("hello"), said("this is ridiculous")).allowed
    assert decide("this  is\tridiculous", said("hello"), said("this  is\tridiculous")).allowed


def test_a_calm_message_after_angry_ones_is_answered() -> None:
    assert decide("ok, how much is it?", said("this is ridiculous"), said("what a joke of a company")).allowed


class Deciding(Action):
    """Reports the conversation that decisions within an action belong to."""

    def name(self) -> str:
        return "action_deciding"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[Any]:
        dispatcher.utter_message(text=context.current().conversation)
        return []


def test_the_executor_tells_the_conversation() -> None:
    executor = SafeExecutor(5)
    executor.register_action(Deciding())
    call = {
        "next_action": "action_deciding",
        "sender_id": "c9",
        "tracker": {"sender_id": "c9", "events": [], "slots": {}, "latest_message": {}, "active_loop": {}},
        "domain": {},
        "version": "3.6.21",
    }
    result = asyncio.run(executor.run(call))
    assert result is not None
    assert result.model_dump()["responses"][0]["text"] == conversation_ref("c9")
    assert context.current().conversation == ""
    executor.shut_down()
