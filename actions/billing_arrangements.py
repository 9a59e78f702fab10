"""The skill `billing`: a payment plan, which pays a balance in monthly parts within the limits of the business."""

import re
from datetime import date, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from . import amounts, assurance, backends, clock, dates
from .backends import Arrangement, ArrangementLimits, LimitExceeded, NotAllowed
from .billing import NOT_VERIFIED, SYSTEM
from .fields import Field
from .forms import CHANGE, CONFIRMED
from .parsing import MAX_TEXT
from .speech import Events, long_date, money, short_date
from .tasks import Task
from .turns import Phase, Turn
from .verification import VerifiedForm

COUNT, FIRST_DAY = "instalments", "first_payment_day"
MOST = "most"  # as many parts as there can be

_PARTS = re.compile(
    r"(?<![\w£.,/-])(\d{1,2})\s?(?:equal |monthly |separate |smaller )*"
    r"(?:months?|payments?|instal\w+|parts?|goes|chunks?)\b|"
    r"\b(?:split|spread|divide|pay)\b.{0,30}\b(?:in|into|over) (\d{1,2})\b(?! ?(?:days?|weeks?|pounds?|quid))",
    re.IGNORECASE,
)
_WEEKLY = re.compile(r"\b(?:week|weekly|fortnight|fortnightly)\b", re.IGNORECASE)
_HALVES = re.compile(r"\bhalf\b.*\b(?:half|rest)\b|\bin half\b|\bin two\b", re.IGNORECASE)
_MOST = re.compile(
    r"\b(?:as (?:many|long) as (?:possible|i can|you can)|the (?:most|longest|maximum|lowest|smallest)|max(?:imum)?)\b",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"\b(?:on|from|start\w*|begin\w*|first|pay ?day|paid|now|today|tomorrow|until|till|wait)\b", re.IGNORECASE
)


def split(pence: int, first_on: date, count: int) -> tuple[tuple[date, int], ...]:
    """The parts of an arrangement as it is read back: equal to the penny, the first ones carry what is over."""
    each, over = divmod(pence, count)
    return tuple((first_on + relativedelta(months=n), each + (n < over)) for n in range(count))


def _parts(turn: Turn) -> int | str | None:
    """A number of parts ("over three months"), an amount a month as text ("£20.00"), or `MOST`."""
    found = _mentioned_parts(turn)
    if found is not None or _WEEKLY.search(turn.text[:MAX_TEXT]):
        return found
    pence = amounts.pence(turn.text)
    return money(pence) if pence else amounts.count(turn.text)


def _mentioned_parts(turn: Turn) -> int | str | None:
    """The same in any message, where an amount counts only when it is what can be paid a month."""
    text = amounts.in_digits(turn.text)
    if found := _PARTS.search(text):
        return int(found[1] or found[2])
    if _HALVES.search(text):
        return 2
    if _MOST.search(text):
        return MOST
    pence = amounts.monthly(text)
    return money(pence) if pence else None


def _mentioned_day(turn: Turn) -> str | None:
    """A day to come beside another answer, in a message that speaks of paying or starting then."""
    changing = turn.requested in (CONFIRMED, CHANGE)
    if not changing and turn.phase is not Phase.ACTIVATION and turn.requested != COUNT:
        return None
    speaks_of_it = changing or _FROM.search(turn.text[:MAX_TEXT])
    found = dates.names_coming(turn.text, clock.today()) if speaks_of_it else None
    return found.isoformat() if found else None


def _day(turn: Turn) -> str | None:
    found = dates.coming(turn.text, clock.today())
    return found.isoformat() if found else None


def shown_parts(said: int | str) -> str:
    """A wish for parts, for the customer."""
    if isinstance(said, str):
        return "as many payments as possible" if said == MOST else f"{said} a month"
    return f"{int(said)} payments"


class ValidateArrangementForm(VerifiedForm):
    """Collects into how many parts the balance is split and when the first one is paid."""

    form = "arrangement_form"
    title = "your payment plan"
    confirm = True
    fields = {
        COUNT: Field(
            answer=_parts,
            mention=_mentioned_parts,
            complaint=lambda turn: "Sorry, I didn't catch that. Say a number of payments, or what you can pay a month.",
            label="the number of payments",
            names="number|payments|months|instal\\w+|amount|how many",
            show=shown_parts,
        ),
        FIRST_DAY: Field(
            answer=_day,
            mention=_mentioned_day,
            complaint=lambda turn: "Sorry, I didn't catch the day. It can be tomorrow, next Friday or 3 December.",
            label="the first day",
            names="day|date|start",
            show=lambda iso: long_date(date.fromisoformat(iso)),
        ),
    }
    wants = {"arrange_payment": "to pay the balance in parts"}
    system = SYSTEM

    def check_values(self, turn: Turn) -> None:
        """End the form when no plan can be had; else keep both values within the limits."""
        limits = backends.billing().arrangement_limits(turn.caller)
        if not limits.options:
            refuse(turn, limits.refusal or "", limits.balance_pence)
            return
        if turn.get(COUNT) is not None:
            self._count(turn, limits)
        if turn.get(FIRST_DAY):
            _check_day(turn, limits)

    @staticmethod
    def _count(turn: Turn, limits: ArrangementLimits) -> None:
        """Make the wish a number of parts that is allowed, or say what is."""
        said, most, least = turn.get(COUNT), max(limits.options), min(limits.options)
        if said == MOST:
            count = most
        elif isinstance(said, str):
            pence = amounts.pence(said) or 1
            count = -(-limits.balance_pence // pence)  # the smallest number of parts, none above the amount
        else:
            count = int(said)
        if count in limits.options:
            if isinstance(said, str):
                turn.say(f"That comes to {count} payments of about {money(-(-limits.balance_pence // count))}.")
            turn.set(**{COUNT: count})
            return
        if count > most:
            each = money(-(-limits.balance_pence // most))
            wish = f"{said} a month would take {count} payments" if isinstance(said, str) else f"{count} is too many"
            turn.say(f"Sorry, {wish}. The most I can do is {most}, which is about {each} a month.")
        else:
            turn.say(f"A plan has at least {least} payments. You can also pay it all at once, without a plan.")
        turn.set(**{COUNT: None, CONFIRMED: None})

    def read_back(self, turn: Turn) -> str:
        """Every date with its amount."""
        balance = backends.billing().arrangement_limits(turn.caller).balance_pence
        first_on = date.fromisoformat(turn.get(FIRST_DAY))
        parts = split(balance, first_on, int(turn.get(COUNT)))
        return f"Here's the plan for your {money(balance)}:\n{listed(parts)}\nShall I set it up?"


def listed(parts: tuple[tuple[date, int], ...]) -> str:
    """The dates and amounts of a plan, a line each."""
    return "\n".join(f"• {long_date(day)}: {money(pence)}" for day, pence in parts)


def _check_day(turn: Turn, limits: ArrangementLimits) -> None:
    if not limits.first_from <= date.fromisoformat(turn.get(FIRST_DAY)) <= limits.first_until:
        turn.say(_within(limits))
        turn.set(**{FIRST_DAY: None, CONFIRMED: None})


def _within(limits: ArrangementLimits) -> str:
    start = "today" if limits.first_from == clock.today() else short_date(limits.first_from)
    return f"Sorry, the first payment has to be between {start} and {short_date(limits.first_until)}."


def refuse(turn: Turn, limit: str, balance_pence: int) -> None:
    """End the form with the reason why there can be no plan, and what the customer can do instead."""
    if balance_pence <= 0:
        turn.finish("You have nothing to pay at the moment, so there's nothing to split up.")
    elif limit == "one_at_a_time":
        turn.leave(_running(backends.billing().arrangement(turn.caller)), "customer_asked")
    elif limit == "max_balance":
        turn.leave(
            f"You owe {money(balance_pence)}, which is more than I can split up here. One of my colleagues can look at "
            "it with you. Would you like me to get a person?",
            "customer_asked",
        )
    else:
        turn.leave(
            f"You owe {money(balance_pence)}, which is too little for a payment plan. If paying it is difficult, one "
            "of my colleagues can help. Would you like me to get a person?",
            "customer_asked",
        )


def _running(plan: Arrangement | None) -> str:
    to_come = [part for part in plan.instalments if part[0] >= clock.today()] if plan else []
    told = f" Your next payment is {money(to_come[0][1])} on {long_date(to_come[0][0])}." if to_come else ""
    name = f", {plan.reference}," if plan else ""
    return (
        f"You have a payment plan{name} already, and there can only be one at a time.{told} "
        "Would you like a person to look at it with you?"
    )


class ActionAskInstalments(Action):
    """Offers the numbers of parts that are allowed, each with its amount."""

    system = SYSTEM

    def name(self) -> str:
        """The action's name."""
        return "action_ask_instalments"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Ask with a button for each number."""
        limits = backends.billing().arrangement_limits(assurance.current(tracker.sender_id))
        buttons = []
        for n in limits.options:
            title = f"{n} payments of {money(-(-limits.balance_pence // n))}"
            buttons.append({"title": title, "payload": f"{n} payments"})
        owed = money(limits.balance_pence)
        text = f"You owe {owed}. How many monthly payments would you like? You can also say what you can pay a month."
        dispatcher.utter_message(text=text, buttons=buttons)
        return []


class ActionAskFirstPaymentDay(Action):
    """Asks for the day of the first part, with the days between which it has to be."""

    system = SYSTEM

    def name(self) -> str:
        """The action's name."""
        return "action_ask_first_payment_day"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Ask with three days as buttons: the first, the last and one between."""
        limits = backends.billing().arrangement_limits(assurance.current(tracker.sender_id))
        first, last = limits.first_from, limits.first_until
        days = dict.fromkeys([first, first + timedelta(days=(last - first).days // 2), last])
        buttons = [{"title": short_date(day), "payload": short_date(day)} for day in days]
        text = f"When would you like to make the first payment? Any day until {short_date(last)} is fine."
        dispatcher.utter_message(text=text, buttons=buttons)
        return []


class ActionArrangePayment(Task):
    """Sets the payment plan up."""

    form, action, result = "arrangement_form", "action_arrange_payment", "Payment plan"
    system = SYSTEM

    def perform(self, turn: Turn) -> None:
        """Make the arrangement and say its reference, dates and amounts; a limit that it breaks is said."""
        count, first_on = int(turn.get(COUNT)), date.fromisoformat(turn.get(FIRST_DAY))
        try:
            plan = backends.billing().arrange(turn.caller, count, first_on, turn.request(count, first_on))
        except NotAllowed:
            turn.say(NOT_VERIFIED)
            return
        except LimitExceeded as broken:
            self._broken(turn, broken.limit)
            return
        turn.say(f"That's set up. Your payment plan is {plan.reference}:\n{listed(plan.instalments)}")
        turn.respond("utter_arrangement_next")

    @staticmethod
    def _broken(turn: Turn, limit: str) -> None:
        """The limits have changed since the read-back: say so, and ask again for the part that no longer fits."""
        limits = backends.billing().arrangement_limits(turn.caller)
        if not limits.options:
            refuse(turn, limits.refusal or limit, limits.balance_pence)
            return
        if limit in ("first_in_past", "first_within_days"):
            turn.say(_within(limits))
            turn.set(**{FIRST_DAY: None, CONFIRMED: None})
        else:
            turn.say("Sorry, I can't split it that way any more. Let's look at the number of payments again.")
            turn.set(**{COUNT: None, CONFIRMED: None})
        turn.again()
