"""The base of every form: what every task can do while it collects its values.

A customer may give several values at once, correct an earlier one, decline to give one, or start another task; a
task that changes data reads everything back (`confirmed`) and, on a no, asks what to change (`change`).

How Rasa treats what a form's validation returns (rasa.core.actions.forms.FormAction):
- a reply that sets no slot but `requested_slot` rejects the form, so that the rule of the message's intent
  runs and the form asks again afterwards: that is how an interruption works;
- `requested_slot` None ends the form, and the rule that follows the form runs its task (`actions.tasks`);
- without any event the validation would run twice when a form starts, so `requested_slot` is always returned.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT, FormValidationAction

from . import pauses
from .fields import Field
from .speech import Events
from .turns import ANSWERING, COMMANDS, Phase, Turn

MAX_TRIES = 3
CONFIRMED, CHANGE = "confirmed", "change"
FORMS: dict[str, "Form"] = {}  # by name, filled as the skills are loaded

_WRONG = re.compile(r"\b(?:wrong|incorrect|not right|other|another|different|change|should be)\b", re.IGNORECASE)
_CONFIRM_COMPLAINT = "Sorry, I need a yes or a no before I do this."
_CHANGE_COMPLAINT = "Sorry, I didn't catch what you'd like to change."


class Form(FormValidationAction):
    """Fills the slots of one form.

    A subclass names the form, gives a `Field` for each slot, and may override `required`, `read`, `check` and
    `refused`. `title` completes "Now, back to …". `wants` says for each intent that starts the task what the
    customer wants ("to know …"), for the agent. Intents in `own_intents` do not interrupt the form; `answered_by`
    adds some while one slot is asked for. With `confirm` the values are read back (`read_back`) and the task runs
    only after a yes. A form that is not `resumable` is forgotten when another task starts, and `replaces` names the
    forms that are forgotten when this one starts.
    """

    form: ClassVar[str]
    title: ClassVar[str]
    fields: ClassVar[Mapping[str, Field]]
    wants: ClassVar[Mapping[str, str]] = {}
    own_intents: ClassVar[frozenset[str]] = frozenset()
    answered_by: ClassVar[Mapping[str, frozenset[str]]] = {}
    confirm: ClassVar[bool] = False
    resumable: ClassVar[bool] = True
    replaces: ClassVar[frozenset[str]] = frozenset()
    declined: ClassVar[str] = "All right, I've left everything as it is. What would you like to do next?"
    gave_up: ClassVar[str] = "I'm sorry, I still can't make that out. Would you like me to get a person for you?"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make the form known to the tasks that may return to it."""
        super().__init_subclass__(**kwargs)
        if "form" in cls.__dict__:
            FORMS[cls.form] = cls()

    def name(self) -> str:
        """The action's name."""
        return f"validate_{self.form}"

    def required(self, turn: Turn) -> list[str]:
        """The slots to ask for, in order, as things stand in this turn."""
        return list(self.fields)

    def check(self, turn: Turn) -> None:
        """Check the values against the backends: verify, refuse, or leave the form."""

    def read_back(self, turn: Turn) -> str:
        """The values in a sentence that ends with the question for the final yes."""
        raise NotImplementedError(f"{self.form} sets confirm and so needs read_back")

    def buttons(self, turn: Turn) -> list[str]:
        """Short answers to offer beside Yes and No at the read-back."""
        return []

    def claims(self, turn: Turn) -> bool:
        """Whether a message that would start another task, or a stop outside any, is about this one.

        "Cancel it" and "move it to Friday" are, when this task is about what was spoken of last.
        """
        return False

    def refused(self, turn: Turn, slot: str) -> None:
        """The customer would rather not give the value of `slot`: skip it, explain why it is needed, or give up."""
        field = self.fields.get(slot)
        if field is not None and field.skipped is not None:
            turn.set(**{slot: field.skipped})
            return
        if int(turn.get("tries") or 0) >= 1:
            turn.leave("That's fine. A person can help you without it. Shall I get one for you?", "customer_asked")
            return
        turn.set(tries=MAX_TRIES - 1)
        turn.respond(explanation(turn.domain, self.form, slot))
        turn.say("If you'd rather not, just say stop, or ask for a person.")

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Read the message, check what is there, and say which slot comes next."""
        turn = self._turn(dispatcher, tracker, domain)
        if turn.phase is Phase.ACTIVATION:
            self._begin(turn)
            if meant := claimed(turn):
                turn.instead(meant.form, **meant.read(turn))
                return turn.events(None)
        given = False if turn.phase is Phase.RESUMED else self._take(turn, self.read(turn))
        if turn.phase is Phase.ANSWER and not self._answered(turn, given):
            return turn.events(turn.requested)
        if not turn.left:
            self.check(turn)
        return turn.events(None if turn.left else self._next(turn))

    def recover(self, tracker: Tracker, domain: Any) -> Events:
        """What to keep when a run has failed: the values in the message, while the form ends."""
        turn = self._turn(CollectingDispatcher(), tracker, domain)
        turn.set(
            **({} if turn.phase is Phase.RESUMED else Form.read(self, turn)), ended=pauses.failed(tracker, self.form)
        )
        return turn.events(None)

    def read(self, turn: Turn) -> dict[str, Any]:
        """The values that the message gives, by slot; touches no backend."""
        values: dict[str, Any] = {}
        answering = turn.intent not in COMMANDS if turn.phase is Phase.ACTIVATION else turn.answering
        if not answering:
            return values
        for slot, field in self.fields.items():
            value = field.answer(turn) if slot == turn.requested and not turn.about_the_question else None
            value = field.mention(turn) if value is None else value
            if value is not None:
                values[slot] = value
        return values

    def slots(self) -> list[str]:
        """All slots of the form, which are empty before it starts and after its task."""
        return [*self.fields, CONFIRMED, CHANGE]

    def changeable(self, turn: Turn) -> dict[str, Field]:
        """The values that the customer may still change."""
        return {s: f for s, f in self.fields.items() if f.label and turn.get(s) is not None}

    def _turn(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Turn:
        requested = tracker.slots.get(REQUESTED_SLOT)
        own = self.own_intents | set(self.wants) | self.answered_by.get(requested or "", frozenset())
        free = requested in self.fields and self.fields[requested].free
        return Turn.of(dispatcher, tracker, domain or {}, self.form, frozenset(own), free)

    def _begin(self, turn: Turn) -> None:
        """Start afresh, or go on when the task waited or failed; put the one that it interrupts on the waiting list."""
        waiting = pauses.waiting(turn.tracker)
        if self.form in waiting:
            waiting.remove(self.form)
        elif turn.get("ended") != pauses.failed(turn.tracker, self.form):
            turn.set(**dict.fromkeys(self.slots()))
        before = pauses.interrupted(turn.tracker)
        if before and before != self.form and before in FORMS and FORMS[before].resumable:
            waiting = [*(form for form in waiting if form != before), before]
        waiting = [form for form in waiting if form not in self.replaces]
        turn.set(tries=0, ended=None, confirmed=None, change=None, paused=pauses.value(turn.tracker, waiting))
        if turn.get("offer"):
            turn.set(offer=None)

    def _take(self, turn: Turn, given: dict[str, Any]) -> bool:
        """Keep the values; a changed one empties what depends on it and is said back. Whether they answer the question.

        "Yes, the green one" at the read-back changes nothing, so its yes counts.
        """
        changed = {s: v for s, v in given.items() if turn.get(s) != v}
        corrected = [s for s in changed if s != turn.requested and turn.get(s) is not None]
        for slot in changed:
            turn.set(confirmed=None, **dict.fromkeys(self.fields[slot].clears))
        turn.set(**given)
        for slot in corrected:
            if (label := self.fields[slot].label) and turn.phase is Phase.ANSWER:
                turn.say(f"Thanks, I've changed {label} to {self.fields[slot].show(given[slot])}.")
        return bool(changed if turn.requested == CONFIRMED else given)

    def _answered(self, turn: Turn, given: bool) -> bool:
        """Deal with a reply to the form's question; False when it is no reply, so that another rule answers."""
        if not given and not turn.understood:
            if turn.requested == CONFIRMED and self._confirmed(turn):
                given = True
            elif turn.requested == CHANGE or turn.intent == "correct":
                given = self._correct(turn)
            elif turn.intent == "refuse" and turn.requested and turn.requested in self.fields:
                self.refused(turn, turn.requested)
                return True
        if given or turn.understood:
            turn.set(tries=0)
            if turn.get("offer"):
                turn.set(offer=None)  # the form's question was answered, so an offer made before it is gone
        elif self._interrupted(turn):
            return False
        elif turn.requested:
            self._failed_try(turn)
        return True

    def _confirmed(self, turn: Turn) -> bool:
        """Take a yes, or a no: then empty what it calls wrong, ask what to change, or leave everything as it is."""
        said = turn.yes_no
        if said is None:
            return False
        if said:
            turn.set(confirmed=True)
        elif self.changeable(turn):
            if not (_WRONG.search(turn.text) and self._correct(turn)):
                turn.set(change="?")
        else:
            turn.finish(self.declined)
        return True

    def _correct(self, turn: Turn) -> bool:
        """Empty the value that the customer wants to change, so that it is asked for again."""
        known = self.changeable(turn)
        named = [s for s, f in known.items() if _names(f, turn.text)]
        chosen = named or (list(known) if len(known) == 1 and turn.intent == "correct" else [])
        if chosen:
            for slot in chosen:
                turn.set(**{slot: None}, **dict.fromkeys(self.fields[slot].clears))
            turn.set(confirmed=None, change=None)
        elif turn.intent == "correct" and known:
            turn.set(change="?")
        elif turn.requested == CHANGE and turn.yes_no is False:
            turn.finish(self.declined)
        return bool(chosen) or turn.left or turn.intent == "correct"

    def _next(self, turn: Turn) -> str | None:
        """The slot to ask for."""
        if turn.get(CHANGE) == "?":
            turn.set(change=None)
            return CHANGE
        missing = next((slot for slot in self.required(turn) if turn.get(slot) is None), None)
        return CONFIRMED if missing is None and self.confirm and not turn.get(CONFIRMED) else missing

    def _interrupted(self, turn: Turn) -> bool:
        if turn.get("offer") == "person" and turn.intent in ("affirm", "deny"):
            return True  # the answer to the offer of a person, made while the form waits
        return turn.intent is not None and turn.intent not in ANSWERING | turn.own_intents

    def _failed_try(self, turn: Turn) -> None:
        tries = int(turn.get("tries") or 0) + 1
        if tries >= MAX_TRIES:
            turn.leave(self.gave_up, "low_confidence")
            return
        turn.set(tries=tries)
        own = {CONFIRMED: _CONFIRM_COMPLAINT, CHANGE: _CHANGE_COMPLAINT}
        slot = turn.requested or ""
        turn.say(own[slot] if slot in own else self.fields[slot].complaint(turn))


def claimed(turn: Turn) -> Form | None:
    """The form of another task that the message is about, whatever its intent says."""
    return next((form for name, form in FORMS.items() if name != turn.form and form.claims(turn)), None)


def _names(field: Field, text: str) -> bool:
    """Whether `text` holds the field's label or another word for it."""
    words = "|".join(filter(None, (field.names, re.escape(field.label))))
    return bool(words) and re.search(rf"\b(?:{words})\b", text, re.IGNORECASE) is not None


def explanation(domain: Mapping[str, Any], form: str, slot: str) -> str:
    """The response that says why `slot` is asked for: the form's own, the slot's, or the general one."""
    known = domain.get("responses", {})
    names = (f"utter_explain_{form}_{slot}", f"utter_explain_{slot}")
    return next((name for name in names if name in known), "utter_explain")
