"""The skill `billing`: a payment that the customer tells of."""

import re

from . import amounts, backends, clock, dates
from .backends import Invalid, NotAllowed, PaymentMethod
from .billing import NOT_VERIFIED, SYSTEM
from .fields import Field
from .forms import CONFIRMED
from .speech import long_date, money
from .tasks import Task
from .turns import Turn
from .verification import VerifiedForm

AMOUNT, DAY, METHOD = "payment_amount", "payment_day", "payment_method"
FULL = "full"

METHODS: dict[PaymentMethod, tuple[str, str]] = {  # the button, and the words that mean it
    "bank_transfer": (
        "Bank transfer",
        r"(?:bank|faster|online|mobile) (?:transfer|payment|banking)|bank app|transfer(?:red)?|bacs|standing order|"
        r"from my (?:bank|account)",
    ),
    "card": ("Card", r"(?:debit|credit|bank)? ?card|visa|master ?card|amex|apple pay|google pay"),
    "direct_debit": ("Direct Debit", r"direct[\s-]?debit|dd"),
    "cheque": ("Cheque", r"cheque|check in the post"),
    "other": ("Another way", r"cash|pay ?point|post office|in a shop|postal order|paypal"),
}
_ORDER: tuple[PaymentMethod, ...] = ("direct_debit", "cheque", "card", "bank_transfer", "other")


def method_in(text: str) -> PaymentMethod | None:
    """The way to pay that `text` names."""
    found = (m for m in _ORDER if re.search(rf"\b(?:{METHODS[m][1]})\b", text, re.IGNORECASE))
    return next(found, None)


def _answered_method(turn: Turn) -> PaymentMethod | None:
    """The reply to "how did you pay?", which may be that it was in none of these ways."""
    return method_in(turn.text) or ("other" if re.search(r"\b(?:an)?other\b", turn.text, re.IGNORECASE) else None)


def _amount(turn: Turn, bare: bool = False) -> int | str | None:
    found = amounts.pence(turn.text, bare=bare)
    return FULL if found is None and amounts.everything(turn.text) else found


def _day(turn: Turn) -> str | None:
    found = dates.past(turn.text, clock.today())
    return found.isoformat() if found else None


def in_words(iso: str) -> str:
    """A day kept as text, for example `Friday 20 November 2026`."""
    return long_date(dates.date.fromisoformat(iso))


class ValidatePaymentForm(VerifiedForm):
    """Collects how much was paid, when and how."""

    form = "payment_form"
    title = "the payment that you've made"
    confirm = True
    fields = {
        AMOUNT: Field(
            answer=lambda turn: _amount(turn, bare=True),
            mention=_amount,
            complaint=lambda turn: "Sorry, I didn't catch the amount. Write it like £42.50.",
            label="the amount",
            names="amount|sum|how much",
            show=lambda said: "the full amount" if said == FULL else money(int(said)),
        ),
        DAY: Field(
            answer=_day,
            mention=_day,
            complaint=lambda turn: "Sorry, I didn't catch the day. It can be today, yesterday, Friday or 3 November.",
            label="the day",
            names="day|date|when",
            show=in_words,
        ),
        METHOD: Field(
            answer=_answered_method,
            mention=lambda turn: method_in(turn.text),
            complaint=lambda turn: "Sorry, I didn't catch how you paid.",
            label="how you paid",
            names="how|method|way",
            show=lambda method: METHODS[method][0].lower() if method != "direct_debit" else METHODS[method][0],
            skipped="other",
        ),
    }
    wants = {"report_payment": "to tell of a payment"}
    system = SYSTEM

    def check_values(self, turn: Turn) -> None:
        """Turn "the full amount" into what is owed; a day to come is asked for again."""
        if turn.get(AMOUNT) == FULL:
            owed = backends.billing().balance(turn.caller).pence
            if owed <= 0:
                turn.say("Your balance is £0.00 already, so I need to know how much it was.")
            turn.set(**{AMOUNT: owed if owed > 0 else None})
        day = turn.get(DAY)
        if day and dates.date.fromisoformat(day) > clock.today():
            turn.say(f"{in_words(day)} is still to come, and I can only note a payment that you've made.")
            turn.set(**{DAY: None, CONFIRMED: None})

    def read_back(self, turn: Turn) -> str:
        """Amount, way and day in a sentence."""
        how = {"other": "", "card": " by card", "cheque": " by cheque"}.get(
            turn.get(METHOD), f" by {self.fields[METHOD].show(turn.get(METHOD))}"
        )
        return f"So you paid {money(turn.get(AMOUNT))}{how} on {in_words(turn.get(DAY))}. Is that right?"


class ActionReportPayment(Task):
    """Notes the payment for the billing team."""

    form, action, result = "payment_form", "action_report_payment", "Reported payment"
    system = SYSTEM

    def perform(self, turn: Turn) -> None:
        """Report the payment, and say how long this way to pay takes to show; ask again for what cannot be taken."""
        pence, day, method = int(turn.get(AMOUNT)), turn.get(DAY), turn.get(METHOD)
        request = turn.request(pence, day, method)
        try:
            paid_on = dates.date.fromisoformat(day)
            payment = backends.billing().report_payment(turn.caller, pence, paid_on, method, request)
        except NotAllowed:
            turn.say(NOT_VERIFIED)
            return
        except Invalid as refused:
            _ask_again(turn, refused.field)
            return
        turn.say(f"Thank you, I've noted your payment of {money(payment.pence)}: the reference is {payment.reference}.")
        turn.respond(f"utter_payment_shows_{payment.method}")


def _ask_again(turn: Turn, field: str) -> None:
    """Ask for the amount again; a payment of long ago is a person's to look up."""
    if field == "pence":
        turn.say(f"{money(turn.get(AMOUNT))} is more than I can note here. Let's look at the amount again.")
        turn.set(**{AMOUNT: None, CONFIRMED: None})
        turn.again()
        return
    turn.offer_person(
        f"A payment made on {in_words(turn.get(DAY))} is too long ago for me to look up. Shall I get a person who can?",
        "customer_asked",
    )
