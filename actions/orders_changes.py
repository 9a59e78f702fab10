"""The skill `orders`: cancelling an order before dispatch, and sending one back after the delivery.

What customers are told about refunds and returns is what the articles in knowledge/orders say.
"""

import re
from datetime import date, timedelta
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from . import backends, clock, parsing
from .backends import NotAllowed, NotFound, Order, Return, TooEarly, TooLate, rules
from .fields import Field
from .forms import CONFIRMED
from .orders_choice import (
    BEFORE_DISPATCH,
    CHECK_AGAIN,
    ORDER,
    SYSTEM,
    UNKNOWN,
    OwnOrderForm,
    named,
    own_order,
    refers_to_order,
    say,
)
from .speech import Events, long_date, money
from .tasks import Task
from .turns import Turn

FAULTY, DAMAGED, WRONG = "It's faulty", "It arrived damaged", "It's the wrong item"
REASONS = {
    "I've changed my mind": (
        r"chang(?:ed?|ing) my mind|don['’]?t (?:want|like|need)|no longer (?:want|need)|(?:isn['’]?t|not) right for me"
    ),
    FAULTY: r"fault(?:y|s)?|broken?|(?:doesn['’]?t|does not|not|stopped|never) work(?:ing|ed|s)?|defective",
    DAMAGED: r"damaged?|crack(?:ed)?|smashed|dented|scratched",
    WRONG: r"wrong|(?:not|isn['’]?t) what i ordered|different (?:item|phone|colour)",
}
NO_REASON = "No reason given"
_CANCEL_IT = re.compile(
    r"(?:(?:ok(?:ay)?|please)[\s,]+)*cancel (?:it|(?:(?:the|my|this) )?order)(?:[\s,]+(?:now|please|thanks))*[\s.!]*",
    re.IGNORECASE,
)


class ValidateCancelOrderForm(OwnOrderForm):
    """Finds one order that is not dispatched yet, and asks for the final yes."""

    form = "cancel_order_form"
    title = "cancelling your order"
    confirm = True
    fields = {"order_number": ORDER}
    wants = {"cancel_order": "to cancel an order"}
    preferred = (BEFORE_DISPATCH, ("dispatched",), ("delivered",), ("cancelled",))

    def claims(self, turn: Turn) -> bool:
        """Whether "cancel it" is about the order that was just spoken of."""
        return turn.intent in ("stop", "cancel_visit") and refers_to_order(turn, "cancel|stop")

    def read(self, turn: Turn) -> dict[str, Any]:
        """As every form; "cancel it" says yes to "Shall I cancel it?"."""
        if turn.requested == CONFIRMED and _CANCEL_IT.fullmatch(turn.text.strip()):
            turn.set(**{CONFIRMED: True})
            turn.understood = True
            return {}
        return super().read(turn)

    def check_order(self, turn: Turn, order: Order) -> None:
        """Say what can be done instead when it is too late."""
        if order.status not in BEFORE_DISPATCH:
            not_cancellable(turn, order)
            turn.finish()

    def read_back(self, turn: Turn) -> str:
        """The order and the refund."""
        order = own_order(turn)
        if order is None:
            return "Shall I cancel your order?"
        refund = f" You'd get {money(order.price_pence)} back." if order.price_pence else ""
        return f"That's order {named(order)}.{refund} Shall I cancel it?"


class ActionCancelOrder(Task):
    """Cancels the order that the customer has confirmed."""

    form, action, result = "cancel_order_form", "action_cancel_order", "Cancelled order"
    system = SYSTEM
    failure_text = (
        "Sorry, our order system didn't answer in time, so I can't promise that your order is cancelled. "
        "Asking again in a few minutes is safe. Would you like me to get a person for you?"
    )

    def perform(self, turn: Turn) -> None:
        """Cancel once."""
        number = turn.get("order_number")
        try:
            order = backends.orders().cancel(turn.caller, number, turn.request(number))
        except NotAllowed:
            turn.say(CHECK_AGAIN)
            turn.set(confirmed=None)
            turn.again()
        except TooLate:
            if late := own_order(turn):
                not_cancellable(turn, late)
        except NotFound:
            turn.say(UNKNOWN)
        else:
            back = f" Your {money(order.price_pence)} will be back with you within 5 working days."
            turn.say(f"That's done: order {named(order)} is cancelled.{back if order.price_pence else ''}")


def not_cancellable(turn: Turn, order: Order) -> None:
    """Say why the order cannot be cancelled, and what the customer can do instead."""
    until = return_until(order)
    if order.status == "cancelled":
        turn.say(f"Order {named(order)} is cancelled already, so nothing will be delivered.")
    elif order.status == "dispatched":
        text = (
            f"Order {named(order)} is on its way already, so I can't stop it any more. You can refuse the parcel at "
            f"the door, or take it and send it back free of charge within {_days()} days of the delivery."
        )
        say(turn, text, ("How do I return it?", "How do I return an order?"))
    elif until and clock.today() <= until:
        text = (
            f"Order {named(order)} has been delivered already, so I can't cancel it. "
            f"You can send it back, though: just tell me by {long_date(until)}."
        )
        say(turn, text, ("Return it", f"I want to return order {order.number}"))
    else:
        turn.say(f"Order {named(order)} has been delivered already, and the {_days()} days for a return are over.")


def return_until(order: Order) -> date | None:
    """The last day on which a return can be started; None before the delivery."""
    if order.status != "delivered" or order.delivered_on is None:
        return None
    return order.delivered_on + timedelta(days=_days())


def _days() -> int:
    return rules.deliveries().return_days


def _known_reason(text: str) -> str | None:
    return next((name for name, words in REASONS.items() if re.search(rf"\b(?:{words})\b", text, re.IGNORECASE)), None)


def _reason(turn: Turn) -> str | None:
    if turn.intent in ("affirm", "deny") and not turn.picked:
        return None
    exact = next((name for name in REASONS if name.casefold() == turn.text.strip().casefold()), None)
    return exact or parsing.free_text(turn.text)


def _mentioned_reason(turn: Turn) -> str | None:
    return None if turn.get("return_reason") or turn.requested else _known_reason(turn.text)


class ValidateReturnOrderForm(OwnOrderForm):
    """Finds a delivered order, asks for the reason, and asks for the final yes."""

    form = "return_order_form"
    title = "your return"
    confirm = True
    fields = {
        "order_number": ORDER,
        "return_reason": Field(
            answer=_reason,
            mention=_mentioned_reason,
            complaint=lambda turn: "Please tell me in a few words why you'd like to send it back.",
            label="the reason",
            names="reason",
            skipped=NO_REASON,
        ),
    }
    wants = {"return_order": "to send an order back"}
    answered_by = {"return_reason": frozenset({"report_problem", "complain", "cancel_order", "order_status"})}
    preferred = (("delivered",), ("dispatched",), BEFORE_DISPATCH, ("cancelled",))

    def check_order(self, turn: Turn, order: Order) -> None:
        """Leave the form when the order cannot be sent back, or is being sent back already."""
        started = next(
            (one for one in backends.orders().returns(turn.caller) if one.order_number == order.number), None
        )
        if started:
            turn.finish(_under_way(started))
            return
        until = return_until(order)
        if until is None or clock.today() > until:
            not_returnable(turn, order)
            turn.finish()

    def read_back(self, turn: Turn) -> str:
        """The order, the reason and the refund."""
        order, reason = own_order(turn), turn.get("return_reason")
        if order is None:
            return "Shall I start your return?"
        refund = f" You'd get {money(order.price_pence)} back." if order.price_pence else ""
        other = (
            " If you'd rather have a replacement, ask me for a person." if reason in (FAULTY, DAMAGED, WRONG) else ""
        )
        return f"You're sending back order {named(order)}. Reason: {reason}.{refund}{other} Shall I start the return?"


class ActionAskReturnReason(Action):
    """Asks why the order goes back."""

    def name(self) -> str:
        """The action's name."""
        return "action_ask_return_reason"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Offer the common reasons."""
        buttons = [{"title": reason, "payload": reason} for reason in REASONS]
        text = "Why would you like to send it back? Pick one, or tell me in your own words."
        dispatcher.utter_message(text=text, buttons=buttons)
        return []


def not_returnable(turn: Turn, order: Order) -> None:
    """Say why the order cannot be sent back, and what the customer can do instead."""
    until = return_until(order)
    if until:
        text = (
            f"Order {named(order)} could be sent back until {long_date(until)}, so I can't start a return any more. "
            "If something is wrong with it, a person can look into a repair or a replacement. Shall I get one for you?"
        )
        turn.offer_person(text, "policy")
    elif order.status in BEFORE_DISPATCH:
        text = f"Order {named(order)} hasn't been sent yet, so there's nothing to send back. I can cancel it instead."
        say(turn, text, ("Cancel it", f"Cancel order {order.number}"))
    elif order.status == "dispatched":
        turn.say(
            f"Order {named(order)} is still on its way. You can refuse the parcel at the door, or take it and ask me "
            f"again: from the delivery you have {_days()} days to start a return."
        )
    else:
        turn.say(f"Order {named(order)} was cancelled, so there's nothing to send back.")


def _under_way(made: Return) -> str:
    refund = f" We'll refund {money(made.refund_pence)} within 14 days of the day it reaches our warehouse."
    return (
        f"You've started the return of order {made.order_number} already. The reference is {made.reference}. "
        f"Please send it by {long_date(made.send_by)}.{refund if made.refund_pence else ''}"
    )


class ActionReturnOrder(Task):
    """Starts the return that the customer has confirmed."""

    form, action, result = "return_order_form", "action_return_order", "Return"
    system = SYSTEM
    failure_text = (
        "Sorry, our order system didn't answer in time, so I can't promise that your return is started. "
        "Asking again in a few minutes is safe: it won't be started twice. "
        "Would you like me to get a person for you?"
    )

    def perform(self, turn: Turn) -> None:
        """Start the return once."""
        number, reason = turn.get("order_number"), turn.get("return_reason")
        try:
            made = backends.orders().start_return(turn.caller, number, reason, turn.request(number, reason))
        except NotAllowed:
            turn.say(CHECK_AGAIN)
            turn.set(confirmed=None)
            turn.again()
        except (TooEarly, TooLate):
            if order := own_order(turn):
                not_returnable(turn, order)
        except NotFound:
            turn.say(UNKNOWN)
        else:
            refund = f" We'll refund {money(made.refund_pence)} within 14 days of the day it reaches our warehouse."
            turn.say(
                f"Your return is started, and the reference is {made.reference}. Please send the parcel by "
                f"{long_date(made.send_by)}: it's free with the prepaid label, which is in your online account under "
                f"Orders.{refund if made.refund_pence else ''}"
            )
