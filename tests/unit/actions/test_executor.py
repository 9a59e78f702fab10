"""No action leaves the customer without an answer, and none stops the others."""

import asyncio
import logging
import time
from typing import Any

import pytest
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection, ActionNotFoundException

from actions.executor import SafeExecutor
from common.logs import LineFormatter

Events = list[dict[str, Any]]


class Works(Action):
    def name(self) -> str:
        return "action_works"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        dispatcher.utter_message(text="Done.")
        return [SlotSet("offer", None)]


class Breaks(Action):
    system = "our order system"

    def name(self) -> str:
        return "action_breaks"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        dispatcher.utter_message(text="Half a sentence")
        raise ValueError("postcode LS1 4AP is wrong")

    def recover(self, tracker: Tracker, domain: Any) -> Events:
        return [SlotSet("order_number", tracker.slots["order_number"])]


class AskBlocks(Action):
    failure_text = "I can't look up times now. Shall I get a person?"

    def name(self) -> str:
        return "action_ask_time"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        time.sleep(1.5)  # blocks, as a library without asyncio does
        return []


class Rejects(Action):
    def name(self) -> str:
        return "action_rejects"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        raise ActionExecutionRejection("action_rejects")


class TimesOut(Action):
    def name(self) -> str:
        return "action_times_out"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        raise TimeoutError("the model did not answer")


def call(name: str) -> dict[str, Any]:
    """What Rasa sends."""
    tracker = {
        "sender_id": "customer-77",
        "slots": {"order_number": "NO1"},
        "latest_message": {},
        "events": [],
    }
    return {"next_action": name, "tracker": tracker, "domain": {"slots": {}}, "version": "3.6.21"}


@pytest.fixture
def executor() -> SafeExecutor:
    made = SafeExecutor(timeout=0.4, workers=4)
    for action in (Works, Breaks, AskBlocks, Rejects, TimesOut):
        made.register_action(action)
    return made


def run(executor: SafeExecutor, name: str) -> Any:
    return asyncio.run(executor.run(call(name)))


def test_a_result_passes_through(executor: SafeExecutor) -> None:
    result = run(executor, "action_works")
    assert [r["text"] for r in result.responses] == ["Done."]
    assert result.events == [SlotSet("offer", None)]


def test_an_exception_becomes_one_sentence_and_an_offer(
    executor: SafeExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "actions"):
        result = run(executor, "action_breaks")
    assert [r["text"] for r in result.responses] == [
        "Sorry, I can't reach our order system just now. Please try again in a few minutes, "
        "or I can get a person for you. Would you like that?"
    ]
    assert [b["payload"] for b in result.responses[0]["buttons"]] == ["/affirm", "/deny"]
    assert result.responses[0]["metadata"] == {"offer_reason": "tool_failure"}
    assert result.events == [SlotSet("order_number", "NO1"), SlotSet("offer", "person")]
    line = LineFormatter().format(caplog.records[-1])
    assert "ValueError" in line and "test_executor.py" in line and "outcome=failed" in line
    assert "LS1" not in line and "customer-77" not in line and "\n" not in line


def test_a_slow_action_is_answered_in_time_while_others_go_on(executor: SafeExecutor) -> None:
    async def both() -> tuple[float, float, Any]:
        started = time.monotonic()
        slow = asyncio.create_task(executor.run(call("action_ask_time")))
        await asyncio.sleep(0.05)
        await executor.run(call("action_works"))
        quick_took = time.monotonic() - started
        result = await slow
        return quick_took, time.monotonic() - started, result

    quick_took, slow_took, result = asyncio.run(both())
    assert quick_took < 0.35 and 0.4 <= slow_took < 1.2
    assert [r["text"] for r in result.responses] == ["I can't look up times now. Shall I get a person?"]
    assert result.events == [SlotSet("offer", "person"), SlotSet("requested_slot", None)]
    assert not executor.shut_down(patience=0.1)
    assert executor.shut_down(patience=3)


def test_a_time_out_of_the_action_itself_is_a_failure(executor: SafeExecutor, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "actions"):
        result = run(executor, "action_times_out")
    assert "can't reach our systems" in result.responses[0]["text"]
    assert "outcome=failed" in LineFormatter().format(caplog.records[-1])


def test_what_belongs_to_the_protocol_passes_through(executor: SafeExecutor) -> None:
    with pytest.raises(ActionExecutionRejection):
        run(executor, "action_rejects")
    with pytest.raises(ActionNotFoundException):
        run(executor, "action_unknown")


def test_calls_beyond_the_pool_wait_and_are_answered_too() -> None:
    executor = SafeExecutor(timeout=0.3, workers=1)
    executor.register_action(AskBlocks)
    executor.register_action(Works)

    async def two() -> Any:
        blocked = asyncio.create_task(executor.run(call("action_ask_time")))
        await asyncio.sleep(0.05)
        waiting = await executor.run(call("action_works"))
        await blocked
        return waiting

    assert "can't reach our systems" in asyncio.run(two()).responses[0]["text"]
