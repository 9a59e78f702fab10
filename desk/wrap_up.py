"""The wrap-up that an agent confirms: read from the form, written to the systems, kept as tasks, then closed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from desk import tasks
from desk.actions_client import ActionsError
from desk.context import Desk
from desk.copilot import Copilot
from desk.handling import DISPOSITIONS, MAX_NOTE, Refused
from desk.models import Conversation, User

LONDON = ZoneInfo("Europe/London")
END_OF_DAY = time(17)
MAX_SUMMARY = 1200
MOST_FOLLOW_UPS = 8
TICKET_KINDS = {
    "fault": "Fault",
    "dispute": "Dispute about a bill",
    "complaint": "Complaint",
    "callback": "Call-back",
    "other": "Something else",
}
PRIORITIES = {"low": "Low", "normal": "Normal", "high": "High", "urgent": "Urgent"}
FOLLOW_UP_KINDS = {"promise": "Promise", "follow_up": "Follow-up"}


class NotWritten(Exception):
    """The systems did not take the wrap-up, so nothing is closed; the message says why."""


@dataclass(frozen=True)
class FollowUp:
    """Something to do, with the day by which."""

    kind: str
    text: str
    due: date


@dataclass(frozen=True)
class WrapUp:
    """What the agent confirms. `request` is the same when the same form is sent again."""

    disposition: str
    note: str
    request: str
    summary: str = ""
    follow_ups: list[FollowUp] = field(default_factory=list)
    ticket: dict[str, str] | None = None


def read(form: Mapping[str, str]) -> WrapUp:
    """The form's fields. Raises Refused with the first thing that is missing."""
    disposition, note, summary = (form.get(name, "").strip() for name in ("disposition", "note", "summary"))
    if disposition not in DISPOSITIONS:
        raise Refused("Choose how the conversation ended.")
    for what, text, most in (("summary", summary, MAX_SUMMARY), ("note", note, MAX_NOTE)):
        if len(text) > most:
            raise Refused(f"The {what} has {len(text):,} characters: shorten it to {most:,}.")
    follow_ups = [found for n in range(MOST_FOLLOW_UPS) if (found := _follow_up(form, n))]
    return WrapUp(disposition, note, form.get("request", "")[:50], summary, follow_ups, _ticket(form))


async def confirm(desk: Desk, user: User, conversation: Conversation, wrapped: WrapUp, *, systems: bool) -> None:
    """Write ticket and note to the systems (unless `systems` is False), add the tasks, close the conversation.

    Each part may be done again with the same request and is then not done twice. Raises NotWritten, Refused or
    AssistantError.
    """
    reference = ""
    if systems:
        try:
            reference = await Copilot(desk.actions, user).confirm(
                conversation.sender_id, _content(wrapped), wrapped.request
            )
        except ActionsError as error:
            raise NotWritten(str(error)) from None
    for number, follow_up in enumerate(wrapped.follow_ups):
        await tasks.add(
            desk.database,
            conversation.id,
            follow_up.kind,
            follow_up.text,
            datetime.combine(follow_up.due, END_OF_DAY, LONDON),
            queue=conversation.queue or "",
            assigned_to=user.id,
            created_by=user.id,
            request=f"{wrapped.request}-{number}" if wrapped.request else None,
        )
    parts = [wrapped.summary, wrapped.note, f"Ticket {reference}" if reference else ""]
    await desk.handling.close(user, conversation.id, wrapped.disposition, _joined(parts))


def _joined(parts: list[str]) -> str:
    """What is kept at the desk; the note is cut before the ticket's reference is."""
    text = "\n\n".join(part for part in parts if part)
    return text if len(text) <= MAX_NOTE else f"{text[: MAX_NOTE - 40].rstrip()}…\n\n{parts[-1]}".rstrip()


def _content(wrapped: WrapUp) -> dict[str, Any]:
    return {
        "summary": wrapped.summary,
        "disposition": wrapped.disposition,
        "follow_ups": [
            {"text": each.text, "due": each.due.isoformat(), "kind": each.kind} for each in wrapped.follow_ups
        ],
        "ticket": wrapped.ticket,
        "note": wrapped.note,
    }


def _follow_up(form: Mapping[str, str], number: int) -> FollowUp | None:
    text = form.get(f"todo-{number}-text", "").strip()
    if not text or not form.get(f"todo-{number}-keep"):
        return None
    try:
        due = date.fromisoformat(form.get(f"todo-{number}-due", ""))
    except ValueError:
        raise Refused(f"Give “{text[:60]}” a day by which it is to be done.") from None
    kind = form.get(f"todo-{number}-kind", "")
    return FollowUp(kind if kind in FOLLOW_UP_KINDS else "follow_up", text[: tasks.MAX_TEXT], due)


def _ticket(form: Mapping[str, str]) -> dict[str, str] | None:
    if not form.get("ticket"):
        return None
    ticket = {name: form.get(f"ticket-{name}", "").strip() for name in ("kind", "subject", "details", "priority")}
    if not ticket["subject"]:
        raise Refused("Write what the ticket is about, or leave the ticket out.")
    if ticket["kind"] not in TICKET_KINDS or ticket["priority"] not in PRIORITIES:
        raise Refused("Choose what kind of ticket it is and how urgent it is.")
    return ticket
