"""What the copilot's endpoints take and give.

Times are ISO 8601; a packet is the handoff's (actions/handoff.schema.json).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_TURNS = 500
Text = Annotated[str, Field(max_length=20_000)]
Conversation = Annotated[str, Field(min_length=1, max_length=200, description="the conversation's id")]


class Given(BaseModel):
    """What comes from outside: unknown fields are ignored, so that a newer desk can talk to this server."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


class Agent(Given):
    """The person who asks; stands in the audit of every access to customer data."""

    name: str = Field(min_length=1, max_length=200)
    first_name: str = Field(default="", max_length=100)
    role: Literal["agent", "supervisor", "designer", "auditor", "admin"] = "agent"


class Turn(Given):
    """One thing that was said. `n` counts the customer's messages of the session from 1; what follows one shares it."""

    n: int = Field(default=0, ge=0)
    who: Literal["customer", "bot", "agent", "system"]
    text: Text = ""
    at: str = ""
    intent: str | None = None
    action: str | None = None


Turns = Annotated[list[Turn], Field(max_length=MOST_TURNS, description="oldest first")]
Packet = Annotated[dict[str, Any] | None, Field(description="the handoff's packet, if there is one")]


class Talk(Given):
    """A conversation as the desk has it."""

    conversation: Conversation
    turns: Turns
    packet: Packet = None
    agent: Agent


class Source(BaseModel):
    """A passage that a suggestion rests on."""

    title: str
    article: str
    passage: str


class Suggestion(BaseModel):
    """A reply to insert. `id` is the same for the same text; `why` is for the agent."""

    id: str
    text: str
    kind: Literal["answer", "ask", "action", "canned"]
    sources: list[Source] = []
    why: str


class Suggestions(BaseModel):
    """At most three, the best first; `by` says who wrote the answer among them."""

    suggestions: list[Suggestion]
    by: Literal["model", "twin"]


class Query(Given):
    """What to look for."""

    query: str = Field(min_length=1, max_length=500)
    conversation: str | None = Field(default=None, max_length=200)
    k: int = Field(default=5, ge=1, le=20)


class Found(BaseModel):
    """A passage. `context` is its title and headings; only what is `sendable` may be read by customers."""

    id: str
    title: str
    article: str
    text: str
    context: str
    audience: str
    valid_from: str
    score: float
    sendable: bool


class Results(BaseModel):
    """The passages, best first."""

    results: list[Found]


class NextAction(BaseModel):
    """Something that can be done now; `params` are filled as far as the conversation tells them.

    `allowed` is False as long as `blocked_by` (a sentence) holds.
    """

    id: str
    title: str
    why: str
    needs: Literal["none", "known", "verified", "step-up"]
    allowed: bool
    blocked_by: str
    params: dict[str, str | None]
    changes: bool


class NextActions(BaseModel):
    """The best first."""

    actions: list[NextAction]


class RunCall(Given):
    """An agent's click. `request` is the same when the same click is sent again; with the packet, the case that the
    action was for is kept."""

    conversation: Conversation
    action: str = Field(min_length=1, max_length=60)
    params: dict[str, str | None] = Field(default={}, max_length=20)
    agent: Agent
    request: str = Field(min_length=8, max_length=200)
    packet: Packet = None


class RunResult(BaseModel):
    """What came of it, in a sentence for the agent."""

    result: str


class RewriteCall(Given):
    """A text to write anew."""

    text: str = Field(min_length=1, max_length=3000)
    style: Literal["shorter", "friendlier", "simpler", "formal"]


class Rewritten(BaseModel):
    """The new text, with every number, name, amount, date, link and fixed wording of the old one."""

    text: str
    by: Literal["model", "twin"]


class DraftCall(Given):
    """What an agent is about to send."""

    text: str = Field(min_length=1, max_length=20_000)
    conversation: Conversation
    agent: Agent
    turns: Turns = []


class DraftChecked(BaseModel):
    """What the policy says: `text` is what may be sent (empty when nothing may), `message` a sentence for the agent."""

    outcome: Literal["allow", "redact", "replace", "refuse", "escalate"]
    rule: str
    text: str
    message: str


class CustomerCall(Given):
    """Whose data, for whom."""

    conversation: Conversation
    agent: Agent


class Shown(BaseModel):
    """One detail; `masked` when it is not shown whole."""

    label: str
    value: str
    masked: bool


class Line(BaseModel):
    """An order, a ticket or a visit."""

    label: str
    value: str


class CustomerData(BaseModel):
    """What the conversation has proven enough for; nothing else is read."""

    level: Literal["none", "known", "verified", "step-up"]
    fields: list[Shown]
    orders: list[Line]
    tickets: list[Line]
    visits: list[Line]
    balance: str | None = None
