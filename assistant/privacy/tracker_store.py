"""Rasa's SQL tracker store, with personal data replaced by tokens in everything that is written."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.constants import REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import AllSlotsReset, Event, Restarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.privacy.protect import Protected, Protector
from assistant.privacy.vault import shared_vault


class PrivateTrackerStore(SQLTrackerStore):
    """`type: assistant.privacy.tracker_store.PrivateTrackerStore` with the settings of `type: SQL`.

    What is loaded is as it was saved, so the dialogue goes on unchanged; only the database differs.
    """

    def __init__(
        self,
        domain: Domain | None = None,
        host: str | None = None,
        event_broker: EventBroker | None = None,
        **kwargs: Any,
    ) -> None:
        """Opens the database and the vault.

        Raises:
            VaultError: the vault cannot be opened.
        """
        self._protector = Protector(shared_vault())
        super().__init__(domain=domain, host=host, event_broker=event_broker, **kwargs)

    async def _retrieve(self, sender_id: str, fetch_events_from_all_sessions: bool) -> DialogueStateTracker | None:
        with self.session_scope() as session:
            query = self._event_query(session, sender_id, fetch_events_from_all_sessions)
            rows = [data for (data,) in query.with_entities(self.SQLEvent.data)]
        if not rows:
            return None
        events = [json.loads(row) for row in self._protector.reveal(sender_id, rows)]
        return DialogueStateTracker.from_dict(sender_id, events, self.domain.slots)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Publishes and stores the events that are new, both protected once."""
        with self.session_scope() as session:
            stored = self._event_query(session, tracker.sender_id, fetch_events_from_all_sessions=False).count()
            new = [event.as_dict() for event in itertools.islice(tracker.events, stored, None)]
            asked = _asked(itertools.islice(tracker.events, stored))
            events = self._protector.protect(tracker.sender_id, new, asked)
            for event in events if self.event_broker else ():
                self.event_broker.publish(Protected(sender_id=tracker.sender_id, **event))
            session.add_all(self._row(tracker.sender_id, event) for event in events)
            session.commit()

    def _row(self, sender_id: str, event: Protected) -> SQLTrackerStore.SQLEvent:
        return self.SQLEvent(
            sender_id=sender_id,
            type_name=event["event"],
            timestamp=event.get("timestamp"),
            intent_name=event.get("parse_data", {}).get("intent", {}).get("name"),
            action_name=event.get("name"),
            data=json.dumps(event),
        )


def _asked(events: Iterable[Event]) -> str | None:
    """The slot that is asked for after these events."""
    asked = None
    for event in events:
        if isinstance(event, SlotSet) and event.key == REQUESTED_SLOT:
            asked = event.value
        elif isinstance(event, (Restarted, AllSlotsReset)):
            asked = None
    return asked
