"""The copilot's calls, typed: what the action server answers is read into small records, whatever is missing in it.

Every call raises ActionsError with a sentence for the agent when the copilot cannot help.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from desk.actions_client import ActionsClient
from desk.conversations import transcript
from desk.database import Database
from desk.models import Conversation, User
from desk.sight import Sight
from desk.turns import numbers
from desk.vault import Vault

MOST_TURNS = 500
# A language model is given 6 seconds before its deterministic twin answers; a backend may need as long.
PATIENCE = 10.0
STYLES = {"shorter": "Shorter", "friendlier": "Friendlier", "simpler": "Simpler", "formal": "Formal"}


@dataclass(frozen=True)
class Source:
    """A passage of an article that a text rests on."""

    title: str
    article: str = ""
    passage: str = ""


@dataclass(frozen=True)
class Suggestion:
    """A reply that the agent may use."""

    text: str
    kind: str
    why: str
    sources: list[Source] = field(default_factory=list)


@dataclass(frozen=True)
class Passage:
    """A passage that the search found; one that is not `sendable` is for colleagues only."""

    title: str
    text: str
    context: str = ""
    article: str = ""
    valid_from: str = ""
    sendable: bool = False


@dataclass(frozen=True)
class NextAction:
    """Something that could be done now. `params`: value or "" where the agent has to say it."""

    id: str
    title: str
    why: str
    allowed: bool
    blocked_by: str = ""
    changes: bool = False
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DraftCheck:
    """What the policy says of a reply: `outcome` is allow, redact, replace, refuse or escalate."""

    outcome: str
    text: str
    rule: str = ""
    message: str = ""


@dataclass(frozen=True)
class Sentence:
    """A sentence of a summary and the turns that support it."""

    text: str
    turns: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class FollowUp:
    """Something to do after the conversation; `kind` is promise or follow_up, `due` an ISO date."""

    text: str
    due: str = ""
    kind: str = "follow_up"


@dataclass(frozen=True)
class Ticket:
    """A ticket for another team."""

    kind: str
    subject: str
    details: str = ""
    priority: str = "normal"


@dataclass(frozen=True)
class Draft:
    """A wrap-up, drafted for the agent to check."""

    summary: list[Sentence] = field(default_factory=list)
    disposition: str = ""
    follow_ups: list[FollowUp] = field(default_factory=list)
    ticket: Ticket | None = None
    note: str = ""


@dataclass(frozen=True)
class Article:
    """A drafted article, waiting for its review."""

    reference: str
    title: str
    markdown: str
    status: str = ""
    created_at: str = ""


@dataclass(frozen=True)
class Copilot:
    """The copilot of one agent."""

    actions: ActionsClient
    user: User

    async def suggest(self, talk: dict[str, Any]) -> list[Suggestion]:
        """Up to three replies to what the customer said last."""
        answer = await self.actions.post("/copilot/suggest", {**talk, "agent": self._agent()}, PATIENCE)
        return [
            Suggestion(_text(row, "text"), _text(row, "kind"), _text(row, "why"), _sources(row))
            for row in _rows(answer, "suggestions")
            if _text(row, "text")
        ][:3]

    async def search(self, query: str, sender_id: str) -> list[Passage]:
        """Passages of the articles, best first."""
        answer = await self.actions.post("/copilot/search", {"query": query, "conversation": sender_id})
        return [
            Passage(
                title=_text(row, "title"),
                text=_text(row, "text"),
                context=_text(row, "context"),
                article=_text(row, "article"),
                valid_from=_text(row, "valid_from"),
                sendable=row.get("sendable") is True,
            )
            for row in _rows(answer, "results")
        ]

    async def next_actions(self, talk: dict[str, Any]) -> list[NextAction]:
        """What could be done now, with the reasons."""
        answer = await self.actions.post("/copilot/next", {**talk, "agent": self._agent()})
        return [
            NextAction(
                id=_text(row, "id"),
                title=_text(row, "title"),
                why=_text(row, "why"),
                allowed=row.get("allowed") is True,
                blocked_by=_text(row, "blocked_by"),
                changes=row.get("changes") is not False,
                params=_params(row),
            )
            for row in _rows(answer, "actions")
            if _text(row, "id")
        ]

    async def run(self, conversation: Conversation, action: str, params: dict[str, str], request: str) -> str:
        """Do it and say what came of it; the same `request` is never done twice."""
        answer = await self.actions.post(
            "/copilot/run",
            {
                "conversation": conversation.sender_id,
                "action": action,
                "params": params,
                "agent": self._agent(),
                "request": request,
                "packet": conversation.handoff,
            },
            PATIENCE,
        )
        return _text(answer, "result")

    async def rewrite(self, text: str, style: str) -> str:
        """The text in another style; refused when its facts would not survive."""
        return _text(await self.actions.post("/copilot/rewrite", {"text": text, "style": style}, PATIENCE), "text")

    async def check(self, text: str, talk: dict[str, Any]) -> DraftCheck:
        """What the policy says of a reply before it is sent."""
        asked = {"text": text, "conversation": talk["conversation"], "turns": talk["turns"], "agent": self._agent()}
        answer = await self.actions.post("/copilot/draft", asked)
        return DraftCheck(
            _text(answer, "outcome"), _text(answer, "text"), _text(answer, "rule"), _text(answer, "message")
        )

    async def wrap_up(self, talk: dict[str, Any]) -> Draft:
        """A wrap-up to check and confirm."""
        answer = await self.actions.post("/copilot/wrap-up", {**talk, "agent": self._agent()}, PATIENCE)
        ticket = answer.get("ticket")
        return Draft(
            summary=[Sentence(_text(row, "text"), _numbers(row.get("turns"))) for row in _rows(answer, "summary")],
            disposition=_text(answer, "disposition"),
            follow_ups=[
                FollowUp(_text(row, "text"), _text(row, "due")[:10], _text(row, "kind") or "follow_up")
                for row in _rows(answer, "follow_ups")
            ],
            ticket=_ticket(ticket) if isinstance(ticket, dict) else None,
            note=_text(answer, "note"),
        )

    async def confirm(self, sender_id: str, content: dict[str, Any], request: str) -> str:
        """Write the wrap-up's ticket and note to the systems; the ticket's reference, or "" if there is none."""
        answer = await self.actions.post(
            "/copilot/wrap-up/confirm",
            {"conversation": sender_id, "agent": self._agent(), "request": request, **content},
            PATIENCE,
        )
        return _text(answer, "ticket")

    async def draft_article(self, sender_id: str, talk: dict[str, Any], summary: str) -> Article:
        """An article made of a solved conversation; it is stored for review, not published."""
        content = {"conversation": sender_id, "turns": talk["turns"], "summary": summary, "agent": self._agent()}
        return _article(await self.actions.post("/copilot/article", content, PATIENCE))

    async def articles(self) -> list[Article]:
        """The drafts that wait for a review."""
        answer = await self.actions.get("/copilot/articles")
        return [_article(row) for row in _rows(answer, "articles") if _text(row, "reference")]

    async def decide(self, reference: str, decision: str, **more: str) -> None:
        """Accept or reject a drafted article."""
        await self.actions.post(
            f"/copilot/articles/{quote(reference, safe='')}", {"decision": decision, "agent": self._agent(), **more}
        )

    async def slots(self, task: str) -> dict[str, str]:
        """Names and labels of what a task asks the customer for."""
        answer = await self.actions.get("/copilot/slots", {"task": task})
        return {_text(row, "name"): _text(row, "label") for row in _rows(answer, "slots") if _text(row, "name")}

    async def check_slot(self, name: str, value: str) -> Any:
        """The value as the task keeps it (any JSON); refused with a sentence when it cannot be one."""
        return (await self.actions.post("/copilot/slots/check", {"name": name, "value": value})).get("value")

    def _agent(self) -> dict[str, str]:
        return {"name": self.user.name, "first_name": self.user.first_name, "role": self.user.role}


async def talk(database: Database, vault: Vault, conversation: Conversation) -> tuple[dict[str, Any], list[str]]:
    """The conversation as the copilot takes it, from the session of the handoff on, and the anchors of its turns.

    The copilot works for the agent who has the conversation, and like them with values instead of tokens.

    Anchor `n - 1` is the id of the element that shows turn n. A new session goes on counting: to the agent it is one
    conversation.
    """
    counted = await numbers(database, conversation)
    rows: list[dict[str, Any]] = []
    anchors: list[str] = []
    messages = await transcript(database, conversation.id)
    await Sight(vault).show(conversation.sender_id, messages)
    for message in messages:
        if counted.sessions.get(message.id, 0) < counted.linked:
            continue
        if message.who == "customer":
            anchors.append(counted.anchor(message.id))
        row = {"n": len(anchors), "who": message.who, "text": message.text, "at": message.at.isoformat()}
        rows.append(row | ({"intent": message.intent} if message.intent else {}))
    return {
        "conversation": conversation.sender_id,
        "turns": rows[-MOST_TURNS:],
        "packet": await vault.reveal(conversation.sender_id, conversation.handoff),
    }, anchors


def _article(row: dict[str, Any]) -> Article:
    return Article(
        _text(row, "reference"),
        _text(row, "title"),
        _text(row, "markdown"),
        _text(row, "status"),
        _text(row, "created_at") or _text(row, "at"),
    )


def _ticket(row: dict[str, Any]) -> Ticket:
    return Ticket(_text(row, "kind"), _text(row, "subject"), _text(row, "details"), _text(row, "priority") or "normal")


def _sources(row: dict[str, Any]) -> list[Source]:
    return [
        Source(_text(source, "title"), _text(source, "article"), _text(source, "passage"))
        for source in _rows(row, "sources")
        if _text(source, "title")
    ]


def _params(row: dict[str, Any]) -> dict[str, str]:
    params = row.get("params")
    return {str(name): _text(params, name) for name in params} if isinstance(params, dict) else {}


def _rows(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = answer.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _numbers(value: Any) -> list[int]:
    return [number for number in value if isinstance(number, int)] if isinstance(value, list) else []


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()
