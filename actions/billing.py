"""The skill `billing`: what a customer owes."""

from . import backends, clock
from .backends import Balance, NotAllowed
from .speech import long_date, money
from .tasks import Task
from .turns import Turn
from .verification import VerifiedForm

SYSTEM = "our billing system"


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
