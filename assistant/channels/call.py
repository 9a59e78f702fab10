"""Where a telephone call stands: what its next request means, and what the conversation wants of the caller."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from rasa.shared.core.events import BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.channels import plain
from assistant.policies.owner import BOT, OWNER_SLOT

# Slots that a telephone's keys can fill.
DIGIT_SLOTS = frozenset(
    {"account_number", "order_number", "code", "callback_phone", "new_phone", "move_reference", "cancel_reference"}
)
# Titles of the queue's choices (actions/queue_words.py). What is being passed on is not read out, so there is nothing
# to correct, and nobody can wait where no number takes the call.
CORRECT, KEEP_WAITING = "Correct it", "Keep waiting"
NOT_UNDERSTOOD = frozenset({"unknown", "unreadable", "clarify"})
MAX_STEPS = 500  # of one call
_MORE = re.compile(
    r"\W*(?:(?:yes|please|tell me|i want to hear|hear) )*(?:more|go on|continue|the rest)\b.{0,20}", re.I
)
_AGREED = re.compile(r"\b(?:yes|yeah|yep|please|ok|okay|sure|person|human|someone|somebody|agent|zero)\b", re.I)


@dataclass(frozen=True)
class Step:
    """One request of a call. All of it stands in the address that Twilio calls next, which its signature covers."""

    turn: int = 0  # counts the call's requests
    silent: int = 0  # how often in a row nothing was said
    missed: int = 0  # how often in a row the caller was not understood
    left: int = 0  # sentences of the last answer that have not been said yet
    dialled: int = 0  # how often a person was rung

    @classmethod
    def read(cls, query: dict[str, Any]) -> Step:
        """The step that the query of a request names; parts that are missing or odd are 0."""
        values = {}
        for name in cls.__dataclass_fields__:
            value = str(query.get(name) or "0")
            values[name] = min(int(value), MAX_STEPS) if re.fullmatch(r"[0-9]{1,4}", value) else 0
        return cls(**values)

    def next(self, **changes: int) -> Step:
        """The step after this one; nothing is silent, missed or left unless told."""
        kept = {"silent": 0, "left": 0} | changes
        return replace(self, turn=self.turn + 1, **kept)

    def query(self) -> str:
        """The step as the query of an address."""
        return urlencode({name: value for name, value in asdict(self).items() if value})


@dataclass
class Talk:
    """What the tracker tells about the conversation after the bot's latest turn."""

    owner: str = BOT
    messages: list[dict[str, Any]] = field(default_factory=list)  # of the latest turn, as an output channel gets them
    choices: list[dict[str, Any]] = field(default_factory=list)
    wants_digits: bool = False
    understood: bool = True
    handed_over: bool = False  # in the latest turn
    keeps_waiting: bool = False  # the caller has just asked for it
    packet: str = ""

    @classmethod
    def of(cls, tracker: DialogueStateTracker | None, can_transfer: bool) -> Talk:
        """Reads the tracker; a conversation that has none yet is the bot's."""
        if tracker is None:
            return cls()
        turn = _latest_turn(tracker)
        said = [event for event in turn if isinstance(event, BotUttered) and event.metadata.get("author") != "system"]
        heard = tracker.latest_message.text if tracker.latest_message else ""
        owners = [event.value for event in turn if isinstance(event, SlotSet) and event.key == OWNER_SLOT]
        handoff = tracker.get_slot("handoff")
        outcomes = {_inner(event.metadata).get("outcome") for event in said}
        hidden = {CORRECT} if can_transfer else {CORRECT, KEEP_WAITING}
        return cls(
            owner=tracker.get_slot(OWNER_SLOT) or BOT,
            messages=[event.message() for event in said],
            choices=[button for button in plain.open_buttons(tracker) if button["title"] not in hidden],
            wants_digits=tracker.get_slot("requested_slot") in DIGIT_SLOTS,
            understood=not (outcomes & NOT_UNDERSTOOD or (tracker.active_loop_name and tracker.get_slot("tries"))),
            handed_over=any(owner not in (None, BOT) for owner in owners),
            keeps_waiting=(heard or "").strip(" .!").casefold() == KEEP_WAITING.casefold(),
            packet=str(handoff.get("id") or "") if isinstance(handoff, dict) else "",
        )

    @property
    def is_closed(self) -> bool:
        """Whether nobody is there: of the queue's choices, waiting is only offered while somebody is."""
        titles = [button["title"] for message in self.messages for button in plain.buttons_of(message)]
        return bool(titles) and KEEP_WAITING not in titles


def said_to_caller(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages without the card of what is passed on to a person, which is for reading."""
    return [message for message in messages if _inner(message).get("waiting") != "card"]


def wants_more(text: str) -> bool:
    """Whether the rest of a long answer is asked for."""
    return bool(_MORE.fullmatch(text.strip(" .!?")))


def agrees(text: str) -> bool:
    """Whether the offer of a person is taken."""
    return bool(_AGREED.search(text))


def _latest_turn(tracker: DialogueStateTracker) -> list[Any]:
    """The events after the customer's latest message."""
    events: list[Any] = []
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        events.append(event)
    return events[::-1]


def _inner(metadata: dict[str, Any]) -> dict[str, Any]:
    """An action's metadata comes nested, an appended event's comes flat."""
    inner = metadata.get("metadata")
    return inner if isinstance(inner, dict) else metadata
