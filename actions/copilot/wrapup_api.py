"""The end of a conversation over HTTP: wrap-up, article drafts, and slots for the hand-back to the assistant."""

from sanic import Blueprint

from actions import backends
from actions.backends.protocols import BackendError, Invalid, Unavailable
from actions.backends.rules import RulesProblem
from actions.copilot import articles, slots, summary, wrapup
from actions.copilot import wrapup_models as models
from actions.copilot.calls import Refused, endpoint
from actions.copilot.models import Talk
from actions.copilot.who import ACTING, acting
from actions.llm import chat_model
from actions.logs import conversation_ref, get_logger
from actions.speech import short_date

log = get_logger(__name__)

REVIEWING = frozenset({"supervisor", "designer", "admin"})
_ROLE = {403: "The role may not do this."}

blueprint = Blueprint("copilot_wrapup", url_prefix="/copilot")


@endpoint(
    blueprint,
    "POST",
    "/wrap-up",
    Talk,
    models.Proposal,
    "Propose a wrap-up",
    about="Summary, disposition, promises with due days, ticket and note. Nothing is written.",
)
def propose(call: Talk) -> models.Proposal:
    """The wrap-up of a conversation."""
    try:
        return models.Proposal.model_validate(wrapup.propose(call.turns, call.packet, chat_model()))
    except RulesProblem as error:
        log.error("rules_unavailable", extra={"reason": str(error)})
        raise Refused(503, "The calendar of working days cannot be used: the action server's log says why.") from error


@endpoint(
    blueprint,
    "POST",
    "/wrap-up/confirm",
    models.Confirm,
    models.Confirmed,
    "Write a wrap-up to the back office",
    about="After the agent's confirmation. The same `request` writes its ticket and note once.",
    errors=_ROLE,
)
def confirm(call: models.Confirm) -> models.Confirmed:
    """Open the ticket and keep the note, in the agent's name."""
    with acting(call.conversation, call.agent) as caller:
        try:
            reference = None
            if call.ticket:
                asked = call.ticket
                subject, details = summary.without_secrets(asked.subject), summary.without_secrets(asked.details)
                opened = backends.tickets().open(caller, asked.kind, subject, details, asked.priority, call.request)
                reference = opened.reference
            text = summary.without_secrets(_note(call, reference))
            kept = backends.notes().add(caller, text, call.disposition, call.agent.name, call.request)
        except Invalid as error:
            raise Refused(422, str(error)) from error
        except Unavailable:
            raise
        except BackendError as error:
            raise Refused(409, "The back office did not take it: please check the ticket and the note.") from error
    fields = {"conversation": conversation_ref(call.conversation), "disposition": call.disposition}
    log.info("wrapped_up", extra=fields | {"ticket": bool(reference), "follow_ups": len(call.follow_ups)})
    return models.Confirmed(ticket=reference, note=kept)


def _note(call: models.Confirm, ticket: str | None) -> str:
    """The agent's note, or the summary, with what it does not tell yet: what is to do, and the ticket."""
    text = call.note or call.summary
    left = [f"- by {short_date(f.due)}: {f.text}" for f in call.follow_ups if f.text not in text]
    lines = [text, *(["To do:"] if left else []), *left, *([f"Ticket: {ticket}."] if ticket else [])]
    return "\n".join(line for line in lines if line)


@endpoint(
    blueprint,
    "POST",
    "/article",
    models.ArticleCall,
    models.Article,
    "Draft an article",
    about="From what the agent told, without personal data; kept for review, and never published by itself.",
    errors=_ROLE | {422: "Nothing in the conversation would help others, or a field cannot be taken."},
)
def draft(call: models.ArticleCall) -> models.Article:
    """A draft of a knowledge article from a solved conversation."""
    told = call.summary if isinstance(call.summary, str) else " ".join(s.text for s in call.summary)
    if call.agent.role not in ACTING:
        raise Refused(
            403, f"The role {call.agent.role} may not draft articles: ask a colleague who talks to customers."
        )
    try:
        made = articles.write(call.conversation, call.turns, told, call.agent.name)
    except articles.NoArticle as error:
        raise Refused(422, str(error)) from error
    return models.Article(reference=made.reference, title=made.title, markdown=made.markdown)


@endpoint(blueprint, "GET", "/articles", None, models.Articles, "Drafts that wait for review")
def waiting() -> models.Articles:
    """The drafts of articles that wait for a reviewer."""
    fields = models.Waiting.model_fields
    drafts = articles.waiting()
    return models.Articles(articles=[models.Waiting(**{name: getattr(d, name) for name in fields}) for d in drafts])


@endpoint(
    blueprint,
    "POST",
    "/articles/<reference:str>",
    models.Decision,
    models.Decided,
    "Accept or reject a draft",
    about="An accepted one is written to var/drafts/accepted, from where a content person commits it to knowledge/.",
    errors=_ROLE | {404: "There is no such draft.", 409: "Somebody has decided otherwise."},
)
def decide(call: models.Decision, reference: str) -> models.Decided:
    """A reviewer's decision on a draft."""
    if call.agent.role not in REVIEWING:
        raise Refused(403, f"The role {call.agent.role} may not review articles: ask a designer or a supervisor.")
    found = articles.find(reference)
    if found is None:
        raise Refused(404, "There is no such draft: load the list again.")
    try:
        done = articles.decide(found, call.decision, call.agent.name)
    except articles.Decided as error:
        raise Refused(409, f"This draft was {found.status} by {found.reviewer} already.") from error
    return models.Decided.model_validate(done, from_attributes=True)


@endpoint(blueprint, "GET", "/slots", models.SlotsQuery, models.Slots, "Slots that an agent may fill")
def settable(call: models.SlotsQuery) -> models.Slots:
    """The slots of a task that an agent may fill before the hand-back."""
    return models.Slots(slots=[models.Slot(name=name, label=label) for name, label in slots.settable(call.task)])


@endpoint(
    blueprint,
    "POST",
    "/slots/check",
    models.SlotCheck,
    models.SlotValue,
    "Check a slot's value",
    about="Read by the assistant's own parser. What shows who the customer is can never be set.",
)
def check(call: models.SlotCheck) -> models.SlotValue:
    """The value of a slot as the assistant keeps it."""
    value, problem = slots.check(call.name, call.value)
    if problem:
        raise Refused(422, problem)
    return models.SlotValue(value=value)
