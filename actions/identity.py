"""The skill `identity`: a customer who wants to show who they are before anything else.

The levels are kept by `actions.assurance`; what every form asks for as proof is in `actions.verification`.
"""

from . import pauses
from .tasks import Task
from .turns import Phase, Turn
from .verification import VerifiedForm

ALREADY = "I've checked already that it's you, so there's nothing more to do."
DONE = "Thank you, that's you checked."
WHAT_NEXT = "What can I do for you?"


def _with_question(turn: Turn, text: str) -> str:
    """The text and what comes next; a task that waits has a question of its own."""
    return text if pauses.waiting(turn.tracker) else f"{text} {WHAT_NEXT}"


class ValidateVerifyForm(VerifiedForm):
    """Asks for the proof and nothing else."""

    form = "verify_form"
    title = "checking that it's you"
    fields = {}
    wants = {"verify_me": "to show who they are"}

    def check(self, turn: Turn) -> None:
        """Say so when the proof was given before."""
        if turn.phase is Phase.ACTIVATION and turn.caller.level >= self.needs and not turn.get("account_number"):
            turn.finish(_with_question(turn, ALREADY))
        else:
            super().check(turn)


class ActionVerifyMe(Task):
    """Says that the customer is verified."""

    form, action, result = "verify_form", "action_verify_me", "Verification"

    def perform(self, turn: Turn) -> None:
        """Say so."""
        turn.say(_with_question(turn, DONE))
