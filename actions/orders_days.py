"""Offers what can be changed about a delivery, and the days that it can be moved to."""

from datetime import date
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from . import assurance, backends, clock, visits
from .orders_choice import SYSTEM
from .speech import Events, short_date
from .turns import button_payloads, text_of
from .visit_wishes import wish

OFFERED = 4
OTHER_DAYS = "Other days"


def wanted_days(text: str) -> frozenset[date]:
    """The days to come that the message names; none when it names none, or all that it does not exclude."""
    found = wish(visits.ahead(text), clock.today())
    if found is None or found.days is None:
        return frozenset()
    return found.days - {day for option in found.excluded for day in option.days or ()}


def offered_days(tracker: Tracker) -> list[date]:
    """The days that were offered last."""
    for event in reversed(tracker.events):
        payloads = button_payloads(event) if event.get("event") == "bot" else []
        if OTHER_DAYS in payloads or any(_day_of(text) for text in payloads):
            return [day for text in payloads if (day := _day_of(text))]
    return []


def _day_of(label: str) -> date | None:
    """The day that a button shows, for example `Tuesday 24 November`."""
    return next((day for day in wanted_days(label) if short_date(day) == label), None)


class ActionAskDeliveryChange(Action):
    """Asks what is to change."""

    def name(self) -> str:
        """The action's name."""
        return "action_ask_delivery_change"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Offer the day and the address."""
        buttons = [{"title": title, "payload": title} for title in ("Another day", "Another address")]
        dispatcher.utter_message(text="What should change: the day or the address?", buttons=buttons)
        return []


class ActionAskDeliveryDay(Action):
    """Offers days: those in the week that was named, or the next ones."""

    system = SYSTEM

    def name(self) -> str:
        """The action's name."""
        return "action_ask_delivery_day"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Offer a few days; the form has seen that there are some."""
        caller = assurance.current(tracker.sender_id)
        free = backends.orders().delivery_days(caller, str(tracker.slots.get("order_number")))
        days = self._chosen(tracker, free)[:OFFERED]
        titles = [short_date(day) for day in days] + ([OTHER_DAYS] if len(free) > len(days) else [])
        buttons = [{"title": title, "payload": title} for title in titles]
        text = "Which day would suit you? You can also name another one, such as Friday next week."
        dispatcher.utter_message(text=text, buttons=buttons)
        return []

    @staticmethod
    def _chosen(tracker: Tracker, free: list[date]) -> list[date]:
        text = text_of(tracker)
        wanted = wanted_days(text)
        if fitting := [day for day in free if day in wanted]:
            return fitting
        shown = offered_days(tracker)
        if shown and visits.wants_others(text):
            return [day for day in free if day > shown[-1]] or free
        return free
