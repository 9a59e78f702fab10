"""Which of the customer's orders is meant: by its number, its item, a button, or as the last one spoken of."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from . import assurance, backends, parsing, pauses
from .backends import Order
from .fields import ORDER_NUMBER
from .forms import CHANGE, CONFIRMED, FORMS, MAX_TRIES
from .speech import Events
from .tasks import TASKS
from .turns import Phase, Turn, button_payloads
from .verification import VerifiedForm

SYSTEM = "our order system"
LAST_ORDER = "last_order"
BEFORE_DISPATCH = ("placed", "packed")
OPEN = (*BEFORE_DISPATCH, "dispatched")
OFFERED = 6
UNKNOWN = "Sorry, I can't find an order with that number on your account."
STILL_UNKNOWN = f"{UNKNOWN} Would you like me to get a person for you?"
CHECK_AGAIN = "For your security I need to check who you are again before I do this."
NO_ORDERS = "I can't find any orders on your account. Would you like a person to look into it?"

# The order may be guessed at the start and after the proof, not when another one was asked for.
_BEFORE = (None, "account_number", "postcode", "code_channel", "code")
_STATUS = {
    "placed": "being prepared",
    "packed": "packed",
    "dispatched": "on its way",
    "delivered": "delivered",
    "cancelled": "cancelled",
}
_LABEL = re.compile(rf"(NO\d{{6}}): (.+), (?:{'|'.join(_STATUS.values())})")
_OTHER = re.compile(r"\b(?:the|my|that) other (?:one|order)\b|^no,? other one\b", re.IGNORECASE)
_REFERS = re.compile(r"\b(?:it|that|this|that one|this one)\b", re.IGNORECASE)
_VISIT = re.compile(r"\b(?:visits?|technician|engineer|appointment|booking)\b", re.IGNORECASE)
_COMMON = frozenset({"northlight", "the", "and", "with", "for", "plan"})  # words that tell no item from another


def label(order: Order) -> str:
    """An order as its button shows it, for example `NO482136: Northlight Hub 3 router, on its way`."""
    return f"{order.number}: {order.item}, {_STATUS.get(order.status, order.status)}"


def named(order: Order) -> str:
    """An order in a sentence, for example `NO482136 (Northlight Hub 3 router)`."""
    return f"{order.number} ({order.item})"


def offered(tracker: Tracker) -> list[tuple[str, str]]:
    """The number and the item of the orders that were offered last in this session."""
    for event in reversed(tracker.events):
        if event.get("event") == "session_started":
            break
        if event.get("event") == "bot":
            found = [match.groups() for text in button_payloads(event) if (match := _LABEL.fullmatch(text))]
            if found:
                return [(number, item) for number, item in found]
    return []


def by_item(text: str, orders: Sequence[tuple[str, str]]) -> str | None:
    """The number of the one order among (number, item) whose item `text` names best ("the phone case")."""
    said = set(_words(text))
    points = Counter({number: len(said & set(_words(item))) for number, item in orders}).most_common(2)
    if not points or points[0][1] == 0 or (len(points) == 2 and points[0][1] == points[1][1]):
        return None
    return points[0][0]


def _words(text: str) -> list[str]:
    found = re.findall(r"[a-z]{3,}", text[: parsing.MAX_TEXT].lower().replace("wi-fi", "wifi"))
    return [word.removesuffix("s") for word in found if word not in _COMMON]


def spoken_of(tracker: Tracker) -> str | None:
    """The number of the order that was spoken of in this session's latest task; None once a person took over."""
    kept = tracker.slots.get(LAST_ORDER) or {}
    if kept.get("session") != pauses.session(tracker):
        return None
    performed = False  # a task's action leaves `served` after it, unless its form went on as another task
    for event in reversed(tracker.events):
        kind, name = event.get("event"), str(event.get("name"))
        if kind == "slot" and name == LAST_ORDER:
            break
        if kind == "action":
            if name == "action_handoff" or (performed and _about_something_else(name)):
                return None
            performed = False
        performed |= kind == "slot" and name == "served" and bool(event.get("value"))
    return str(kept["number"])


def _about_something_else(action: str) -> bool:
    task = TASKS.get(action)
    return task is not None and not isinstance(FORMS[task.form], OwnOrderForm)


def refers_to_order(turn: Turn, verbs: str) -> bool:
    """Whether the message says to do one of `verbs` (a regular expression) with the order that was spoken of."""
    said = re.search(rf"\b(?:{verbs})\b.*\b(?:it|that|this|one|order|delivery)\b", turn.text, re.IGNORECASE)
    return bool(said and not _VISIT.search(turn.text) and spoken_of(turn.tracker))


def remember(turn: Turn, number: str) -> None:
    """Keep the order that is spoken of now."""
    turn.set(**{LAST_ORDER: {"number": number, "session": pauses.session(turn.tracker)}})


def opening(turn: Turn) -> str:
    """The message that started the form."""
    started = False
    for event in reversed(turn.tracker.events):
        if started and event.get("event") == "user":
            return str(event.get("text") or "")
        started |= event.get("event") in ("active_loop", "followup") and event.get("name") == turn.form
    return turn.text


def _answer(turn: Turn) -> str | None:
    number = parsing.order_number(turn.text, bare=True)
    if number:
        return number
    shown = offered(turn.tracker)
    position = parsing.choice(turn.text, len(shown))
    return shown[position][0] if position is not None else by_item(turn.text, shown)


def _mention(turn: Turn) -> str | None:
    number = ORDER_NUMBER.mention(turn)
    if number or turn.requested not in (CONFIRMED, CHANGE):
        return number
    shown = offered(turn.tracker)
    if _OTHER.search(turn.text):
        others = [other for other, _ in shown if other != turn.get("order_number")]
        return others[0] if len(others) == 1 else None
    return by_item(turn.text, shown)


def _complaint(turn: Turn) -> str:
    if offered(turn.tracker) and not parsing.account_number(turn.text):
        return "Sorry, I didn't catch which order you mean."
    return ORDER_NUMBER.complaint(turn)


ORDER = replace(ORDER_NUMBER, answer=_answer, mention=_mention, complaint=_complaint)


def guess(turn: Turn, orders: list[Order], preferred: Sequence[Sequence[str]]) -> str | None:
    """The order that the message means without its number: by its item, as the last one spoken of, or as the only one.

    `preferred` are groups of statuses that the task is about, the likeliest first.
    """
    text = opening(turn)
    likely = [order for order in orders if order.status in preferred[0]]
    for some in (likely, orders):
        if number := by_item(text, [(order.number, order.item) for order in some]):
            return number
    last = spoken_of(turn.tracker)
    for order in orders:
        if order.number == last and (order in likely or not likely or _REFERS.search(text)):
            return order.number
    return only_one(orders, preferred)


def only_one(orders: list[Order], preferred: Sequence[Sequence[str]]) -> str | None:
    """The number of the one order in the first group of statuses that has any."""
    groups = ([order.number for order in orders if order.status in statuses] for statuses in preferred)
    first = next((group for group in groups if group), [])
    return first[0] if len(first) == 1 else None


class OwnOrderForm(VerifiedForm):
    """A form about one of the verified customer's own orders.

    A subclass overrides `check_order`, which runs once the order is known; `preferred` are groups of statuses, the
    likeliest first. An order of somebody else looks exactly like one that does not exist.
    """

    preferred: ClassVar[tuple[tuple[str, ...], ...]] = (OPEN, ("delivered",), ("cancelled",))
    system = SYSTEM

    def check_order(self, turn: Turn, order: Order) -> None:
        """Check the form's values for this order, or leave the form."""

    def check_values(self, turn: Turn) -> None:
        """Find the order among the customer's own."""
        orders = backends.orders().own(turn.caller)
        if not orders:
            turn.leave(NO_ORDERS, "customer_asked")
            return
        if not turn.get("order_number") and turn.requested in _BEFORE:
            turn.set(order_number=guess(turn, orders, self.preferred))
        number = turn.get("order_number")
        order = next((order for order in orders if order.number == number), None)
        if order:
            remember(turn, order.number)
            self.check_order(turn, order)
        elif number:
            self._unknown(turn)

    @staticmethod
    def _unknown(turn: Turn) -> None:
        """A number that was read well but is not the customer's is a failed try too."""
        before = 0 if turn.phase is Phase.ACTIVATION else int(turn.tracker.slots.get("tries") or 0)
        turn.set(order_number=None, confirmed=None)
        if before + 1 >= MAX_TRIES:
            turn.leave(STILL_UNKNOWN, "customer_asked")
            return
        turn.set(tries=before + 1)
        turn.say(UNKNOWN)


def own_order(turn: Turn) -> Order | None:
    """The customer's own order that the form is about."""
    number = turn.get("order_number")
    return next((order for order in backends.orders().own(turn.caller) if order.number == number), None)


def say(turn: Turn, text: str, *buttons: tuple[str, str]) -> None:
    """Say `text` with buttons, each a title and the sentence that it sends."""
    shown = [{"title": title, "payload": sentence} for title, sentence in buttons]
    turn.dispatcher.utter_message(text=text, buttons=shown)


class ActionAskOrderNumber(Action):
    """Asks which order is meant: offers the verified customer's own, or asks for the number."""

    system = SYSTEM

    def name(self) -> str:
        """The action's name."""
        return "action_ask_order_number"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Offer those that the task is likely to be about, or all."""
        caller = assurance.current(tracker.sender_id)
        orders = backends.orders().own(caller) if caller.level >= assurance.Level.VERIFIED else []
        form = FORMS.get(tracker.active_loop_name or "")
        preferred = form.preferred if isinstance(form, OwnOrderForm) else OwnOrderForm.preferred
        likely = [order for order in orders if order.status in preferred[0]]
        shown = (likely if len(likely) > 1 else orders)[:OFFERED]
        if not shown:
            dispatcher.utter_message(response="utter_ask_order_number")
            return []
        buttons = [{"title": label(order), "payload": label(order)} for order in shown]
        dispatcher.utter_message(text="Which order do you mean? You can also give me its number.", buttons=buttons)
        return []
