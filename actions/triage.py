"""The skill `triage`: known faults by postcode, guided trouble-shooting, and a ticket with what was tried."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from . import assurance, backends
from .backends import Outage
from .fields import POSTCODE, Field
from .forms import Form
from .speech import Events, clock_time, promise, short_date
from .tasks import Task
from .triage_tree import Answer, Step, tree
from .turns import Phase, Turn
from .verification import PROOF, VerifiedForm

SYSTEM = "our fault desk"
UNKNOWN = "unknown"  # a postcode that the customer would rather not give
WHERE = Field(
    answer=POSTCODE.answer,
    mention=POSTCODE.mention,
    complaint=POSTCODE.complaint,
    skipped=UNKNOWN,
)


def own_postcode(turn: Turn) -> str | None:
    """The postcode of a verified customer, who need not be asked for it."""
    if turn.caller.level < assurance.Level.VERIFIED:
        return None
    return backends.customers().contact(turn.caller).address.postcode


def describe(outage: Outage) -> str:
    """What the customer hears about a known fault."""
    since = f"since {clock_time(outage.since)} on {short_date(outage.since)}"
    fixed = f" We expect to have it mended by {promise(outage.expected_fix)}." if outage.expected_fix else ""
    return f"There's a fault in {outage.area} that we know about, {since}: {outage.text.rstrip('.')}.{fixed}"


def outages(turn: Turn, postcode: str | None) -> list[Outage]:
    """The known faults at a postcode."""
    return backends.outages().outages(turn.caller, postcode) if postcode and postcode != UNKNOWN else []


class ValidateOutageForm(Form):
    """Asks where, unless that is known."""

    form = "outage_form"
    title = "checking for faults in your area"
    fields = {"outage_postcode": WHERE}
    wants = {"check_outage": "to know whether there is a fault in the area"}
    system = SYSTEM

    def check(self, turn: Turn) -> None:
        """Take a verified customer's own postcode."""
        if turn.get("outage_postcode") is None:
            turn.set(outage_postcode=own_postcode(turn))


class ActionOutage(Task):
    """Says which faults are known."""

    form, action, result = "outage_form", "action_outage", "Faults in the area"
    system = SYSTEM

    def perform(self, turn: Turn) -> None:
        """Tell them, or say that there are none and what to do next."""
        postcode = turn.get("outage_postcode")
        found = outages(turn, postcode)
        if postcode == UNKNOWN:
            turn.say("Without a postcode I can't look it up. All known faults are at northlight.example/status.")
        elif not found:
            turn.say(f"I can't see any fault at {postcode} just now. If yours isn't working, tell me what's wrong.")
        for outage in found:
            turn.say(describe(outage))


class ValidateTriageForm(VerifiedForm):
    """Looks for a known fault, then walks through the decision tree; only a ticket needs to know who it is.

    The slot `triage` keeps the step that is asked (`at`) and the answers so far (`path`: step and title).
    """

    form = "triage_form"
    title = "finding the fault"
    confirm = True
    fields = {
        "outage_postcode": WHERE,
        "triage_answer": Field(
            answer=lambda turn: _chosen(turn),
            complaint=lambda turn: "Sorry, which of these is it?",
        ),
    }
    wants = {"report_problem": "to have a fault put right"}
    answered_by = {"triage_answer": frozenset({"none_of_these", "thank"})}
    declined = "All right, I haven't reported anything. Is there something else I can do?"
    system = SYSTEM

    def slots(self) -> list[str]:
        """With the way through the tree."""
        return [*super().slots(), "triage"]

    def required(self, turn: Turn) -> list[str]:
        """Where, then the tree's questions, then for a ticket who it is."""
        if turn.get("outage_postcode") is None:
            return ["outage_postcode"]
        if _step(turn):
            return ["triage_answer"]
        return [] if turn.caller.level >= self.needs else [*PROOF]

    def check(self, turn: Turn) -> None:
        """Stop at a known fault; take the answer to the tree's question; verify for a ticket."""
        if turn.get("triage") is None:
            words = turn.text if turn.phase is Phase.ACTIVATION else ""
            turn.set(triage={"at": tree().first(words), "path": []})
        if turn.get("outage_postcode") is None:
            turn.set(outage_postcode=own_postcode(turn))
        if not turn.get("triage")["path"] and (found := outages(turn, turn.get("outage_postcode"))):
            turn.set(served=True)
            turn.finish(" ".join([*map(describe, found), "You don't need to do anything. I'm sorry for the trouble."]))
            return
        if turn.get("triage_answer"):
            self._advance(turn)
        if not turn.left and not _step(turn):
            super().check(turn)

    def read_back(self, turn: Turn) -> str:
        """What would be reported."""
        ticket = ends(turn)[0].ticket
        assert ticket is not None
        return f"I'd report this to our technical team: {ticket.subject}. {_tried(turn)}Shall I?"

    def _advance(self, turn: Turn) -> None:
        """Go where the answer leads."""
        step, state = _step(turn), turn.get("triage")
        title = turn.get("triage_answer")
        turn.set(triage_answer=None)
        answer = next((a for a in step.answers if a.title == title), None) if step else None
        if answer is None:
            return
        turn.set(triage={"at": answer.go, "path": [*state["path"], {"step": state["at"], "answer": title}]})
        if answer.solved:
            turn.set(served=True)
            turn.finish(answer.solved)
        elif answer.visit:
            turn.instead("booking_form", visit_reason=answer.visit)

    def _correct(self, turn: Turn) -> bool:
        """Go back to the question before."""
        state = turn.get("triage") or {"path": []}
        if turn.intent != "correct" or not state["path"] or turn.requested != "triage_answer":
            return super()._correct(turn)
        *path, last = state["path"]
        turn.set(triage={"at": last["step"], "path": path})
        return True


def _step(turn: Turn) -> Step | None:
    """The step whose question is open; a step that the file no longer has starts over."""
    at = (turn.get("triage") or {}).get("at")
    return tree().steps.get(at, tree().steps[tree().start]) if at else None


def _chosen(turn: Turn) -> str | None:
    step = _step(turn)
    answer = step.answer(turn.text, turn.yes_no) if step else None
    return answer.title if answer else None


def ends(turn: Turn) -> list[Answer]:
    """The answers that were given, the last one first."""
    steps = tree().steps
    path = reversed((turn.get("triage") or {}).get("path", []))
    known = [(steps[part["step"]], part["answer"]) for part in path if part["step"] in steps]
    return [answer for step, title in known for answer in step.answers if answer.title == title]


def _tried(turn: Turn) -> str:
    told = [answer.tried for answer in reversed(ends(turn)) if answer.tried]
    return f"What we know so far: {', '.join(told)}. " if told else ""


class ActionAskTriageAnswer(Action):
    """Asks the question of the step."""

    system = SYSTEM

    def name(self) -> str:
        """The action's name."""
        return "action_ask_triage_answer"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        """With the answers as buttons."""
        step = _step(Turn.of(dispatcher, tracker, domain or {}, "triage_form"))
        if step:
            buttons = [{"title": answer.title, "payload": answer.title} for answer in step.answers]
            dispatcher.utter_message(text=step.ask, buttons=buttons)
        return []


class ActionTriage(Task):
    """Reports the fault."""

    form, action, result = "triage_form", "action_triage", "Fault report"
    system = SYSTEM
    failure_text = (
        "Sorry, our fault desk didn't answer in time, so I can't promise that the fault is reported. "
        "Would you like me to get a person for you?"
    )

    def perform(self, turn: Turn) -> None:
        """Open a ticket with what was tried."""
        end = ends(turn)[0].ticket
        assert end is not None
        where = turn.get("outage_postcode")
        details = f"{_tried(turn)}{'' if where == UNKNOWN else f'Postcode: {where}.'}".strip()
        request = turn.request(end.subject, details)
        ticket = backends.tickets().open(turn.caller, "fault", end.subject, details, end.priority, request)
        turn.say(
            f"That's reported under {ticket.reference}, with everything we've tried. "
            f"You'll hear from our technical team by {promise(ticket.promised_by)}."
        )
