"""The short card: what the customer sees of the packet before a person joins, and their correction of it."""

from typing import Any

from actions.logs import get_logger
from actions.policy.engine import redact
from actions.policy.rules import PolicyError

log = get_logger(__name__)

SHOWN = 4  # values at most: a card is read at a glance
LENGTH = 500  # characters of a correction
_NOT_SHOWN = frozenset({"account_number", "postcode", "correction"})  # the account is shown masked
_WANTS, _ASKS = "Wants ", 'Asks: "'  # begin an issue (copilot/summary.py) that is more than the wish for a person


def card(packet: dict[str, Any]) -> str:
    """What is passed on, in a sentence that asks whether it is right; "" when there is nothing worth showing."""
    issue = _to_customer(str(packet.get("issue") or "").rstrip("."))
    parts = [issue] if issue else []
    if account := (packet.get("identity") or {}).get("account"):
        parts.append(f"account {account}")
    given = (slot for slot in packet.get("slots") or [] if slot["turn"] and slot["value"])  # in this session
    values = [slot for slot in given if slot["name"] not in _NOT_SHOWN]
    parts += [f"{slot['label']}: {slot['value']}" for slot in values[:SHOWN]]
    return f"Here's what I'm passing on: {'; '.join(parts)}. Is that right?" if parts else ""


def _to_customer(issue: str) -> str:
    """The issue as one tells it to the customer; "" when it says no more than that a person is wanted."""
    if issue.startswith(_WANTS):
        return f"you want {issue.removeprefix(_WANTS)}"
    if issue.startswith(_ASKS):
        return f"you asked “{issue.removeprefix(_ASKS).removesuffix(chr(34))}”"
    return ""


def corrected(packet: dict[str, Any], text: str, turn: int) -> dict[str, Any]:
    """The packet with the customer's correction as the open question; `turn` is their message's number."""
    try:
        said = redact(" ".join(text.split()))[:LENGTH]
    except PolicyError as error:  # what cannot be redacted stays in the conversation alone
        log.error("policy_unavailable", extra={"reason": str(error)})
        said = "The customer has corrected something: see the conversation."
    entry = {
        "name": "correction",
        "label": "the customer's correction",
        "value": said,
        "turn": turn,
        "confirmed": True,
    }
    return packet | {"open_question": said, "slots": [*(packet.get("slots") or []), entry]}
