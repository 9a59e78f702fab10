"""The skill `billing`: a charge that the customer does not agree with becomes a ticket."""

import re
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from . import assurance, backends, clock, invoices, parsing
from .backends import Invoice, NotAllowed, NotFound
from .billing import BILL, NO_INVOICES, NOT_VERIFIED, SYSTEM, explained, settle
from .fields import Field
from .forms import CHANGE, CONFIRMED
from .invoices import WHOLE, pounds
from .speech import Events, clock_time, long_date
from .tasks import Task
from .turns import Phase, Turn, button_payloads
from .verification import VerifiedForm

MAX_REASON = 500  # characters
BILL_SLOT, LINE, REASON, OPENING = "disputed_bill", "disputed_line", "dispute_reason", "dispute_opening"
# Words with which an opening such as "I never made those calls" says already what is wrong.
_SAYS_WHY = re.compile(
    r"\b(?:never|cancel\w*|promised|told|agreed|twice|double|shouldn'?t|didn'?t|wasn'?t|haven'?t|isn'?t mine|not mine|"
    r"already|instead of|supposed to|over ?charged|too much|returned|(?:don'?t|do not) recogni[sz]e)\b",
    re.IGNORECASE,
)


def _line(turn: Turn) -> str | None:
    """The answer to "which line?", among the lines that were offered."""
    found = invoices.matching_line(turn.text, _offered_lines(turn.tracker))
    return invoices.line_of_label(found) if found else None


def _offered_lines(tracker: Tracker) -> list[str]:
    for event in reversed(tracker.events):
        payloads = button_payloads(event) if event.get("event") == "bot" else []
        if WHOLE in payloads:
            return payloads
    return []


def _reason(turn: Turn) -> str | None:
    return None if turn.intent in ("affirm", "deny") else parsing.free_text(turn.text, MAX_REASON)


def _opening_reason(turn: Turn) -> str | None:
    """What is wrong, when the message that starts the task says it."""
    plain = turn.text.replace("’", "'")
    starts = turn.phase is Phase.ACTIVATION and turn.intent in ("dispute_charge", "correct")
    return parsing.free_text(turn.text, MAX_REASON) if starts and _SAYS_WHY.search(plain) else None


class ValidateDisputeForm(VerifiedForm):
    """Collects the bill, the line and what is wrong with it; the bill that was just explained is the one meant."""

    form = "dispute_form"
    title = "the charge that you don't agree with"
    confirm = True
    fields = {
        BILL_SLOT: Field(BILL.answer, BILL.complaint, BILL.mention, BILL.label, BILL.names, BILL.show, clears=(LINE,)),
        LINE: Field(
            answer=_line,
            complaint=lambda turn: "Sorry, I didn't catch which charge you mean.",
            mention=lambda turn: _line(turn) if turn.requested in (CONFIRMED, CHANGE) else None,
            label="the charge",
            names="charge|line|item",
        ),
        REASON: Field(
            answer=_reason,
            mention=_opening_reason,
            complaint=lambda turn: "Please tell me in a few words what's wrong with it.",
            label="what's wrong",
            names="reason|words|text|what's wrong",
            show=lambda text: f"“{text}”",
        ),
    }
    wants = {"dispute_charge": "to dispute a charge"}
    answered_by = {
        REASON: frozenset({"explain_bill", "report_payment", "complain", "leave", "cancel_order", "report_problem"})
    }
    system = SYSTEM

    def slots(self) -> list[str]:
        """The fields, and the words with which the customer began."""
        return [*super().slots(), OPENING]

    def check(self, turn: Turn) -> None:
        """Keep the first words; "that's wrong" long after a bill was explained is no dispute."""
        if turn.phase is Phase.ACTIVATION and turn.intent == "correct" and not explained(turn.tracker):
            turn.respond("utter_correct")
            turn.finish()
            return
        if turn.phase is Phase.ACTIVATION and turn.text:
            turn.set(**{OPENING: turn.text[:MAX_REASON]})
        super().check(turn)

    def check_values(self, turn: Turn) -> None:
        """Find the bill, and the line among those of the bill."""
        given = turn.get(LINE)
        default = None if turn.requested == BILL_SLOT else explained(turn.tracker)
        if not settle(turn, BILL_SLOT, default or self._only_bill(turn)):
            turn.set(**{LINE: None, CONFIRMED: None})
            return
        bill = backends.billing().invoice(turn.caller, turn.get(BILL_SLOT))
        texts = [line.text for line in bill.lines]
        if given is not None and given not in (*texts, WHOLE):
            turn.set(**{LINE: None, CONFIRMED: None})
        elif given is None and turn.requested not in (LINE, REASON, CONFIRMED, CHANGE):
            self._line_from_opening(turn, bill)
        if len(set(texts)) <= 1 and turn.get(LINE) is None:
            turn.set(**{LINE: texts[0] if texts else WHOLE})
        self._known_already(turn, bill)

    @staticmethod
    def _only_bill(turn: Turn) -> str | None:
        """The number of the customer's only bill; no bill at all ends the form."""
        if turn.get(BILL_SLOT):
            return None
        mine = backends.billing().invoices(turn.caller)
        if not mine:
            turn.finish(NO_INVOICES)
        return mine[0].number if len(mine) == 1 else None

    @staticmethod
    def _line_from_opening(turn: Turn, bill: Invoice) -> None:
        labels = [invoices.line_label(line.text, line.pence) for line in bill.lines]
        if found := invoices.matching_line(turn.get(OPENING) or "", labels):
            turn.set(**{LINE: invoices.line_of_label(found)})

    @staticmethod
    def _known_already(turn: Turn, bill: Invoice) -> None:
        """End the form when the same charge is being looked into already."""
        if not turn.get(LINE) or turn.left:
            return
        for ticket in backends.tickets().own(turn.caller):
            if ticket.kind == "dispute" and ticket.status == "open" and ticket.subject == subject(bill, turn.get(LINE)):
                turn.finish(
                    f"Our billing team is looking into that charge already: the reference is {ticket.reference}, and "
                    f"you'll hear from us by {clock_time(ticket.promised_by)} on {long_date(ticket.promised_by)}."
                )
                return

    def read_back(self, turn: Turn) -> str:
        """The charge, the bill and the customer's words in a sentence."""
        bill = backends.billing().invoice(turn.caller, turn.get(BILL_SLOT))
        return (
            f"So you'd like us to look into {_what(bill, turn.get(LINE))} on your bill of "
            f"{invoices.day_of(bill.issued_on)}. You say: “{turn.get(REASON)}” Shall I send that to our billing team?"
        )


def _amount(bill: Invoice, line: str) -> int:
    return bill.pence if line == WHOLE else sum(found.pence for found in bill.lines if found.text == line)


def _what(bill: Invoice, line: str) -> str:
    amount = pounds(_amount(bill, line))
    return f"all of the {amount}" if line == WHOLE else f"{line} ({amount})"


def subject(bill: Invoice, line: str) -> str:
    """The ticket's subject, which is the same for the same charge."""
    return f"Disputed charge on {bill.number}: {line}, {pounds(_amount(bill, line))}"


class ActionAskDisputedLine(Action):
    """Offers the lines of the bill, and the whole of it."""

    system = SYSTEM

    def name(self) -> str:
        """The action's name."""
        return "action_ask_disputed_line"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """Ask with a button for each line."""
        caller = assurance.current(tracker.sender_id)
        bill = backends.billing().invoice(caller, str(tracker.slots.get(BILL_SLOT)))
        labels = dict.fromkeys(invoices.line_label(line.text, line.pence) for line in bill.lines)
        buttons = [{"title": text, "payload": text} for text in [*labels, WHOLE]]
        text = f"Which charge on your bill of {invoices.day_of(bill.issued_on)} is wrong?"
        dispatcher.utter_message(text=text, buttons=buttons)
        return []


class ActionDisputeCharge(Task):
    """Opens the ticket for the billing team."""

    form, action, result = "dispute_form", "action_dispute_charge", "Disputed charge"
    system = SYSTEM

    def perform(self, turn: Turn) -> None:
        """Open the ticket with the bill, the line and the customer's words; say when they hear from us."""
        try:
            bill = backends.billing().invoice(turn.caller, turn.get(BILL_SLOT) or "")
        except (NotAllowed, NotFound):
            turn.say(NOT_VERIFIED)
            return
        line, reason = turn.get(LINE), turn.get(REASON)
        title = subject(bill, line)
        ticket = backends.tickets().open(
            turn.caller, "dispute", title, _details(bill, turn), "normal", turn.request(bill.number, line, reason)
        )
        turn.say(
            f"Thank you, our billing team has it now. Your reference is {ticket.reference}, and you'll hear from us by "
            f"{clock_time(ticket.promised_by)} on {long_date(ticket.promised_by)}."
        )
        turn.respond("utter_dispute_next")


def _details(bill: Invoice, turn: Turn) -> str:
    line, reason, opening = turn.get(LINE), turn.get(REASON), turn.get(OPENING)
    told = [
        f"Invoice: {bill.number}, issued {bill.issued_on}, due {bill.due_on}, total {pounds(bill.pence)}",
        f"Line: {line}, {pounds(_amount(bill, line))}",
        f"Customer's words: {reason}",
    ]
    if opening and opening != reason:
        told.append(f"First message: {opening}")
    return "\n".join([*told, f"Told on {clock.today()} in the chat."])
