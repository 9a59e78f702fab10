"""The base of every form, and the action that stops one.

How Rasa treats what a form's validation returns (rasa.core.actions.forms.FormAction):
- a reply that sets no slot but `requested_slot` rejects the form, so that the rule of the message's intent
  runs and the form asks again afterwards: that is how an interruption works;
- `requested_slot` None ends the form, and the rule that follows the form runs; an action of such a rule must
  do nothing when the form was left early (`turns.person_offered_now`);
- without any event the validation would run twice when a form starts, so `requested_slot` is always returned.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT, FormValidationAction

from . import identity, parsing
from .speech import Events
from .turns import ANSWERING, COMMANDS, Phase, Turn

MAX_TRIES = 3
LOCKED_TEXT = (
    "For your security I can't check any more details in this conversation for the next 15 minutes. "
    "Would you like me to get a person for you?"
)
MISMATCH_ACCOUNT = "Sorry, those details don't match our records. Please check both and let's try once more."


@dataclass(frozen=True)
class Field:
    """How a slot is read from a message.

    `answer` reads the reply to the slot's own question; `mention` finds the value in any message; both return
    None when there is none. `complaint` makes the sentence for a reply that was not understood.
    """

    answer: Callable[[Turn], Any]
    complaint: Callable[[Turn], str]
    mention: Callable[[Turn], Any] = lambda turn: None


def _number(parse: Callable[..., str | None], entity: str) -> Callable[[Turn], str | None]:
    return lambda turn: parse(turn.text) or parse(turn.entity(entity) or "", bare=True)


def _account_complaint(turn: Turn) -> str:
    if parsing.order_number(turn.text):
        return "That's an order number. I need your account number for this."
    return "Sorry, that doesn't look like an account number: it's NA and six digits, such as NA123456."


def _postcode_complaint(_turn: Turn) -> str:
    return "Sorry, I can't read that as a UK postcode, such as LS1 4AP."


ACCOUNT_NUMBER = Field(
    answer=lambda turn: parsing.account_number(turn.text, bare=True),
    mention=_number(parsing.account_number, "account_number"),
    complaint=_account_complaint,
)
POSTCODE = Field(
    answer=lambda turn: parsing.postcode(turn.text),
    mention=lambda turn: parsing.postcode(turn.text) or parsing.postcode(turn.entity("postcode") or ""),
    complaint=_postcode_complaint,
)


class Form(FormValidationAction):
    """Fills the slots of one form.

    A subclass names the form, gives a `Field` for each slot, and may override `required`, `read` and `check`.
    `own_intents` are intents that do not interrupt the form; `answered_by` adds some while one slot is asked
    for.
    """

    form: ClassVar[str]
    fields: ClassVar[Mapping[str, Field]]
    own_intents: ClassVar[frozenset[str]] = frozenset()
    answered_by: ClassVar[Mapping[str, frozenset[str]]] = {}
    gave_up: ClassVar[str] = "I'm sorry, I still can't make that out. Would you like me to get a person for you?"

    def name(self) -> str:
        """The action's name."""
        return f"validate_{self.form}"

    def required(self, turn: Turn) -> list[str]:
        """The slots to ask for, in order, as things stand in this turn."""
        return list(self.fields)

    def check(self, turn: Turn) -> None:
        """Check the values against the backends: verify, refuse, or leave the form."""

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Read the message, check what is there, and say which slot comes next."""
        turn = self._turn(dispatcher, tracker)
        given = {} if turn.phase is Phase.RESUMED else self.read(turn)
        turn.set(**given)
        if turn.phase is Phase.ACTIVATION:
            turn.set(tries=0)
            if turn.get("offer"):
                turn.set(offer=None)
        elif given or turn.understood:
            turn.set(tries=0)
            if turn.get("offer"):
                turn.set(offer=None)  # the form's question was answered, so an offer made before it is gone
        elif turn.phase is Phase.ANSWER and turn.requested in self.fields:
            if self._interrupted(turn):
                return turn.events(turn.requested)
            self._failed_try(turn)
        if not turn.left:
            self.check(turn)
        if turn.left:
            return turn.events(None)
        return turn.events(next((slot for slot in self.required(turn) if turn.get(slot) is None), None))

    def recover(self, tracker: Tracker, domain: Any) -> Events:
        """What to keep when a run has failed: the values in the message, while the form ends."""
        turn = self._turn(CollectingDispatcher(), tracker)
        turn.set(**({} if turn.phase is Phase.RESUMED else Form.read(self, turn)))
        return turn.events(None)

    def read(self, turn: Turn) -> dict[str, Any]:
        """The values that the message gives, by slot; touches no backend."""
        values: dict[str, Any] = {}
        if turn.intent in COMMANDS and not turn.picked:
            return values
        for slot, reader in self.fields.items():
            value = reader.answer(turn) if slot == turn.requested and turn.answering else None
            value = reader.mention(turn) if value is None else value
            if value is not None:
                values[slot] = value
        return values

    def _turn(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Turn:
        requested = tracker.slots.get(REQUESTED_SLOT)
        own = self.own_intents | self.answered_by.get(requested or "", frozenset())
        return Turn.of(dispatcher, tracker, self.form, own)

    def _interrupted(self, turn: Turn) -> bool:
        if turn.get("offer") == "person" and turn.intent in ("affirm", "deny"):
            return True  # the answer to the offer of a person, made while the form waits
        return turn.intent is not None and turn.intent not in ANSWERING | turn.own_intents

    def _failed_try(self, turn: Turn) -> None:
        tries = int(turn.get("tries") or 0) + 1
        if tries >= MAX_TRIES:
            turn.leave(self.gave_up, "customer_asked", clear=list(self.fields))
            return
        turn.set(tries=tries)
        turn.say(self.fields[turn.requested or ""].complaint(turn))


class VerifiedForm(Form):
    """A form for a verified customer: it asks for account number and postcode only while that is not so."""

    needs: ClassVar[identity.Level] = identity.Level.VERIFIED

    def required(self, turn: Turn) -> list[str]:
        """Without the identity's slots when the customer is verified."""
        verified = turn.caller.level >= self.needs
        return [slot for slot in self.fields if not (verified and slot in ("account_number", "postcode"))]

    def check(self, turn: Turn) -> None:
        """Verify once both facts are there; they are kept no longer than that."""
        if turn.caller.level >= self.needs:
            for slot in ("account_number", "postcode"):
                if turn.get(slot) is not None:
                    turn.set(**{slot: None})
            return
        if identity.locked(turn.tracker.sender_id):
            turn.leave(LOCKED_TEXT, "verification_failed", clear=list(self.fields))
        elif turn.get("account_number") and turn.get("postcode"):
            self._verify(turn)

    def _verify(self, turn: Turn) -> None:
        account_number, postcode = turn.get("account_number"), turn.get("postcode")
        turn.set(account_number=None, postcode=None)
        try:
            turn.caller = identity.verify_account(turn.tracker.sender_id, account_number, postcode)
        except identity.Mismatch:
            turn.say(MISMATCH_ACCOUNT)
        except identity.Locked:
            turn.leave(LOCKED_TEXT, "verification_failed", clear=list(self.fields))


class ActionStop(Action):
    """Stops the active form and forgets what it had collected."""

    def name(self) -> str:
        """The action's name."""
        return "action_stop"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """End the form, or say that nothing is going on."""
        form = tracker.active_loop_name
        events = [SlotSet("offer", None)] if tracker.slots.get("offer") else []
        if not form:
            dispatcher.utter_message(text="There's nothing in progress to stop. What would you like to do next?")
            return events
        slots = domain.get("forms", {}).get(form, {}).get("required_slots", [])
        dispatcher.utter_message(text="All right, I've stopped that. What would you like to do next?")
        cleared = [SlotSet(slot, None) for slot in slots]
        return [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None), *cleared, SlotSet("tries", 0), *events]
