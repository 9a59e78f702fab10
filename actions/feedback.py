"""The skill `feedback`: how a customer found the conversation (CSAT, 1 to 5), asked once when it ends."""

import re
from typing import Any

from . import backends, parsing, pauses
from .fields import Field
from .forms import Form
from .tasks import Task
from .turns import ANSWERING, Phase, Turn

AGENT_CLOSED = "EXTERNAL_agent_closed"  # the desk asks for the rating of a conversation that an agent has closed
FAREWELL = 4  # words: "no, thank you, bye" is no comment, and more may be one
POOR = 2  # a rating up to this is followed by the offer of a person
_SCORES = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_SCORE = re.compile(
    r"^\D{0,25}?\b(?P<score>[1-5]|one|two|three|four|five)\b(?:\s*(?:/|out of)\s*(?:5|five))?\D{0,25}$",
    re.IGNORECASE,
)
_NOTHING = frozenset({"deny", "refuse", "goodbye", "thank"})


def score(text: str) -> int | None:
    """The rating in a reply such as "4", "five stars" or "3 out of 5"."""
    match = _SCORE.match(text.strip())
    return _SCORES.get(match["score"].lower()) or int(match["score"]) if match else None


def _comment(turn: Turn) -> str | None:
    nothing = turn.intent in _NOTHING or turn.yes_no is False
    return "" if nothing and len(turn.text.split()) <= FAREWELL else parsing.free_text(turn.text, limit=1000)


class ValidateFeedbackForm(Form):
    """Asks for a rating, keeps it at once, and then for a comment. A customer who says bye again is let go."""

    form = "feedback_form"
    title = "your feedback"
    fields = {
        "rating": Field(
            answer=lambda turn: score(turn.text),
            mention=lambda turn: score(turn.text) if turn.intent == "give_feedback" else None,
            complaint=lambda turn: "Sorry, I need a number from 1 (poor) to 5 (great), or say no thanks.",
        ),
        "feedback_comment": Field(
            answer=_comment,
            complaint=lambda turn: "Sorry, I didn't catch that.",
            skipped="",
            free=True,
        ),
    }
    wants = {"give_feedback": "to say how the conversation was"}
    own_intents = frozenset({"goodbye", "thank"})
    resumable = False
    system = "our feedback system"

    def check(self, turn: Turn) -> None:
        """Ask once a session; keep the rating as soon as it is given."""
        session = str(pauses.session(turn.tracker))
        if turn.phase is Phase.ACTIVATION:
            if turn.get("feedback_asked") == session and turn.intent not in self.wants:
                # When an agent has closed the conversation there is nothing to add to their goodbye.
                turn.finish() if turn.intent == AGENT_CLOSED else self._goodbye(turn)
                return
            turn.set(feedback_asked=session, paused=None)  # who says goodbye has done with what waited
        elif turn.requested == "rating" and turn.get("rating") is None and turn.intent in _NOTHING:
            self._goodbye(turn)
            return
        rating = turn.get("rating")
        new = turn.requested != "feedback_comment" and rating is not None
        if new and not backends.feedback().rate(turn.caller, session, int(rating)):
            turn.finish("Thank you, I've already kept your rating of this conversation.")

    def _failed_try(self, turn: Turn) -> None:
        """Ask once more, then let the customer go: nobody needs a person for this."""
        if turn.intent in _NOTHING or turn.get("tries"):
            self._goodbye(turn)
        else:
            super()._failed_try(turn)

    def refused(self, turn: Turn, slot: str) -> None:
        """No rating is fine too."""
        if slot == "rating":
            self._goodbye(turn)
        else:
            super().refused(turn, slot)

    def _interrupted(self, turn: Turn) -> bool:
        return turn.intent not in _NOTHING | ANSWERING and super()._interrupted(turn)

    @staticmethod
    def _goodbye(turn: Turn) -> None:
        turn.set(served=None)
        turn.respond("utter_goodbye")
        turn.finish()


class ActionFeedback(Task):
    """Thanks for the rating, and offers a person after a poor one."""

    form, action, result = "feedback_form", "action_feedback", "Rating"
    system = "our feedback system"

    def perform(self, turn: Turn) -> None:
        """Keep the comment; the rating is kept already."""
        comment: Any = turn.get("feedback_comment")
        if comment:
            backends.feedback().comment(turn.caller, str(pauses.session(turn.tracker)), comment)
        turn.set(served=None)
        if int(turn.get("rating")) <= POOR:
            turn.offer_person(
                "Thank you for telling us. I'm sorry it wasn't better. Would you like a person to look into it?",
                "customer_asked",
            )
        else:
            turn.say("Thank you for taking the time. Goodbye!")
