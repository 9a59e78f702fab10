"""Reads a handoff packet for display, of version 2 or 1, as far as it goes: a part of another shape is left out.

Who sees which data: a supervisor, and the agent who has the conversation, see what the customer has given. Before an
agent takes it they see everything else, with the values and the numbers in texts hidden: enough to choose, no more.
Designers improve the assistant and need what was asked, not by whom. Auditors check what staff have done, in the audit
log; a packet in clear would be one more copy of what they audit. Administrators manage accounts and see none of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from desk.masking import masked_text, masked_value
from desk.models import Conversation, User
from desk.packet_schema import is_complete
from desk.routing import instant

REASONS = {
    "customer_asked": "Customer asked for a person",
    "missing_knowledge": "No answer in the knowledge base",
    "unsupported_task": "The assistant cannot do this",
    "policy": "Needs a person by policy",
    "tool_failure": "A system was not available",
    "low_confidence": "The assistant did not understand",
    "sentiment": "Customer is upset",
    "verification_failed": "Could not be verified",
    "value_customer": "Valued customer",
    "vulnerable_customer": "May need special care",
}
_SHOWN_ELSEWHERE = {"owner", "handoff", "offer", "tries", "requested_slot", "session_started_metadata"}

Row = dict[str, Any]


@dataclass(frozen=True)
class Identity:
    """Who the customer has shown to be; `account` is masked."""

    level: str = ""
    how: str = ""
    account: str = ""


@dataclass(frozen=True)
class Packet:
    """A handoff packet, ready to be shown."""

    reason: str = ""
    reason_turns: list[int] = field(default_factory=list)
    team: str = ""
    priority: int = 0
    identity: Identity = Identity()
    issue: str = ""
    sla_due: datetime | None = None
    open_question: str = ""
    next_steps: list[str] = field(default_factory=list)
    summary: list[Row] = field(default_factory=list)
    slots: list[Row] = field(default_factory=list)
    actions: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    promises: list[Row] = field(default_factory=list)
    policy: list[Row] = field(default_factory=list)
    sentiment: str = ""
    urgency: str = ""
    told: str = ""
    source: dict[str, Any] | None = field(default=None, repr=False)  # of version 2, as it came

    @property
    def incomplete(self) -> bool:
        """Whether it is not what the schema asks for, so that parts may lack. Takes about a millisecond."""
        return self.source is not None and not is_complete(self.source)


def sees_values(user: User, conversation: Conversation) -> bool:
    """Whether the user sees the customer's data in the packet of this conversation: see the module."""
    return user.role == "supervisor" or (user.role == "agent" and conversation.assigned_to == user.id)


def packet(value: dict[str, Any] | None, see: bool = False) -> Packet | None:
    """The packet of a conversation, personal data hidden unless `see`; None if there is none."""
    if not value:
        return None
    read = _first_version(value) if value.get("version") in (None, 1) else _second_version(value)
    return read if see else masked(read)


def masked(clear: Packet) -> Packet:
    """The packet without the values that the customer gave, and without addresses and numbers in its texts."""

    def rows(given: list[Row], *names: str, hide: Callable[[str], str] = masked_text) -> list[Row]:
        return [{**row, **{name: hide(row[name]) for name in names}} for row in given]

    return replace(
        clear,
        issue=masked_text(clear.issue),
        open_question=masked_text(clear.open_question),
        next_steps=[masked_text(step) for step in clear.next_steps],
        summary=rows(clear.summary, "text"),
        slots=rows(clear.slots, "value", hide=masked_value),
        actions=rows(clear.actions, "result"),
        answers=rows(clear.answers, "question", "text"),
        promises=rows(clear.promises, "text"),
        told=masked_text(clear.told),
    )


def _second_version(value: dict[str, Any]) -> Packet:
    reason = _text(value.get("reason"))
    priority = value.get("priority")
    return Packet(
        reason=REASONS.get(reason, _words(reason)),
        reason_turns=_turns(value.get("reason_turns")),
        team=_words(_text(value.get("queue"))),
        priority=priority if isinstance(priority, int) else 0,
        identity=_identity(value.get("identity")),
        issue=_text(value.get("issue")),
        sla_due=instant(value.get("sla_due")),
        open_question=_text(value.get("open_question")),
        next_steps=[step for step in _list(value.get("next_steps")) if isinstance(step, str)],
        summary=_summary(value.get("summary")),
        slots=[
            {**row, "label": row["label"] or _words(row["name"]), "confirmed": row["confirmed"] is True}
            for row in _rows(value.get("slots"), "name", "label", "value", keep=("confirmed",))
        ],
        actions=[
            {
                **row,
                "title": row["title"] or _words(row["action"].removeprefix("action_")),
                "ok": row["ok"] is not False,
            }
            for row in _rows(value.get("actions"), "action", "title", "result", keep=("ok",))
        ],
        answers=[
            {**row, "sources": _rows(row["sources"], "title", "article")}
            for row in _rows(value.get("answers"), "question", "text", "outcome", keep=("sources",))
        ],
        promises=[{**row, "due": instant(row["due"])} for row in _rows(value.get("promises"), "text", "due")],
        policy=_rows(value.get("policy"), "rule", "stage", "outcome"),
        sentiment=_text(value.get("sentiment")),
        urgency=_text(value.get("urgency")),
        told=_text(value.get("told")),
        source=value,
    )


def _first_version(value: dict[str, Any]) -> Packet:
    """What conversations hold that were handed over before version 2: no turns, and the summary in one piece."""
    slots = value.get("slots")
    given = slots.items() if isinstance(slots, dict) else ()
    reason = _text(value.get("reason"))
    return Packet(
        reason=REASONS.get(reason, _words(reason)),
        team=_words(_text(value.get("queue"))),
        issue=_text(value.get("issue")),
        summary=_summary(value.get("summary")),
        slots=[
            {"name": name, "label": _words(name), "value": _line(slot), "turn": 0, "confirmed": False}
            for name, slot in given
            if name not in _SHOWN_ELSEWHERE and slot not in (None, "", [])
        ],
        actions=[
            {**row, "title": _words(row["action"].removeprefix("action_")), "ok": True}
            for row in _rows(value.get("actions"), "action", "result")
        ],
        answers=[
            {**row, "sources": _rows(row["sources"], "title", "article")}
            for row in _rows(value.get("answers"), "question", "text", "outcome", keep=("sources",))
        ],
    )


def _rows(value: Any, *texts: str, keep: tuple[str, ...] = ()) -> list[Row]:
    """The objects of a list, each with its texts, its turn (0 if it has none), and what `keep` names as it is."""
    return [
        {name: _line(row.get(name)) for name in texts} | {name: row.get(name) for name in keep} | {"turn": _turn(row)}
        for row in _list(value)
        if isinstance(row, dict)
    ]


def _summary(value: Any) -> list[Row]:
    """Sentences with their turns; a text is one sentence without any."""
    if isinstance(value, str):
        return [{"text": value, "turns": []}] if value else []
    rows = [row for row in _list(value) if isinstance(row, dict)]
    return [{"text": _line(row.get("text")), "turns": _turns(row.get("turns"))} for row in rows if row.get("text")]


def _identity(value: Any) -> Identity:
    known = value if isinstance(value, dict) else {}
    return Identity(_text(known.get("level")), _text(known.get("how")), _text(known.get("account")))


def _turn(row: Row) -> int:
    turn = row.get("turn")
    return turn if isinstance(turn, int) and not isinstance(turn, bool) else 0


def _turns(value: Any) -> list[int]:
    return [turn for turn in _list(value) if isinstance(turn, int) and not isinstance(turn, bool)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _line(value: Any) -> str:
    """A value on one line, as a person would write it."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(_line(part) for part in value)
    return str(value) if isinstance(value, (str, int, float)) else ""


def _words(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()
