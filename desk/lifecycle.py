"""Who has a conversation: bot → queue → agent → wrap_up → bot | closed, as one table. Pure, no database.

A conversation is in exactly one phase, and in each phase exactly one side may speak: that is its owner. The tracker's
slot `owner` knows three of them; wrap-up is an agent's and a closed conversation is the assistant's, so the slot of
both follows from the phase.
"""

from typing import Final

BOT: Final = "bot"
QUEUE: Final = "queue"
AGENT: Final = "agent"
WRAP_UP: Final = "wrap_up"
CLOSED: Final = "closed"
PHASES: Final = (BOT, QUEUE, AGENT, WRAP_UP, CLOSED)

OWNERS: Final = {BOT: "bot", QUEUE: "queue", AGENT: "agent", WRAP_UP: "agent", CLOSED: "bot"}
"""Phase to the value of the tracker's slot `owner`."""


class Refused(Exception):
    """This cannot be done now; the message says why."""


_NEXT: Final = {
    # An agent, or the desk for them.
    (BOT, "take"): AGENT,
    (QUEUE, "take"): AGENT,
    (AGENT, "take"): AGENT,
    (WRAP_UP, "take"): AGENT,
    (CLOSED, "take"): AGENT,
    (AGENT, "reply"): AGENT,
    (QUEUE, "to_queue"): QUEUE,
    (AGENT, "to_queue"): QUEUE,
    (WRAP_UP, "to_queue"): QUEUE,
    (AGENT, "to_agent"): AGENT,
    (WRAP_UP, "to_agent"): AGENT,
    (AGENT, "start_wrap_up"): WRAP_UP,
    (WRAP_UP, "resume"): AGENT,
    (AGENT, "hand_back"): BOT,
    (WRAP_UP, "hand_back"): BOT,
    (AGENT, "close"): CLOSED,
    (WRAP_UP, "close"): CLOSED,
    # The customer: a message during wrap-up goes to the agent who is still there, after it to the assistant.
    (BOT, "message"): BOT,
    (QUEUE, "message"): QUEUE,
    (AGENT, "message"): AGENT,
    (WRAP_UP, "message"): AGENT,
    (CLOSED, "message"): BOT,
    # What the tracker says. It knows less than the desk: its `agent` may be wrap-up, its `bot` may be closed.
    (BOT, "owner:bot"): BOT,
    (QUEUE, "owner:bot"): BOT,
    (AGENT, "owner:bot"): BOT,
    (WRAP_UP, "owner:bot"): BOT,
    (CLOSED, "owner:bot"): CLOSED,
    (BOT, "owner:queue"): QUEUE,
    (QUEUE, "owner:queue"): QUEUE,
    (AGENT, "owner:queue"): QUEUE,
    (WRAP_UP, "owner:queue"): QUEUE,
    (CLOSED, "owner:queue"): QUEUE,
    (BOT, "owner:agent"): AGENT,
    (QUEUE, "owner:agent"): AGENT,
    (AGENT, "owner:agent"): AGENT,
    (WRAP_UP, "owner:agent"): WRAP_UP,
    (CLOSED, "owner:agent"): AGENT,
}

TRIGGERS: Final = tuple(dict.fromkeys(trigger for _, trigger in _NEXT))

_REFUSALS: Final = {
    BOT: "The assistant has this conversation: take it over first.",
    QUEUE: "Take the conversation over first.",
    AGENT: "You are still talking to the customer: start the wrap-up first.",
    WRAP_UP: "You are wrapping this conversation up: go back to it before you write to the customer.",
    CLOSED: "This conversation is closed: take it over to write to the customer.",
}


def after(phase: str, trigger: str) -> str:
    """The phase that the trigger leads to; raises Refused with a sentence for the agent."""
    try:
        return _NEXT[phase, trigger]
    except KeyError:
        raise Refused(_REFUSALS[phase]) from None
