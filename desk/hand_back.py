"""What an agent found out, checked before the assistant goes on with it."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from desk.actions_client import ActionsError
from desk.copilot import Copilot
from desk.handling import Refused
from desk.models import Conversation

TASKS = {
    "order_status": "Where an order is",
    "change_delivery": "Change a delivery",
    "cancel_order": "Cancel an order",
    "return_order": "Return an order",
    "balance": "Say the balance",
    "explain_bill": "Explain a bill",
    "arrange_payment": "Pay in instalments",
    "report_payment": "Report a payment",
    "dispute_charge": "Dispute a charge",
    "book_visit": "Book a visit",
    "move_visit": "Move a visit",
    "cancel_visit": "Cancel a visit",
    "change_address": "Change the address",
    "change_email": "Change the e-mail address",
    "change_phone": "Change the phone number",
    "report_problem": "Find a fault",
    "check_outage": "Check for an outage",
    "complain": "Take a complaint",
}
_INTENT = re.compile(r"[a-z][a-z0-9_]{0,60}")


def open_task(conversation: Conversation) -> str:
    """The intent of the task that was open at the handoff, or ""."""
    task = (conversation.handoff or {}).get("task")
    return task if isinstance(task, str) and _INTENT.fullmatch(task) else ""


def known(conversation: Conversation) -> dict[str, str]:
    """What the assistant knew of each slot at the handoff."""
    rows = (conversation.handoff or {}).get("slots")
    return {
        str(row.get("name")): str(row.get("value") or "")
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    }


def checked_task(conversation: Conversation, task: str) -> str:
    """The task, if the assistant can go on with it. Raises Refused."""
    if task and task not in TASKS and task != open_task(conversation):
        raise Refused("Choose a task from the list.")
    return task


async def check(copilot: Copilot, given: Mapping[str, str]) -> dict[str, Any]:
    """The values as the assistant keeps them. Raises Refused with each one that it cannot use, or ActionsError."""
    names = list(given)
    outcomes = await asyncio.gather(*(copilot.check_slot(name, given[name]) for name in names), return_exceptions=True)
    wrong, values = [], {}
    for name, outcome in zip(names, outcomes, strict=True):
        if isinstance(outcome, ActionsError) and outcome.status == 422:
            wrong.append(str(outcome))
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            values[name] = outcome
    if wrong:
        raise Refused(" ".join(wrong))
    return values
