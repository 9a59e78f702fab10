"""The last look at an agent's reply before it is sent: the policy engine's, over HTTP."""

import logging
from dataclasses import dataclass

from sqlalchemy import func, select

from desk import audit, suggestion_uses
from desk.actions_client import ActionsError
from desk.context import Desk
from desk.conversations import find
from desk.copilot import Copilot, talk
from desk.database import Database
from desk.handling import MAX_REPLY, Refused
from desk.models import AuditEntry, Conversation, User

logger = logging.getLogger(__name__)

UNCHECKED_ROW = "unchecked"
UNCHECKED = "Sent, but it could not be checked by the policy just now: the check did not answer."
UNCHECKED_ADDRESS = "The address can't be checked just now. Try again in a moment, or send the reply without it."
CHANGED = "The policy asks for other words. Check the changed reply, then send it."
REFUSED = "The policy does not allow this reply. Change it and send it again."


@dataclass(frozen=True)
class Checked:
    """What the policy says: `verdict` is allowed, changed (`text` is what may be sent), refused or unchecked."""

    verdict: str
    text: str
    rule: str = ""
    message: str = ""


class Held(Refused):
    """The reply was not sent; `text` is what the agent goes on with."""

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text


async def check(desk: Desk, user: User, conversation: Conversation, text: str) -> Checked:
    """Ask the policy. When it cannot be asked the reply is `unchecked`: a customer must not meet silence."""
    try:
        said, _ = await talk(desk.database, desk.vault, conversation)
        found = await Copilot(desk.actions, user).check(text, said)
    except ActionsError as error:
        logger.warning("A reply was not checked by the policy: status %s", error.status)
        return Checked("unchecked", text)
    if found.outcome == "allow" or (found.outcome in ("redact", "replace") and _same(found.text, text)):
        return Checked("allowed", text, found.rule)
    if found.outcome in ("redact", "replace") and found.text:
        return Checked("changed", found.text, found.rule, found.message or CHANGED)
    if found.outcome:
        return Checked("refused", text, found.rule, found.message or REFUSED)
    return Checked("unchecked", text)


async def send(desk: Desk, user: User, conversation_id: int, text: str) -> str:
    """Check a reply and send it; the hint for the agent, if there is one. Raises Held, Refused or AssistantError."""
    conversation = await find(desk.database, conversation_id)
    mine = conversation is not None and conversation.assigned_to == user.id
    if conversation is None or not mine or not text.strip() or len(text) > MAX_REPLY:
        await desk.handling.reply(user, conversation_id, text)  # says what is wrong
        return ""
    checked = await check(desk, user, conversation, text)
    if checked.verdict in ("changed", "refused"):
        await audit.record(desk.database, user.id, f"draft_{checked.verdict}", conversation_id, checked.rule)
        raise Held(checked.message, checked.text)
    if checked.verdict == "unchecked" and "https://" in text.lower():
        raise Held(UNCHECKED_ADDRESS, text)
    await desk.handling.reply(user, conversation_id, text)
    await suggestion_uses.sent(desk.database, conversation_id, user.id, text)
    if checked.verdict == "unchecked":
        await audit.record(desk.database, user.id, UNCHECKED_ROW, conversation_id, "reply")
        return UNCHECKED
    return ""


async def unchecked(database: Database, conversation_id: int) -> int:
    """How many replies of a conversation were sent without the policy's check."""
    query = select(func.count()).where(
        AuditEntry.conversation_id == conversation_id, AuditEntry.action == UNCHECKED_ROW
    )
    async with database.session() as session:
        return await session.scalar(query) or 0


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()
