"""What a customer may say about a delivery: the day, the address, and which of them is to change."""

import re
from datetime import date

from . import addresses, parsing
from .fields import Field
from .forms import CHANGE, CONFIRMED
from .orders_choice import ORDER
from .orders_days import offered_days, wanted_days
from .speech import short_date
from .turns import Turn

DAY, ADDRESS = "day", "address"
PLACE = ("delivery_street", "delivery_town", "delivery_postcode")
_ABOUT_DAY = re.compile(
    r"\b(?:days?|dates?|slot|when|later|earlier|sooner|reschedul\w+|rearrang\w+|delay|postpone|next week|hold)\b",
    re.IGNORECASE,
)
_ABOUT_ADDRESS = re.compile(
    r"\b(?:add?ress|post ?code|somewhere else|redirect|moved house|neighbour|parcel shop|"
    r"(?:different|another|other|wrong|old) (?:place|house|flat)|where (?:it|my|the)\b.*\b(?:going|delivered|goes)|"
    r"(?:to|at) (?:my|our|his|her) (?!order|parcel|delivery|phone|router)\w+)\b",
    re.IGNORECASE,
)
_GOES_TO = re.compile(r"(?<!going )\b(?:to|should be|instead)\b", re.IGNORECASE)


def new_postcode(text: str) -> str | None:
    """The postcode of a new address, such as in "send it to EH3 9QN instead"; not one that proves an account."""
    code = parsing.postcode(text)
    return code if code and _GOES_TO.search(text) and not parsing.account_number(text) else None


def changes_mind(turn: Turn) -> bool:
    """Whether the message may say something beside the answer to the question."""
    return turn.requested in (None, CONFIRMED, CHANGE) or turn.intent in ("correct", "change_delivery")


def _what(turn: Turn) -> str | None:
    text = turn.text
    day = bool(_ABOUT_DAY.search(text)) or bool(wanted_days(text))
    place = bool(_ABOUT_ADDRESS.search(text) or addresses.mentioned(text).street or new_postcode(text))
    return None if day == place else DAY if day else ADDRESS


def _mentioned_what(turn: Turn) -> str | None:
    return _what(turn) if changes_mind(turn) else None


def _day(turn: Turn) -> str | None:
    """The one day that the message names, or chooses from those on offer, as an ISO date."""
    wanted = wanted_days(turn.text)
    if wanted:
        return min(wanted).isoformat() if len(wanted) == 1 else None
    shown = offered_days(turn.tracker)
    position = parsing.choice(turn.text, len(shown))
    return shown[position].isoformat() if position is not None else None


def _mentioned_day(turn: Turn) -> str | None:
    return _day(turn) if changes_mind(turn) and wanted_days(turn.text) else None


def _parts(turn: Turn) -> addresses.Parts:
    """The parts of the new address in a message."""
    if turn.requested == "delivery_street" and not turn.about_the_question:
        return addresses.answered(turn.text)
    return addresses.mentioned(turn.text) if changes_mind(turn) else addresses.Parts()


FIELDS = {
    "order_number": ORDER,
    "delivery_change": Field(
        answer=_what,
        mention=_mentioned_what,
        complaint=lambda turn: "Sorry, I can change the day or the address.",
        clears=("delivery_day", *PLACE),
    ),
    "delivery_day": Field(
        answer=_day,
        mention=_mentioned_day,
        complaint=lambda turn: "Sorry, I didn't catch which day you'd like.",
        label="the day",
        names="day|date",
        show=lambda day: short_date(date.fromisoformat(day)),
    ),
    "delivery_street": Field(
        answer=lambda turn: _parts(turn).street,
        mention=lambda turn: _parts(turn).street,
        complaint=lambda turn: "Sorry, I need a house, a street and a town, such as 12 Park Lane, Leeds.",
        label="the address",
        names="address|street|house",
    ),
    "delivery_town": Field(
        answer=lambda turn: addresses.town(turn.text),
        mention=lambda turn: _parts(turn).town,
        complaint=lambda turn: "Sorry, I need the name of the town, such as Leeds.",
        label="the town",
        names="town|city",
    ),
    "delivery_postcode": Field(
        answer=lambda turn: parsing.postcode(turn.text),
        complaint=lambda turn: "Sorry, I can't read that as a UK postcode, such as LS1 4AP.",
        label="the postcode",
        names=r"post ?code",
    ),
}
