"""The base of a form for a verified customer: it asks for proof only as far as the task needs more of it.

Account number and postcode give the level verified; a one-time code on top of that gives step-up. Neither is kept
in a slot after it was checked.
"""

from typing import Any, ClassVar

from . import codes, identity, parsing
from .fields import ACCOUNT_NUMBER, POSTCODE, Field
from .forms import Form
from .turns import Phase, Turn

LOCKED_TEXT = (
    "For your security I can't check any more details in this conversation for the next 15 minutes. "
    "Would you like me to get a person for you?"
)
LOCKED_HANDOVER = "For your security I can't check any more codes for now, so a person has to help you with this."
MISMATCH_ACCOUNT = "Sorry, those details don't match our records. Please check both and let's try once more."


def _channel(turn: Turn) -> str | None:
    text = turn.text.casefold()
    words = {"email": ("mail",), "sms": ("text", "sms", "phone", "mobile")}
    found = [channel for channel, signs in words.items() if any(sign in text for sign in signs)]
    return found[0] if len(found) == 1 else None


CODE_CHANNEL = Field(
    answer=_channel,
    complaint=lambda turn: "Sorry, I can send the code by e-mail or by text. Which would you like?",
)
CODE = Field(
    answer=lambda turn: parsing.one_time_code(turn.text),
    complaint=lambda turn: "The code is the six digits that I've just sent you.",
)
PROOF = {"account_number": ACCOUNT_NUMBER, "postcode": POSTCODE}
SECOND_FACTOR = {"code_channel": CODE_CHANNEL, "code": CODE}


class VerifiedForm(Form):
    """A form whose task needs a level; `needs` says which. The proof's fields come before the form's own.

    A subclass overrides `check_values` instead of `check`: it runs once the caller has the level.
    """

    needs: ClassVar[identity.Level] = identity.Level.VERIFIED

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Put the proof before the form's own fields."""
        if "form" in cls.__dict__:
            own = {s: f for s, f in cls.fields.items() if s not in PROOF | SECOND_FACTOR}
            second = SECOND_FACTOR if cls.needs >= identity.Level.STEP_UP else {}
            cls.fields = {**PROOF, **second, **own}
            cls.own_intents = cls.own_intents | {"resend_code"} if second else cls.own_intents
        super().__init_subclass__(**kwargs)

    def required(self, turn: Turn) -> list[str]:
        """Only the proof that is still missing, then the form's own slots."""
        own = [slot for slot in self.fields if slot not in PROOF | SECOND_FACTOR]
        level = turn.caller.level
        if level >= self.needs:
            return own
        if level < identity.Level.VERIFIED:
            return [*PROOF, *own]
        return [*SECOND_FACTOR, *own]

    def check_values(self, turn: Turn) -> None:
        """Check the form's own values for a caller who has the level."""

    def check(self, turn: Turn) -> None:
        """Raise the level with what was given, then check the values."""
        if turn.caller.level < identity.Level.VERIFIED:
            self._verify(turn)
        if not turn.left and identity.Level.VERIFIED <= turn.caller.level < self.needs:
            self._step_up(turn)
        if turn.caller.level >= self.needs and not turn.left:
            turn.set(**{slot: None for slot in PROOF | SECOND_FACTOR if turn.get(slot) is not None})
            self.check_values(turn)

    def changeable(self, turn: Turn) -> dict[str, Field]:
        """The form's own values, and the proof while it is incomplete."""
        proven = turn.caller.level >= self.needs
        return {s: f for s, f in super().changeable(turn).items() if not (proven and s in PROOF)}

    def _verify(self, turn: Turn) -> None:
        if identity.locked(turn.tracker.sender_id):
            turn.leave(LOCKED_TEXT, "verification_failed")
            return
        account_number, postcode = turn.get("account_number"), turn.get("postcode")
        if not (account_number and postcode):
            return
        turn.set(account_number=None, postcode=None)
        try:
            turn.caller = identity.verify_account(turn.tracker.sender_id, account_number, postcode)
        except identity.Mismatch:
            turn.say(MISMATCH_ACCOUNT)
        except identity.Locked:
            turn.leave(LOCKED_TEXT, "verification_failed")

    def _step_up(self, turn: Turn) -> None:
        """Check the code that was given, or send one as soon as it is known where to."""
        given = turn.get("code")
        turn.set(code=None)
        try:
            if given:
                turn.caller = codes.check(turn.tracker.sender_id, given)
                return
            channels = codes.channels(turn.caller)
            if len(channels) == 1:
                turn.set(code_channel=next(iter(channels)))
            if self._send_now(turn):
                codes.send(turn.caller, turn.get("code_channel"))
        except codes.WrongCode as wrong:
            left = "one more try" if wrong.tries_left == 1 else f"{wrong.tries_left} more tries"
            turn.say(f"That isn't the code I sent. You have {left}.")
        except codes.CodeExpired:
            turn.say("That code has run out: each one works for five minutes. Say resend and I'll send a new one.")
        except identity.Locked:
            turn.hand_over(LOCKED_HANDOVER, "verification_failed")

    @staticmethod
    def _send_now(turn: Turn) -> bool:
        if not turn.get("code_channel"):
            return False
        if turn.intent == "resend_code" and turn.phase is Phase.ANSWER:
            turn.understood = True
            return True
        return turn.requested != "code"
