"""The next best actions: by the open task's rules, by the articles, and by what agents did before in such cases."""

from actions import parsing
from actions.backends.protocols import Level
from actions.copilot import practice, talk
from actions.copilot.models import NextAction, NextActions, Talk
from actions.copilot.practice import Case
from actions.copilot.run import remember
from actions.copilot.runnable import RUNNABLE, Runnable
from actions.copilot.who import MISSING, NAMES, acting
from actions.knowledge.answering import ON_TOPIC
from actions.knowledge.retrieve import Passage, retriever
from actions.policy.engine import redact

MOST = 5
FEW = 3  # like cases, below which a habit tells nothing
TICKET = "open_ticket"
TICKET_KINDS = {"report_problem": "fault", "dispute_charge": "dispute", "complain": "complaint"}
SUBJECT = 120  # characters


def next_actions(call: Talk) -> NextActions:
    """What can be done now, the best first, each with the reason. Raises `Refused` (403), Unavailable, PolicyError,
    ModelMissing, StoreError."""
    case = talk.case(call)
    remember(call.conversation, case)
    total, done = practice.counts(case)
    passage = _article(call)
    with acting(call.conversation, call.agent) as caller:
        level = caller.level
    found = [_described(a, call, case, level, total, done, passage) for a in _fitting(case, total, done)]
    return NextActions(actions=found[:MOST])


def _fitting(case: Case, total: int, done: dict[str, int]) -> list[Runnable]:
    """The task's actions, then what agents usually do, then a ticket; among the task's those that were run more often
    come first, and what changes nothing before what does."""
    habits = [name for name, number in done.items() if total >= FEW and number * 2 >= total and name in RUNNABLE]
    of_task = [action for action in RUNNABLE.values() if case.task in action.intents and action.id != TICKET]
    of_task.sort(key=lambda action: (action.changes, -done.get(action.id, 0)))
    others = sorted((RUNNABLE[name] for name in habits), key=lambda action: -done[action.id])
    return list({action.id: action for action in [*of_task, *others, RUNNABLE[TICKET]]}.values())


def _described(
    action: Runnable,
    call: Talk,
    case: Case,
    level: Level,
    total: int,
    done: dict[str, int],
    passage: Passage | None,
) -> NextAction:
    params = _params(action, call, case)
    allowed = level >= action.needs
    return NextAction(
        id=action.id,
        title=action.title,
        why=" ".join(_reasons(action, case, params, total, done, passage)),
        needs=NAMES[action.needs],
        allowed=allowed,
        blocked_by="" if allowed else MISSING[action.needs],
        params=params,
        changes=action.changes,
    )


def _params(action: Runnable, call: Talk, case: Case) -> dict[str, str | None]:
    """The action's values as far as the packet's slots, or the customer's own words, tell them."""
    told = talk.values(call)
    params = {
        name: next((told[slot] for slot in param.slots if slot in told), param.default)
        for name, param in action.params.items()
    }
    written = [turn.text for turn in reversed(call.turns) if turn.who == "customer"]
    if "order_number" in params and not params["order_number"]:
        params["order_number"] = next((n for text in written if (n := parsing.order_number(text))), None)
    if action.id == TICKET:
        issue = str((call.packet or {}).get("issue") or "") or redact(" ".join(talk.open_messages(call.turns)))
        params |= {"kind": TICKET_KINDS.get(case.task, "other"), "subject": issue[:SUBJECT] or None}
    return params


def _reasons(
    action: Runnable,
    case: Case,
    params: dict[str, str | None],
    total: int,
    done: dict[str, int],
    passage: Passage | None,
) -> list[str]:
    """Sentences on why this action: the task, what is missing, the habit, the article."""
    told = []
    form = talk.form_of(case.task)
    if form and case.task in action.intents:
        told.append(f"The customer wants {form.wants[case.task]}.")
    elif action.id == TICKET:
        told.append("The back office can look into it when nothing else helps.")
    missing = [action.params[name].label for name, value in params.items() if not value]
    if missing:
        told.append(f"Still needed: {'; '.join(missing)}.")
    if total >= FEW and done.get(action.id):
        told.append(f"Agents did this in {done[action.id]} of {total} such cases.")
    if passage and action.changes and action.id != TICKET and case.task in action.intents:
        told.append(f"The rules are in the article “{passage.title}”.")
    return told


def _article(call: Talk) -> Passage | None:
    """The passage that is nearest to what the customer wrote, when it is about that at all."""
    asked = redact(" ".join(talk.open_messages(call.turns)))
    found = retriever().search(asked, 1) if asked.strip() else []
    return found[0] if found and found[0].cosine >= ON_TOPIC else None
