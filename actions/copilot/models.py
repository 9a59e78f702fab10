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
