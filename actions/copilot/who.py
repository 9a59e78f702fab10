"""For whom the copilot reads and acts: the customer's identity, with the agent as the actor of the audit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from actions import assurance
from actions.backends.protocols import Identity, Level
from actions.copilot.calls import Refused
from actions.copilot.models import Agent

LevelName = Literal["none", "known", "verified", "step-up"]
NAMES: dict[Level, LevelName] = {
    Level.NONE: "none",
    Level.KNOWN: "known",
    Level.VERIFIED: "verified",
    Level.STEP_UP: "step-up",
}
ACTING = frozenset({"agent", "supervisor", "admin"})
READING = ACTING | {"auditor"}

MISSING = {
    Level.KNOWN: "The customer has not shown anything yet: ask for the order number and the delivery postcode, or hand "
    "back to the assistant, which checks them.",
    Level.VERIFIED: "The customer is not verified: hand back to the assistant, which asks for the account number and "
    "the postcode.",
    Level.STEP_UP: "The customer has not proven it with a one-time code yet: send one first.",
}


@contextmanager
def acting(conversation: str, agent: Agent, roles: frozenset[str] = ACTING) -> Iterator[Identity]:
    """The customer's identity while `agent` reads and acts for them. Raises `Refused` (403) for another role."""
    if agent.role not in roles:
        raise Refused(403, f"The role {agent.role} may not do this: ask a colleague who talks to customers.")
    with assurance.for_agent(conversation, agent.name) as caller:
        yield caller
