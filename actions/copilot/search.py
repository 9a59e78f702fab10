"""Knowledge search for agents: the bot's retriever, with what is for colleagues alone beside what may be sent."""

from datetime import datetime

from actions.copilot.models import Found, Query, Results
from actions.knowledge.retrieve import Passage, retriever
from actions.policy.engine import check_passage


def search(call: Query) -> Results:
    """The best passages for a query, by an agent's audience; one that holds instructions is left out.

    Raises ModelMissing, StoreError, PolicyError.
    """
    passages = retriever().for_agents(call.query, call.k)
    return Results(results=[_found(p) for p in passages if check_passage(f"{p.context}\n{p.text}").allowed])


def _found(passage: Passage) -> Found:
    day = datetime.strptime(str(passage.valid_from), "%Y%m%d").date()
    return Found(
        id=f"{passage.article}#{passage.position}",
        title=passage.title,
        article=passage.article,
        text=passage.text,
        context=passage.context,
        audience=passage.audience,
        valid_from=day.isoformat(),
        score=round(passage.score, 3),
        sendable=passage.audience == "public",
    )
