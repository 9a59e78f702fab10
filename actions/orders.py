"""The skill `orders`: where an order is. Its other tasks are in the modules orders_…."""

import re
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from . import assurance, backends, clock
from .backends import NotAllowed, NotFound, Order
from .orders_choice import OPEN, ORDER, SYSTEM, OwnOrderForm, named, remember
from .speech import Events, long_date
from .tasks import Task
from .turns import Turn
from .verification import LOCKED_TEXT

SEARCH = "order_search"
MISMATCH_ORDER = (
    "Sorry, I can't find an order with that number going to that postcode. Please check both and let's try once more."
)
BY_ACCOUNT = "No problem. I can find your order with your account number and your postcode instead."
ACCOUNT_GIVEN = "That's your account number. I can find your order with that too."
_LOST = re.compile(
    r"\b(?:(?:do|did|ca|have)n['’]?t|do not|cannot|can['’]?t|never)\b.*\b(?:know|have|got|get|find|remember|see)\b|"
    r"\b(?:no idea|not sure|lost it|lost (?:the|my)|forgot(?:ten)?|deleted)\b",
    re.IGNORECASE,
)


class ValidateOrderForm(OwnOrderForm):
    """Asks for the order number and the delivery postcode; a verified customer's own orders need no postcode.

    Without the number (`order_search`) the customer proves the account instead and chooses from its orders. A
    verified customer with exactly one open order is asked nothing.
    """

    form = "order_form"
    title = "finding your order"
    fields = {"order_number": ORDER}
    before_proof = ("order_number",)
    wants = {"order_status": "to know where an order is"}

    def slots(self) -> list[str]:
        """With the slot that says how the order is found."""
        return [*super().slots(), SEARCH]

    def read(self, turn: Turn) -> dict[str, Any]:
        """As every form; not to know the number is an answer too."""
        values = super().read(turn)
        asked = turn.requested == "order_number" and turn.answering
        if asked and not values and _LOST.search(turn.text) and self._by_account(turn):
            turn.understood = True
        return values

    def refused(self, turn: Turn, slot: str) -> None:
        """Offer to find the order by the account when its number is not known."""
        if slot != "order_number" or not self._by_account(turn):
            super().refused(turn, slot)

    @staticmethod
    def _by_account(turn: Turn) -> bool:
        if turn.caller.level >= assurance.Level.VERIFIED or turn.get(SEARCH):
            return False
        turn.set(**{SEARCH: True})
        turn.say(BY_ACCOUNT)
        return True

    def required(self, turn: Turn) -> list[str]:
        """The order number and, while the caller may not see the order, its postcode; or the account's proof."""
        number = turn.get("order_number")
        if number:
            return ["order_number"] if self._may_see(turn, number) else ["order_number", "postcode"]
        proof = ["account_number", "postcode"] if turn.caller.level < assurance.Level.VERIFIED else []
        return [*proof, "order_number"] if turn.get(SEARCH) else ["order_number", *proof[1:]]

    def check(self, turn: Turn) -> None:
        """Find the order by the account, or match its number with its delivery postcode."""
        number = turn.get("order_number")
        if not number and turn.get("account_number") and not turn.get(SEARCH):
            turn.set(**{SEARCH: True})
            if turn.requested == "order_number":
                turn.say(ACCOUNT_GIVEN)
        if not number and (turn.get(SEARCH) or turn.caller.level >= assurance.Level.VERIFIED):
            super().check(turn)
        elif number and self._may_see(turn, number):
            turn.set(postcode=None)
        elif assurance.locked(turn.tracker.sender_id):
            turn.leave(LOCKED_TEXT, "verification_failed")
        elif number and turn.get("postcode"):
            self._match(turn, number, turn.get("postcode"))

    @staticmethod
    def _may_see(turn: Turn, number: str) -> bool:
        if number in turn.caller.orders:
            return True
        if turn.caller.level < assurance.Level.VERIFIED:
            return False
        return any(order.number == number for order in backends.orders().own(turn.caller))

    def _match(self, turn: Turn, number: str, postcode: str) -> None:
        turn.set(postcode=None)
        try:
            turn.caller = assurance.verify_order(turn.tracker.sender_id, number, postcode)
        except assurance.Mismatch:
            turn.set(order_number=None)
            turn.say(MISMATCH_ORDER)
        except assurance.Locked:
            turn.leave(LOCKED_TEXT, "verification_failed")


class ActionAskOrderFormPostcode(Action):
    """Asks for the postcode: the delivery's of an order whose number is known, else the account's."""

    def name(self) -> str:
        """The action's name."""
        return "action_ask_order_form_postcode"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Ask."""
        by_number = bool(tracker.slots.get("order_number"))
        dispatcher.utter_message(response="utter_ask_order_form_postcode" if by_number else "utter_ask_postcode")
        return []


def describe(order: Order) -> str:
    """What the customer hears about an order."""
    opening = f"Your order {named(order)}"
    if order.status == "cancelled":
        return f"{opening} was cancelled, so nothing will be delivered."
    if order.status == "delivered":
        when = f" on {long_date(order.delivered_on)}" if order.delivered_on else ""
        return f"{opening} was delivered{when}."
    expected = _expected(order)
    if order.status == "dispatched":
        carrier = f" with {order.carrier}, tracking number {order.tracking_number}" if order.carrier else ""
        return f"{opening} is on its way{carrier}.{expected}"
    if order.status == "packed":
        return f"{opening} is packed and waiting to be collected by the carrier.{expected}"
    return f"{opening} was placed on {long_date(order.placed_on)}, and we're preparing it.{expected}"


def _expected(order: Order) -> str:
    if order.expected_on is None:
        return ""
    days = (order.expected_on - clock.today()).days
    if days < 0:
        return f" It should have arrived on {long_date(order.expected_on)}, so it's late. I'm sorry about that."
    near = {0: "today, ", 1: "tomorrow, "}.get(days, "on ")
    return f" It should arrive {near}{long_date(order.expected_on)}."


def is_late(order: Order) -> bool:
    """Whether the order should have arrived before today."""
    return order.status in OPEN and order.expected_on is not None and order.expected_on < clock.today()


class ActionOrderStatus(Task):
    """Says where the order is."""

    form, action, result = "order_form", "action_order_status", "Order status"
    system = SYSTEM

    def perform(self, turn: Turn) -> None:
        """Describe the order that the form found."""
        try:
            order = backends.orders().order(turn.caller, turn.get("order_number") or "")
        except (NotAllowed, NotFound):
            turn.say("I couldn't find that order for you. Please ask me again and have its number ready.")
            return
        remember(turn, order.number)
        if is_late(order):
            turn.offer_person(f"{describe(order)} Would you like a person to look into it?", "customer_asked")
        else:
            turn.say(describe(order))
