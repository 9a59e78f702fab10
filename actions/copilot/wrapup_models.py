"""What the endpoints for the end of a conversation take and give. Days are ISO 8601 dates in London."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from actions.backends.protocols import Priority, TicketKind
from actions.copilot.models import Agent, Conversation, Given, Text, Turns
from actions.copilot.wrapup import Disposition


class Sentence(Given):
    """A sentence of the summary with the numbers of the turns that show it."""

    text: str
    turns: list[int] = []


class FollowUp(Given):
    """Something to do: a promise that was made to the customer in turn `turn`, or what else is left."""

    text: str = Field(min_length=1, max_length=2000)
    due: date
    kind: Literal["promise", "follow_up"] = "follow_up"
    turn: int = Field(default=0, ge=0)


class Ticket(Given):
    """A ticket for the back office."""

    kind: TicketKind
    subject: str = Field(min_length=1, max_length=200)
    details: str = Field(default="", max_length=4000)
    priority: Priority = "normal"


class Proposal(BaseModel):
    """A wrap-up to change and confirm; `why` tells what the disposition rests on, `by` who wrote the summary."""

    summary: list[Sentence]
    disposition: Disposition
    why: str
    follow_ups: list[FollowUp]
    ticket: Ticket | None
    note: str
    by: Literal["model", "twin"]


class Confirm(Given):
    """The wrap-up as the agent wants it. The same `request` is done once."""

    conversation: Conversation
    agent: Agent
    summary: Text = ""
    disposition: str = Field(pattern=r"^[a-z_]{1,40}$", description="the desk's own word for how it ended")
    follow_ups: list[FollowUp] = Field(default=[], max_length=50)
    ticket: Ticket | None = None
    note: Text = ""
    request: str = Field(min_length=1, max_length=200)


class Confirmed(BaseModel):
    """The references of what was written to the back office."""

    ticket: str | None
    note: str


class ArticleCall(Given):
    """A solved conversation to make a draft of."""

    conversation: Conversation
    turns: Turns
    summary: Annotated[Text | list[Sentence], Field(description="the confirmed summary, as text or sentences")] = ""
    agent: Agent


class Article(BaseModel):
    """A draft that waits for review."""

    reference: str
    title: str
    markdown: str


class Waiting(Article):
    """A draft in the list for reviewers."""

    conversation: str
    agent: str
    at: str


class Articles(BaseModel):
    """The drafts that wait, the oldest first."""

    articles: list[Waiting]


class Decision(Given):
    """A reviewer's decision."""

    decision: Literal["accept", "reject"]
    agent: Agent


class Decided(BaseModel):
    """What became of a draft; `file` is the name of the Markdown file below var/drafts/accepted, "" when rejected."""

    reference: str
    status: Literal["accepted", "rejected"]
    file: str


class SlotsQuery(Given):
    """Of which task: the intent that starts it."""

    task: str = Field(min_length=1, max_length=100)


class Slot(BaseModel):
    """A slot that an agent may fill."""

    name: str
    label: str


class Slots(BaseModel):
    """The slots of a task that an agent may fill, in the order in which the assistant asks for them."""

    slots: list[Slot]


class SlotCheck(Given):
    """A value to check."""

    name: str = Field(min_length=1, max_length=100)
    value: str = Field(max_length=2000)


class SlotValue(BaseModel):
    """The value as the assistant keeps it: put it into the slot as it is."""

    value: Any
