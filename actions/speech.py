"""How amounts, dates and times are written for customers, and how a person is offered."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from rasa_sdk.events import SlotSet

if TYPE_CHECKING:
    from rasa_sdk.executor import CollectingDispatcher

Events = list[dict[str, Any]]

YES_NO = [{"title": "Yes", "payload": "/affirm"}, {"title": "No", "payload": "/deny"}]


def money(pence: int) -> str:
    """An amount in pounds, for example £42.50."""
    return f"£{pence / 100:,.2f}"


def long_date(day: date) -> str:
    """A date in words, for example Tuesday 24 November 2026."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def short_date(day: date) -> str:
    """A date in words without the year, for example Tuesday 24 November."""
    return f"{day:%A} {day.day} {day:%B}"


def clock_time(moment: datetime) -> str:
    """A time in words, for example 8am, 5.30pm or 12 noon."""
    if (moment.hour, moment.minute) == (12, 0):
        return "12 noon"
    minutes = f".{moment.minute:02d}" if moment.minute else ""
    return f"{moment.hour % 12 or 12}{minutes}{'am' if moment.hour < 12 else 'pm'}"


def promise(moment: datetime) -> str:
    """A promised time, for example `Tuesday 24 November at 5pm`."""
    return f"{short_date(moment)} at {clock_time(moment)}"


def offer_person(dispatcher: "CollectingDispatcher", text: str, reason: str) -> Events:
    """Say `text`, which asks whether a person is wanted, with Yes and No; returns the offer's event.

    `reason` is what the handoff tells the agent when the offer is accepted (see `actions.handoff`).
    """
    dispatcher.utter_message(text=text, buttons=list(YES_NO), metadata={"offer_reason": reason})
    return [SlotSet("offer", "person")]
