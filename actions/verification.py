"""The base of a form for a verified customer: it asks for proof only as far as the task needs more of it.

Account number and postcode give the level verified; a one-time code on top of that gives step-up (`actions.step_up`).
None of these stays in a slot after it was checked. Nothing that is said tells which of the two facts was wrong, or
whether there is such an account.
"""

from typing import Any, ClassVar

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from . import assurance, step_up
from .fields import ACCOUNT_NUMBER, POSTCODE, Field
from .forms import CHANGE, CONFIRMED, Form
from .speech import Events
from .step_up import CODE, DELIVERY, SECOND_FACTOR
from .turns import Turn

LOCKED_TEXT = (
    "For your security I can't check any more details in this conversation for the next 15 minutes. "
    "Would you like me to get a person for you?"
)
MISMATCH_ACCOUNT = "Sorry, those details don't match our records. Please check both and let's try once more."
AGAIN = "It's been a while, so for your security I need to check again that it's you."
OTHER_ACCOUNT = "That's another account than the one we've been talking about, so I need to check that it's yours."
PROOF = {"account_number": ACCOUNT_NUMBER, "postcode": POSTCODE}


class VerifiedForm(Form):
    """A form whose task needs a level; `needs` says which. The proof's fields come before the form's own.

    A subclass overrides `check_values` instead of `check`: it runs once the caller has the level. The slots in
    `before_proof` are asked for first.
    """

    needs: ClassVar[assurance.Level] = assurance.Level.VERIFIED
    before_proof: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Put the proof before the form's own fields."""
        if "form" in cls.__dict__:
            own = {s: f for s, f in cls.fields.items() if s not in PROOF | SECOND_FACTOR}
            second = SECOND_FACTOR if cls.needs >= assurance.Level.STEP_UP else {}
            cls.fields = {**PROOF, **second, **own}
            resend = {slot: frozenset({"resend_code"}) for slot in second}
            cls.answered_by = resend | dict(cls.answered_by)
        super().__init_subclass__(**kwargs)

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """As every form; a code is never kept."""
        return _without_code(await super().run(dispatcher, tracker, domain))

    def recover(self, tracker: Tracker, domain: Any) -> Events:
        """As every form; a code is never kept."""
        return _without_code(super().recover(tracker, domain))

    def own(self) -> list[str]:
        """The form's slots beside the proof."""
        return [slot for slot in self.fields if slot not in PROOF | SECOND_FACTOR]

    def slots(self) -> list[str]:
        """All slots of the form, with what is known about the code that was sent."""
        return [*super().slots(), *([DELIVERY] if self.needs >= assurance.Level.STEP_UP else [])]

    def required(self, turn: Turn) -> list[str]:
        """Only the proof that is still missing, then the form's own slots."""
        level = turn.caller.level
        missing = PROOF if level < assurance.Level.VERIFIED else SECOND_FACTOR
        proof = () if level >= self.needs else missing
        return [*self.before_proof, *proof, *(slot for slot in self.own() if slot not in self.before_proof)]

    def read(self, turn: Turn) -> dict[str, Any]:
        """As every form; asking for a new code is an answer too."""
        values = super().read(turn)
        if turn.answering and step_up.wanted_anew(turn):
            turn.understood = True
        return values

    def check_values(self, turn: Turn) -> None:
        """Check the form's own values for a caller who has the level."""

    def check(self, turn: Turn) -> None:
        """Raise the level with what was given, then check the values."""
        self._drop_what_has_run_out(turn)
        if turn.caller.level < assurance.Level.VERIFIED:
            self._verify(turn)
        if not turn.left and assurance.Level.VERIFIED <= turn.caller.level < self.needs:
            step_up.prove(turn)
        if turn.caller.level >= self.needs and not turn.left:
            proof = [slot for slot in self.slots() if slot in (*PROOF, *SECOND_FACTOR, DELIVERY)]
            turn.set(**{slot: None for slot in proof if turn.get(slot) is not None})
            self.check_values(turn)

    def changeable(self, turn: Turn) -> dict[str, Field]:
        """The form's own values, and the proof while it is incomplete."""
        proven = turn.caller.level >= self.needs
        return {s: f for s, f in super().changeable(turn).items() if not (proven and s in PROOF)}

    def _drop_what_has_run_out(self, turn: Turn) -> None:
        """Begin the proof again when the level has run out meanwhile, or for another account.

        A yes that came with it is dropped too: who proves it now must hear what will be done.
        """
        named = turn.changes.get("account_number")
        if named and turn.caller.account_number not in (None, named):
            assurance.forget(turn.tracker.sender_id)
            turn.caller = assurance.current(turn.tracker.sender_id)
            turn.say(OTHER_ACCOUNT)
        elif turn.caller.level < self.needs and turn.requested in self._asked_after_proof():
            turn.say(AGAIN)
        else:
            return
        anew = [CONFIRMED, CHANGE, *(slot for slot in (*SECOND_FACTOR, DELIVERY) if turn.get(slot) is not None)]
        turn.set(**dict.fromkeys(anew))

    def _asked_after_proof(self) -> list[str]:
        return [CONFIRMED, CHANGE, *(slot for slot in self.own() if slot not in self.before_proof)]

    def _verify(self, turn: Turn) -> None:
        if assurance.locked(turn.tracker.sender_id):
            turn.leave(LOCKED_TEXT, "verification_failed")
            return
        account_number, postcode = turn.get("account_number"), turn.get("postcode")
        if not (account_number and postcode):
            return
        turn.set(account_number=None, postcode=None)
        try:
            turn.caller = assurance.verify_account(turn.tracker.sender_id, account_number, postcode)
        except assurance.Mismatch:
            turn.say(MISMATCH_ACCOUNT)
        except assurance.Locked:
            turn.leave(LOCKED_TEXT, "verification_failed")


def _without_code(events: Events) -> Events:
    kept = [e for e in events if not (e.get("event") == "slot" and e.get("name") == CODE)]
    return kept if len(kept) == len(events) else [SlotSet(CODE, None), *kept]
