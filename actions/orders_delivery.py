"""The skill `orders`: delivering an order on another day, or to another address, before it is dispatched.

Two forms share their fields: the day needs a verified customer, the address a one-time code as well. The intent
starts the form for the day, which finds out what is to change and passes an address on to the other one.
"""

from datetime import date
from typing import Any, ClassVar

from . import assurance, backends, parsing, visits
from .backends import Address, Invalid, LimitExceeded, NotAllowed, NotFound, Order, TooLate, contacts
from .fields import Field
from .forms import CHANGE, CONFIRMED
from .orders_choice import (
    BEFORE_DISPATCH,
    CHECK_AGAIN,
    SYSTEM,
    UNKNOWN,
    OwnOrderForm,
    named,
    own_order,
    refers_to_order,
)
from .orders_days import wanted_days
from .orders_delivery_fields import ADDRESS, DAY, FIELDS, PLACE, changes_mind, new_postcode
from .speech import long_date, short_date
from .tasks import Task
from .turns import Phase, Turn
from .verification import PROOF

DAY_FORM, ADDRESS_FORM = "delivery_form", "delivery_address_form"
NO_DAY = "I'm sorry, there's no other day I can move this delivery to. Would you like me to get a person for you?"
PHONE_ONLY = (
    "For safety, a phone can only be delivered to the address on your account. "
    "Would you like me to get a person for you?"
)
FAILURE = (
    "Sorry, our order system didn't answer in time, so I can't promise that your delivery is changed. "
    "Asking again in a few minutes is safe. Would you like me to get a person for you?"
)


class DeliveryForm(OwnOrderForm):
    """What both forms do: find an order before dispatch and what is to change."""

    confirm = True
    wants = {"change_delivery": "to change a delivery"}
    answered_by = {
        "delivery_day": frozenset({"move_visit"}),
        "delivery_street": frozenset({"change_address"}),
        "delivery_town": frozenset({"change_address"}),
        "delivery_postcode": frozenset({"change_address"}),
    }
    preferred = (BEFORE_DISPATCH, ("dispatched",), ("delivered",), ("cancelled",))
    changing: ClassVar[str]
    other: ClassVar[str]

    def read(self, turn: Turn) -> dict[str, Any]:
        """As every form; a postcode that the delivery goes to is no proof of the account."""
        values = super().read(turn)
        if turn.requested not in PROOF and (code := self._postcode(turn, bool(values.keys() & set(PLACE)))):
            values.pop("postcode", None)
            values["delivery_postcode"] = code
        place, day = bool(values.keys() & set(PLACE)), "delivery_day" in values
        if place != day:
            values["delivery_change"] = ADDRESS if place else DAY
        return values

    @staticmethod
    def _postcode(turn: Turn, with_place: bool) -> str | None:
        """The postcode of the new address, when the message gives one."""
        if turn.phase is not Phase.ACTIVATION and not turn.answering:
            return None
        asked = turn.requested in (*PLACE, CONFIRMED, CHANGE)
        if asked or with_place:
            return parsing.postcode(turn.text)
        return new_postcode(turn.text) if changes_mind(turn) else None

    def changeable(self, turn: Turn) -> dict[str, Field]:
        """What this form changes, and the order."""
        return {s: f for s, f in super().changeable(turn).items() if s not in PLACE or self.changing == ADDRESS}

    def check_order(self, turn: Turn, order: Order) -> None:
        """Leave the form when it is too late; go on with the other form when that is what is to change."""
        if order.status not in BEFORE_DISPATCH:
            not_changeable(turn, order)
            turn.finish()
        elif turn.get("delivery_change") not in (None, self.changing):
            turn.instead(self.other)
        else:
            self.check_change(turn, order)

    def check_change(self, turn: Turn, order: Order) -> None:
        """Check the new day or address for this order."""


class ValidateDeliveryForm(DeliveryForm):
    """Collects the order, what is to change, and the new day."""

    form, title = DAY_FORM, "changing your delivery"
    changing, other = DAY, ADDRESS_FORM
    fields = FIELDS

    def claims(self, turn: Turn) -> bool:
        """Whether "can you move it to Friday" is about the order that was just spoken of."""
        verbs = "move|change|reschedule|rearrange|postpone|delay|bring|deliver|send|make"
        return turn.intent in ("move_visit", "book_visit") and refers_to_order(turn, verbs)

    def required(self, turn: Turn) -> list[str]:
        """Without the parts of an address."""
        return [slot for slot in super().required(turn) if slot not in PLACE]

    def read(self, turn: Turn) -> dict[str, Any]:
        """As every form; several days, or other ones, are understood too."""
        values = super().read(turn)
        if turn.requested == "delivery_day" and not values and turn.answering:
            turn.understood = bool(wanted_days(turn.text)) or visits.wants_others(turn.text)
        return values

    def check_change(self, turn: Turn, order: Order) -> None:
        """Drop a day that cannot be had; leave the form when there is none."""
        free = backends.orders().delivery_days(turn.caller, order.number)
        if not free:
            turn.leave(NO_DAY, "customer_asked")
            return
        day = date.fromisoformat(turn.get("delivery_day")) if turn.get("delivery_day") else None
        if day is None or day in free:
            return
        if day == order.expected_on:
            turn.say(f"Your order {named(order)} is already due on {short_date(day)}.")
        else:
            turn.say(f"Sorry, we can't deliver this order on {short_date(day)}.")
        turn.set(delivery_day=None, confirmed=None)

    def read_back(self, turn: Turn) -> str:
        """The order and the new day."""
        order, day = own_order(turn), date.fromisoformat(turn.get("delivery_day"))
        what = f"order {named(order)}" if order else "your order"
        return f"So {what} is to arrive on {long_date(day)}. Shall I change it?"


class ValidateDeliveryAddressForm(DeliveryForm):
    """Collects the order and the new address, with a one-time code."""

    form, title = ADDRESS_FORM, "changing your delivery address"
    needs = assurance.Level.STEP_UP
    changing, other = ADDRESS, DAY_FORM
    fields = FIELDS

    def required(self, turn: Turn) -> list[str]:
        """Without the day."""
        return [slot for slot in super().required(turn) if slot not in ("delivery_change", "delivery_day")]

    def check_change(self, turn: Turn, order: Order) -> None:
        """Drop an address that cannot be one."""
        street, town, code = (turn.get(slot) for slot in PLACE)
        if not (street and town and code):
            return
        try:
            contacts.address(Address.of(f"{street}, {town}", code))
        except Invalid as error:
            turn.say(f"Sorry, I can't take that. {error}")
            turn.set(**dict.fromkeys(["delivery_postcode"] if error.field == "postcode" else PLACE), confirmed=None)

    def read_back(self, turn: Turn) -> str:
        """The order and the new address."""
        order = own_order(turn)
        what = f"order {named(order)}" if order else "your order"
        return f"So {what} is to go to {_address(turn)}. Shall I change it?"


def _address(turn: Turn) -> str:
    return ", ".join(str(turn.get(slot)) for slot in PLACE)


def not_changeable(turn: Turn, order: Order) -> None:
    """Say why the delivery cannot be changed, and what the customer can do instead."""
    if order.status == "dispatched":
        number = f" ({order.tracking_number})" if order.tracking_number else ""
        turn.say(
            f"Order {named(order)} is on its way already, so I can't change its delivery any more. The courier's "
            f"tracking link{number} offers another day, a neighbour or a pick-up point."
        )
    elif order.status == "delivered":
        turn.say(f"Order {named(order)} has been delivered already, so there's no delivery left to change.")
    else:
        turn.say(f"Order {named(order)} is cancelled, so there's no delivery to change.")


class DeliveryTask(Task):
    """What both tasks do when the backend refuses."""

    system = SYSTEM
    failure_text = FAILURE

    def change(self, turn: Turn) -> str:
        """Change the delivery; returns the sentence for the customer."""
        raise NotImplementedError

    def perform(self, turn: Turn) -> None:
        """Change it once."""
        try:
            turn.say(self.change(turn))
        except NotAllowed:
            self._again(turn, CHECK_AGAIN)
        except TooLate:
            if order := own_order(turn):
                not_changeable(turn, order)
        except NotFound:
            turn.say(UNKNOWN)
        except LimitExceeded:
            turn.offer_person(PHONE_ONLY, "policy")
        except Invalid as error:
            slots = {"day": ["delivery_day"], "postcode": ["delivery_postcode"]}.get(error.field, list(PLACE))
            self._again(turn, f"Sorry, I can't take that. {error}", *slots)

    @staticmethod
    def _again(turn: Turn, text: str, *slots: str) -> None:
        turn.say(text)
        turn.set(confirmed=None, **dict.fromkeys(slots))
        turn.again()


class ActionChangeDeliveryDay(DeliveryTask):
    """Moves the delivery to the day that the customer has confirmed."""

    form, action, result = DAY_FORM, "action_change_delivery_day", "New delivery day"

    def change(self, turn: Turn) -> str:
        """Change the day."""
        number, day = turn.get("order_number"), date.fromisoformat(turn.get("delivery_day"))
        order = backends.orders().change_date(turn.caller, number, day, turn.request(number, day))
        return f"That's done. Order {named(order)} will arrive on {long_date(day)}."


class ActionChangeDeliveryAddress(DeliveryTask):
    """Sends the order to the address that the customer has confirmed."""

    form, action, result = ADDRESS_FORM, "action_change_delivery_address", "New delivery address"

    def change(self, turn: Turn) -> str:
        """Change the address."""
        number, (street, town, code) = turn.get("order_number"), (turn.get(slot) for slot in PLACE)
        request = turn.request(number, street, town, code)
        order = backends.orders().change_address(turn.caller, number, f"{street}, {town}", code, request)
        return f"That's done. Order {named(order)} will go to {order.deliver_to}."
