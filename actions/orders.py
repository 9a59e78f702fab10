"""The skill `orders`: where an order is."""

from . import backends, clock, identity
from .backends import NotAllowed, NotFound, Order
from .fields import ORDER_NUMBER, POSTCODE
from .forms import Form
from .speech import long_date
from .tasks import Task
from .turns import Turn
from .verification import LOCKED_TEXT

SYSTEM = "our order system"
OPEN = ("placed", "packed", "dispatched")
MISMATCH_ORDER = (
    "Sorry, I can't find an order with that number going to that postcode. Please check both and let's try once more."
)


def only_open_order(orders: list[Order]) -> str | None:
    """The number of the one order that has not arrived, when there is exactly one."""
    numbers = [order.number for order in orders if order.status in OPEN]
    return numbers[0] if len(numbers) == 1 else None


class ValidateOrderForm(Form):
    """Asks for the order number, and for the delivery postcode unless the caller may see that order already.

    A verified customer with exactly one open order is asked nothing.
    """

    form = "order_form"
    title = "finding your order"
    fields = {"order_number": ORDER_NUMBER, "postcode": POSTCODE}
    wants = {"order_status": "to know where an order is"}
    system = SYSTEM

    def required(self, turn: Turn) -> list[str]:
        """The order number; the postcode only while the caller may not see the order."""
        number = turn.get("order_number")
        return ["order_number"] if number and self._may_see(turn, number) else ["order_number", "postcode"]

    def check(self, turn: Turn) -> None:
        """Take a verified customer's only open order, or match the order with its delivery postcode."""
        if not turn.get("order_number") and turn.caller.level >= identity.Level.VERIFIED:
            turn.set(order_number=only_open_order(backends.orders().own(turn.caller)))
        number = turn.get("order_number")
        if number and self._may_see(turn, number):
            turn.set(postcode=None)
        elif identity.locked(turn.tracker.sender_id):
            turn.leave(LOCKED_TEXT, "verification_failed")
        elif number and turn.get("postcode"):
            self._match(turn, number, turn.get("postcode"))

    @staticmethod
    def _may_see(turn: Turn, number: str) -> bool:
        if number in turn.caller.orders:
            return True
        if turn.caller.level < identity.Level.VERIFIED:
            return False
        return any(order.number == number for order in backends.orders().own(turn.caller))

    def _match(self, turn: Turn, number: str, postcode: str) -> None:
        turn.set(postcode=None)
        try:
            turn.caller = identity.verify_order(turn.tracker.sender_id, number, postcode)
        except identity.Mismatch:
            turn.set(order_number=None)
            turn.say(MISMATCH_ORDER)
        except identity.Locked:
            turn.leave(LOCKED_TEXT, "verification_failed")


def describe(order: Order) -> str:
    """What the customer hears about an order."""
    opening = f"Your order {order.number} ({order.item})"
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
        if is_late(order):
            turn.offer_person(f"{describe(order)} Would you like a person to look into it?", "customer_asked")
        else:
            turn.say(describe(order))
