"""The skill `account`: changing the address, e-mail address, phone number and marketing choice, and undoing it.

A change needs step-up, is read back, and is told to the contact that was on file before it, so that somebody whose
account is misused hears of it and can undo it within a day.
"""

from typing import Any

from . import addresses, backends, contact_details
from .backends import BackendError, Change, Invalid, Level, NotAllowed, Recipient
from .backends.contacts import cleaned
from .contact_details import FIELDS, INTENTS, NAMES, SLOTS
from .fields import Field
from .logs import conversation_ref, get_logger
from .speech import clock_time, short_date
from .tasks import Task
from .turns import SURE, Phase, Turn
from .verification import PROOF, SECOND_FACTOR, VerifiedForm

SYSTEM = "our customer records"
PHONE = "0808 157 0150"
PROVE_AGAIN = "For your security I need to check that it's you again before I change anything."

logger = get_logger(__name__)


class ValidateAccountForm(VerifiedForm):
    """Finds out which detail is to change, verifies the customer up to step-up, and collects the new value.

    Another detail that is named meanwhile comes next (`contact_next`), or instead when the customer says so.
    """

    form = "account_form"
    title = "changing your details"
    needs = Level.STEP_UP
    confirm = True
    fields = FIELDS
    before_proof = ("contact_field",)
    wants = {
        "change_address": "to change the address on the account",
        "change_email": "to change the e-mail address on the account",
        "change_phone": "to change the phone number on the account",
        "change_consent": "to change what marketing they get",
    }
    system = SYSTEM

    def slots(self) -> list[str]:
        """All slots of the form, with the details that come next."""
        return [*super().slots(), "contact_next"]

    def required(self, turn: Turn) -> list[str]:
        """Which detail, the proof, and the parts of that detail alone."""
        others = {slot for field, slots in SLOTS.items() if field != turn.get("contact_field") for slot in slots}
        return [slot for slot in super().required(turn) if slot not in others]

    def read(self, turn: Turn) -> dict[str, Any]:
        """As every form; the intent says which detail, and a new address brings its own postcode."""
        values = super().read(turn)
        field = turn.get("contact_field")
        if turn.phase is Phase.ACTIVATION and not field:
            field = contact_details.of_message(turn)
            values |= {"contact_field": field} if field else {}
        if turn.requested in PROOF | SECOND_FACTOR:  # "by e-mail to p@example.com" brings no new e-mail address
            values = {s: v for s, v in values.items() if s in PROOF | SECOND_FACTOR}
        elif field == "address":
            values |= self._rest_of_address(turn, values)
        self._other_details(turn, values)
        return values

    @staticmethod
    def _rest_of_address(turn: Turn, values: dict[str, Any]) -> dict[str, Any]:
        """The parts that came with the one that was asked for; a new address brings its own postcode."""
        rest: dict[str, Any] = {}
        if "new_address" in values or turn.requested not in (None, "contact_field"):
            code = values.pop("postcode", None)
            rest |= {"new_postcode": code} if code else {}
        if turn.requested == "new_address" and (town := addresses.answered(turn.text).town):
            rest["new_town"] = town
        return rest

    def _other_details(self, turn: Turn, values: dict[str, Any]) -> None:
        """Note what else is to change; the intent of an answer to the form's own question says nothing."""
        field = values.get("contact_field") or turn.get("contact_field")
        if not field:
            return
        also = [f for f, slots in SLOTS.items() if f != field and values.keys() & set(slots)]
        asked = INTENTS.get(turn.intent or "")
        sure = asked == contact_details.named(turn.text) or turn.confidence >= SURE
        answered = turn.understood or turn.requested in values
        if asked and asked != field and sure and turn.phase is Phase.ANSWER and not answered:
            turn.understood = True
            if "instead" in turn.text.casefold():
                values["contact_field"] = asked
                return
            also.append(asked)
        waiting = list(turn.get("contact_next") or [])
        new = [f for f in dict.fromkeys(also) if f not in waiting]
        if new:
            turn.set(contact_next=[*waiting, *new])
            turn.say(f"I'll change {' and '.join(NAMES[f] for f in new)} right after {NAMES[field]}.")

    def check_values(self, turn: Turn) -> None:
        """Stop at a value that is on file already, and ask again for one that cannot be right."""
        field = turn.get("contact_field")
        new = contact_details.value(field, turn.get) if field else None
        if new is None or turn.get("confirmed"):
            return
        try:
            cleaned(field, new)
        except Invalid as problem:
            turn.say(str(problem))
            turn.set(**dict.fromkeys(SLOTS[field]))
            return
        if contact_details.same(field, new, backends.customers().contact(turn.caller)):
            self._nothing_to_change(turn, field)

    def _nothing_to_change(self, turn: Turn, field: str) -> None:
        text = f"That's what we have as {NAMES[field]} already, so there's nothing to change."
        if field == "marketing":
            on = turn.get("new_marketing")
            text = f"Marketing from us is switched {'on' if on else 'off'} already, so there's nothing to change."
        turn.set(**dict.fromkeys(SLOTS[field]))
        following = list(turn.get("contact_next") or [])
        if following:
            turn.say(text)
            turn.set(contact_field=following[0], contact_next=following[1:] or None)
        else:
            turn.finish(text)

    def changeable(self, turn: Turn) -> dict[str, Field]:
        """The parts of the detail that is being changed."""
        own = SLOTS.get(turn.get("contact_field"), ())
        return {s: f for s, f in super().changeable(turn).items() if s in own or s in PROOF}

    def read_back(self, turn: Turn) -> str:
        """The new value in full, the old one masked."""
        field = turn.get("contact_field")
        if field == "marketing":
            if turn.get("new_marketing"):
                return "I'll switch our marketing on: news and offers by e-mail, text, phone and post. Shall I do that?"
            return (
                "I'll switch all our marketing off, by e-mail, text, phone and post alike. You'll still hear from us "
                "about your orders and bills. Shall I do that?"
            )
        old = contact_details.kept(field, backends.customers().contact(turn.caller))
        before = contact_details.hidden(field, str(old))
        change = f"from {before} to" if before else "to"
        return f"I'll change {NAMES[field]} {change} {contact_details.value(field, turn.get)}. Shall I save that?"


class ActionChangeAccount(Task):
    """Changes the detail, tells the contact that was on file before, and goes on with the next one."""

    form, action, result = "account_form", "action_change_account", "Change of account details"
    system = SYSTEM
    failure_text = (
        "Sorry, our customer records didn't answer in time, so I can't promise that your change is saved. "
        "Asking again in a few minutes is safe: nothing is changed twice. "
        "Would you like me to get a person for you?"
    )

    def perform(self, turn: Turn) -> None:
        """Change it once."""
        field = turn.get("contact_field")
        new = contact_details.value(field, turn.get) if field else None
        if new is None:
            turn.set(confirmed=None)
            turn.again()
            return
        request = turn.request(field, new)
        try:
            change = backends.customers().change(turn.caller, field, new, request)
        except NotAllowed:
            turn.say(PROVE_AGAIN)
            turn.set(confirmed=None)
            turn.again()
            return
        except Invalid as problem:
            turn.say(str(problem))
            turn.set(confirmed=None, **dict.fromkeys(SLOTS[field]))
            turn.again()
            return
        until = f"{clock_time(change.undo_until)} on {short_date(change.undo_until)}"
        turn.say(f"{done(change)} {_tell(turn, change, request)} You can undo it here until {until}.")
        self._next(turn, field)

    @staticmethod
    def _next(turn: Turn, field: str) -> None:
        following = list(turn.get("contact_next") or [])
        if following:
            turn.set(confirmed=None, contact_field=following[0], contact_next=following[1:] or None)
            turn.set(**dict.fromkeys(SLOTS[field]))
            turn.say(f"Now {NAMES[following[0]]}.")
            turn.again()


def done(change: Change) -> str:
    """What the customer hears once the change is saved."""
    if change.field == "marketing":
        return f"That's done: our marketing is switched {'on' if change.new == 'yes' else 'off'}."
    text = f"That's done: {NAMES[change.field]} is now {change.new}."
    return f"{text} From now on I'll ask for the new postcode to check that it's you." if _moved(change) else text


def _moved(change: Change) -> bool:
    return change.field == "address" and change.old.split(", ")[-1] != change.new.split(", ")[-1]


def _tell(turn: Turn, change: Change, request: str) -> str:
    """Tell the contact that was on file before the change; says where, or who will do it instead."""
    try:
        to = _former_contact(turn, change)
        shown = backends.notifications().send(turn.caller, to, *notice(change)) if to else None
    except BackendError as error:
        where = conversation_ref(turn.tracker.sender_id)
        logger.warning("notice_not_sent", extra={"conversation": where, "kind": type(error).__name__})
        shown = None
    if shown:
        return f"I've sent a note about it to {shown}."
    try:
        ticket = backends.tickets().open(
            turn.caller,
            "other",
            f"Tell a customer about a change: {NAMES[change.field].removeprefix('your ')}",
            "A detail of the account was changed in the chat, and the notice to the contact that was on file before "
            "could not be sent. Please tell the customer by another way and ask whether it was their wish.",
            "high",
            request,
        )
    except BackendError:
        return f"I couldn't send a note about it to your old contact. If this wasn't you, call us on {PHONE}."
    return (
        "I couldn't send a note about it to your old contact, so a colleague will let you know another way: "
        f"that's ticket {ticket.reference}."
    )


def _former_contact(turn: Turn, change: Change) -> Recipient | None:
    """The contact that can be reached and was on file a day ago: the one that changed, if it is one."""
    usable = backends.notifications().channels()
    known = [to for to in backends.customers().code_recipients(turn.caller) if to.channel in usable]
    preferred = "sms" if change.field == "phone" else "email"
    return next((to for to in known if to.channel == preferred), known[0] if known else None)


def notice(change: Change) -> tuple[str, str]:
    """Subject and body of the message to the former contact; they hold neither value."""
    what = NAMES[change.field]
    body = (
        f"{what[0].upper()}{what[1:]} at Northlight was changed on {short_date(change.at)} at {clock_time(change.at)}. "
        f"If that was you, there is nothing to do. Not you? Say undo in our chat within a day, or call us on {PHONE}."
    )
    return f"{what[0].upper()}{what[1:]} was changed", body
