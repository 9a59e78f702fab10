"""A conversation and a clock for the action server's tests."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

DOMAIN = {
    "forms": {
        "order_form": {"required_slots": ["order_number", "postcode"]},
        "balance_form": {"required_slots": ["account_number", "postcode"]},
        "booking_form": {
            "required_slots": [
                "account_number",
                "postcode",
                "visit_reason",
                "visit_slot",
                "confirmed",
            ]
        },
    }
}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)  # a Sunday

    def move(self, **by: float) -> None:
        """Move the clock forward, for example by minutes=15."""
        self.now += timedelta(**by)


class Chat:
    """A conversation as the action server sees it: builds trackers and applies the events that come back."""

    def __init__(self, conversation_id: str = "conversation-1") -> None:
        self.id = conversation_id
        self.slots: dict[str, Any] = {"owner": "bot", "tries": 0}
        self.events: list[dict[str, Any]] = []
        self.form: str | None = None
        self.message: dict[str, Any] = {}
        self.said: list[dict[str, Any]] = []
        self.followup: str | None = None

    def hear(self, text: str, intent: str = "inform", **entities: str) -> "Chat":
        """The customer writes."""
        found = [{"entity": name, "value": value} for name, value in entities.items()]
        self.message = {
            "text": text,
            "intent": {"name": intent, "confidence": 0.9},
            "entities": found,
            "message_id": f"m{len(self.events)}",
        }
        self.events += [
            {"event": "action", "name": "action_listen"},
            {"event": "user", "text": text, "parse_data": self.message},
        ]
        return self

    def start(self, form: str) -> "Chat":
        """The dialogue manager starts a form."""
        self.form = form
        self.events.append({"event": "active_loop", "name": form})
        return self

    def interrupted_by(self, action: str) -> "Chat":
        """The form was rejected and another action has answered."""
        self.events += [
            {"event": "action_execution_rejected", "name": self.form},
            {"event": "action", "name": action},
        ]
        return self

    def tracker(self) -> Tracker:
        """The tracker that Rasa would send."""
        events = list(self.events)
        if self.form:
            events.append({"event": "action", "name": self.form})
        loop = {"name": self.form} if self.form else {}
        state = {
            "sender_id": self.id,
            "slots": dict(self.slots),
            "latest_message": self.message,
            "events": events,
            "active_loop": loop,
        }
        return Tracker.from_dict(state)

    def run(self, action: Action) -> list[str]:
        """Run an action, apply its events, and return what it said."""
        dispatcher = CollectingDispatcher()
        events = asyncio.run(action.run(dispatcher, self.tracker(), DOMAIN))
        self.said = dispatcher.messages
        self.apply(events)
        for message in dispatcher.messages:
            data = {"buttons": message["buttons"]}
            metadata = {"metadata": message.get("metadata")}
            self.events.append({"event": "bot", "text": message["text"], "data": data, "metadata": metadata})
        return [message["text"] for message in dispatcher.messages]

    def apply(self, events: list[dict[str, Any]]) -> None:
        """Apply events as Rasa's tracker does."""
        self.last = events
        self.events += events
        self.followup = next((e["name"] for e in events if e["event"] == "followup"), None)
        for event in events:
            if event["event"] == "slot":
                self.slots[event["name"]] = event["value"]
            elif event["event"] == "active_loop":
                self.form = event["name"]

    def rejected(self) -> bool:
        """Whether Rasa's FormAction would reject the form on the last events."""
        return not [e for e in self.last if e["event"] == "slot" and e["name"] != "requested_slot"]

    @property
    def asked(self) -> str | None:
        """The slot that the form asks for next."""
        return self.slots.get("requested_slot")

    @property
    def buttons(self) -> list[str]:
        """The titles of the buttons in the last messages."""
        return [button["title"] for message in self.said for button in message["buttons"]]
