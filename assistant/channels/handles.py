"""Short handles for button payloads that a platform has no room for.

A handle is the signature of the payload, so it cannot be forged, and it needs no store: it is compared with the
buttons in the conversation's tracker. It holds as long as the tracker's present session, also after a restart.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.events import BotUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.channels import signing

MARK = "#"


def fit(payload: str, conversation: str, limit: int) -> str:
    """The payload, signed or plain words, if it has up to `limit` bytes; otherwise its handle of 33 bytes."""
    if len(payload.encode("utf-8", "surrogatepass")) <= limit and not is_handle(payload):
        return payload
    if signing.verify(payload, conversation) is None:
        payload = signing.sign(payload, conversation)
    return MARK + payload[-signing.SIGNATURE_LENGTH :]


def is_handle(payload: str) -> bool:
    """Whether it is to be taken for a handle, a valid one or not."""
    return payload.startswith(MARK)


async def resolve(handle: str, conversation: str, store: TrackerStore) -> str | None:
    """The payload, signed if it names an intent, that a handle of this conversation stands for; None: none any more."""
    tracker = await store.retrieve(conversation)
    for payload in _offered(tracker) if tracker else ():
        signed = signing.sign(payload, conversation)
        expected = MARK + signed[-signing.SIGNATURE_LENGTH :]
        if hmac.compare_digest(expected.encode(), handle.encode("utf-8", "surrogatepass")):
            return signed if payload.startswith("/") else payload
    return None


def _offered(tracker: DialogueStateTracker) -> Iterator[str]:
    """The payloads of all buttons in the tracker, the latest first."""
    for event in reversed(tracker.events):
        if isinstance(event, BotUttered):
            for button in event.data.get("buttons") or event.data.get("quick_replies") or []:
                if isinstance(button.get("payload"), str):
                    yield button["payload"]
