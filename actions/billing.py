"""The skill `billing`: what a customer owes, and what an invoice is made of."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from . import assurance, backends, clock, invoices, parsing
from .backends import Balance, NotAllowed, NotFound
from .copilot.transcript import current_session
from .fields import Field
from .invoices import CHOOSE, LATEST, OLDER
from .speech import Events, long_date, money
from .tasks import Task
from .turns import Phase, Turn, button_payloads, text_of
from .verification import VerifiedForm

SYSTEM = "our billing system"
NO_INVOICES = "There's no bill on your account yet: the first one comes within a month of your service starting."
NOT_VERIFIED = "I need to check who you are before I can talk about your bills. Please ask me for it again."
OFFERED = 3
RECENT = 3  # customer's messages: so long "that's wrong" is said of the bill that was explained


class ValidateBalanceForm(VerifiedForm):
    """Verifies the customer; nothing else is needed for a balance."""

    form = "balance_form"
    title = "your balance"
    fields = {}
    wants = {"balance": "to know the balance of the account"}
    system = SYSTEM


def describe(balance: Balance) -> str:
    """What the customer hears about the balance."""
    if balance.pence < 0:
        credit = money(-balance.pence)
        return f"You have nothing to pay. Your account is {credit} in credit, which comes off your next bill."
    if balance.pence == 0 or balance.due_on is None:
        return "You have nothing to pay at the moment: your balance is £0.00."
    amount, day = money(balance.pence), long_date(balance.due_on)
    if balance.due_on < clock.today():
        return f"Your balance is {amount}. It was due on {day}, so it's overdue."
    return f"Your balance is {amount}. It's due on {day}."


class ActionBalance(Task):
    """Says what the verified customer owes."""

    form, action, result = "balance_form", "action_balance", "Balance"
    system = SYSTEM

    def perform(self, turn: Turn) -> None:
        """Say the balance."""
        try:
            turn.say(describe(backends.billing().balance(turn.caller)))
        except NotAllowed:
            turn.say("I need to check who you are before I can tell you your balance. Please ask me for it again.")


def explained(tracker: Tracker) -> str | None:
    """The number of the bill that was explained within the last few messages of this session."""
    events = current_session(tracker.events)
    asked = [i for i, event in enumerate(events) if event.get("event") == "user"]
    recent = events[asked[-RECENT] if len(asked) >= RECENT else 0 :]
    numbers = [e.get("value") for e in recent if e.get("event") == "slot" and e.get("name") == "last_invoice"]
    return next((str(number) for number in reversed(numbers) if number), None)


def last_offered(tracker: Tracker) -> list[str]:
    """The labels of the bills that were offered last in this session, also when another question has come since."""
    for event in reversed(current_session(tracker.events)):
        labels = [p for p in button_payloads(event) if invoices.is_label(p)] if event.get("event") == "bot" else []
        if labels:
            return labels
    return []


def _chosen(turn: Turn) -> str | None:
    """The answer to "which bill?": a position among those on offer, or what else names one."""
    said = invoices.named(turn.text, clock.today(), asked=True)
    if said == CHOOSE:
        turn.understood = True  # the question shows others
        return None
    labels = last_offered(turn.tracker)
    position = parsing.choice(turn.text, len(labels)) if said is None else None
    return said if position is None else invoices.named(labels[position], clock.today())


BILL = Field(
    answer=_chosen,
    mention=lambda turn: invoices.named(turn.text, clock.today()),
    complaint=lambda turn: "Sorry, I didn't catch which bill you mean. You can name its month, such as October.",
    label="the bill",
    names="bill|invoice|month|statement",
    show=invoices.shown,
)


def settle(turn: Turn, slot: str, default: str | None) -> bool:
    """Make the slot's value the number of one of the caller's bills, or empty it; whether it is settled now."""
    said = turn.get(slot) or default
    if said is None:
        return False
    try:
        found = invoices.find(turn.caller, said, explained(turn.tracker))
    except invoices.NoSuchInvoice as missing:
        turn.say(str(missing))
        found = None
    turn.set(**{slot: found.number if found else None})
    return found is not None


def _follows_up(turn: Turn) -> bool:
    return turn.phase is Phase.ACTIVATION and turn.intent == "inform"


class ValidateBillForm(VerifiedForm):
    """Verifies the customer and finds the bill: the latest one, unless another is named or chosen."""

    form = "bill_form"
    title = "explaining your bill"
    fields = {"bill": BILL}
    wants = {"explain_bill": "to have a bill explained"}
    system = SYSTEM

    def read(self, turn: Turn) -> dict[str, Any]:
        """As every form; "explain INV-…" names a bill although it sounds like the question why we ask."""
        values = super().read(turn)
        if turn.intent == "explain" or _follows_up(turn):
            said = invoices.named(turn.text, clock.today(), asked=True)
            values |= {"bill": said} if said else {}
        return values

    def check(self, turn: Turn) -> None:
        """After an explanation "and the one before?" asks for another one; anything else that is told asks for none."""
        if _follows_up(turn) and not (turn.get("bill") and explained(turn.tracker)):
            turn.respond("utter_inform")
            turn.finish()
            return
        super().check(turn)

    def check_values(self, turn: Turn) -> None:
        """Find the bill; none at all ends the form."""
        settled = settle(turn, "bill", None if turn.requested == "bill" else LATEST)
        if not settled and not backends.billing().invoices(turn.caller):
            turn.finish(NO_INVOICES)


class AskWhichBill(Action):
    """Offers the latest bills as buttons, and the older ones on demand."""

    system = SYSTEM

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Ask with three bills at a time; without any the form ends."""
        labels = [invoices.label(i) for i in backends.billing().invoices(assurance.current(tracker.sender_id))]
        if not labels:
            dispatcher.utter_message(text=NO_INVOICES)
            return [SlotSet("ended", "early"), SlotSet(REQUESTED_SLOT, None)]
        begin = 0
        before = [label for label in last_offered(tracker) if label in labels]
        if before and invoices.named(text_of(tracker), clock.today(), asked=True) == CHOOSE:
            begin = labels.index(before[-1]) + 1
        shown = labels[begin : begin + OFFERED] or labels[:OFFERED]
        more = [OLDER] if shown[-1] != labels[-1] else []
        buttons = [{"title": text, "payload": text} for text in [*shown, *more]]
        dispatcher.utter_message(text="Which bill do you mean?", buttons=buttons)
        return []


class ActionAskBill(AskWhichBill):
    """Asks which bill is to be explained."""

    def name(self) -> str:
        """The action's name."""
        return "action_ask_bill"


class ActionAskDisputedBill(AskWhichBill):
    """Asks which bill the disputed charge is on."""

    def name(self) -> str:
        """The action's name."""
        return "action_ask_disputed_bill"


class ActionExplainBill(Task):
    """Explains a bill line by line and against the one before."""

    form, action, result = "bill_form", "action_explain_bill", "Bill"
    system = SYSTEM

    def perform(self, turn: Turn) -> None:
        """Say total, due date and lines, then what has changed; a first bill is compared with nothing."""
        try:
            bill = backends.billing().invoice(turn.caller, turn.get("bill") or "")
            mine = backends.billing().invoices(turn.caller)
        except (NotAllowed, NotFound):
            turn.say(NOT_VERIFIED)
            return
        older = [invoice for invoice in mine if invoice.issued_on < bill.issued_on]
        turn.say(invoices.describe(bill, clock.today()))
        if older:
            turn.say(invoices.changes(bill, older[0]))
        turn.set(last_invoice=bill.number)
