"""The skill `billing`: what a customer owes."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from . import backends, clock, identity
from .backends import Balance, NotAllowed
from .forms import ACCOUNT_NUMBER, POSTCODE, VerifiedForm
from .speech import Events, long_date, money
from .turns import person_offered_now

SYSTEM = "our billing system"


class ValidateBalanceForm(VerifiedForm):
    """Verifies the customer; nothing else is needed for a balance."""

    form = "balance_form"
    fields = {"account_number": ACCOUNT_NUMBER, "postcode": POSTCODE}
    own_intents = frozenset({"balance"})
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


class ActionBalance(Action):
    """Says what the verified customer owes."""

    system = SYSTEM

    def name(self) -> str:
        """The action's name."""
        return "action_balance"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Say the balance; silent when the form was left early."""
        if person_offered_now(tracker):
            return []
        try:
            text = describe(backends.billing().balance(identity.current(tracker.sender_id)))
        except NotAllowed:
            text = "I need to check who you are before I can tell you your balance. Please ask me for it again."
        dispatcher.utter_message(text=text)
        return [
            SlotSet("account_number", None),
            SlotSet("postcode", None),
            SlotSet("tries", 0),
            SlotSet("offer", None),
        ]
