"""The details of a customer that can be changed: how they are named, read, written, masked and checked."""

import re
from collections.abc import Callable
from typing import Any

from . import addresses, parsing
from .backends import Address, Change, Contact, Invalid, Recipient
from .backends.contacts import cleaned, masked
from .fields import Field
from .speech import clock_time, short_date
from .turns import Turn

# field of `Customers.change`: what the customer calls it
NAMES = {
    "address": "your address",
    "email": "your e-mail address",
    "phone": "your phone number",
    "marketing": "your choice about marketing",
}
TITLES = {"address": "Address", "email": "E-mail address", "phone": "Phone number", "marketing": "Marketing"}
INTENTS = {
    "change_address": "address",
    "change_email": "email",
    "change_phone": "phone",
    "change_consent": "marketing",
}
SLOTS = {
    "address": ("new_address", "new_town", "new_postcode"),
    "email": ("new_email",),
    "phone": ("new_phone",),
    "marketing": ("new_marketing",),
}
# The most telling word first: an e-mail address is an address, too, and marketing comes by e-mail.
_WORDS = {
    "marketing": r"marketing|offers?|promo\w*|adverts?|advertising|deals?|newsletters?|consent|preferences?|spam\w*|"
    r"junk|mailing list|unsubscribe|opt(?:ed|ing)?",
    "email": r"e-?mails?|inbox|mail address",
    "phone": r"(?:tele)?phone|mobile|landline|(?:my|contact|new|old|the|that) number|number",
    "address": r"address|moved?|moving|house|home|flat|street|post ?code|post|letters?|live",
}
_GENERAL = re.compile(r"\b(?:details?|information|info|records?|something|things?|account|profile)\b", re.IGNORECASE)

_EMAIL = re.compile(r"[^\s<>,;:()\"]+@[^\s<>,;:()\"]+")
_PHONE = re.compile(r"(?<![\w+@.])(?:\+44|0044|\(?0)[\d\s().\-]{8,16}\d(?!\w)")
_OFF = re.compile(
    r"\b(?:stop|no|none|not|don['’]?t|do not|without|unsub\w*|opt(?:ed|ing)?(?: me)? out|opt \w+ out|remove|off|"
    r"withdraw|quit|cancel|fed up|sick of|fewer|less|unwanted|spam\w*|junk)\b",
    re.IGNORECASE,
)
_ON = re.compile(
    r"\b(?:opt(?:ed|ing)?(?: me)?(?: back)? in|sign (?:me|us) up|subscribe|start|yes|on|again|happy|ok(?:ay)?|like|"
    r"want|receive|get|can|back|add me|put me)\b",
    re.IGNORECASE,
)
_ANSWER_ON = re.compile(r"^\W*(?:turn (?:it|them) )?on\W*$|\b(?:send me|i(?:'|’)?d like)\b", re.IGNORECASE)


def named(text: str) -> str | None:
    """The detail that a text speaks of."""
    return next((field for field, words in _WORDS.items() if re.search(rf"\b(?:{words})\b", text, re.IGNORECASE)), None)


def of_message(turn: Turn) -> str | None:
    """The detail that a message asks to change; None when it asks for no particular one."""
    field = INTENTS.get(turn.intent or "")
    if field and _GENERAL.search(turn.text) and named(turn.text) is None and not values_in(turn):
        return None
    return field


def email(text: str) -> str | None:
    """The last e-mail address in a text: "from the old one to the new one"."""
    return _last(_EMAIL, "email", text)


def phone(text: str) -> str | None:
    """The last UK phone number in a text, as it is written in the country."""
    return _last(_PHONE, "phone", text)


def _last(pattern: re.Pattern[str], field: Any, text: str) -> str | None:
    for found in reversed(pattern.findall(text[: parsing.MAX_TEXT])):
        try:
            return cleaned(field, found.strip(" .!?'"))
        except Invalid:
            continue
    return None


def marketing(turn: Turn) -> bool | None:
    """Whether a message asks for marketing (True) or wants no more of it (False)."""
    if turn.intent != "change_consent":
        return None
    text = re.sub(r"\bno problem\b", "", turn.text, flags=re.IGNORECASE)
    if re.search(r"\b(?:preferences|settings|what you send|change my consent)\b", text, re.IGNORECASE):
        return None
    if _OFF.search(text):
        return False
    return True if _ON.search(text) else None


def _marketing_answer(turn: Turn) -> bool | None:
    said = turn.yes_no
    if said is not None:
        return said
    if _OFF.search(turn.text):
        return False
    return True if _ANSWER_ON.search(turn.text) else marketing(turn)


def values_in(turn: Turn) -> dict[str, Any]:
    """The new values that a message gives of its own accord, by slot."""
    found = addresses.mentioned(turn.text)
    values = {
        "new_address": found.street,
        "new_town": found.town,
        "new_postcode": found.postcode if found.street else None,
        "new_email": email(turn.text),
        "new_phone": phone(turn.text),
        "new_marketing": marketing(turn),
    }
    return {slot: value for slot, value in values.items() if value is not None}


def _from_message(slot: str) -> Callable[[Turn], Any]:
    return lambda turn: values_in(turn).get(slot)


def _which(turn: Turn) -> str | None:
    return named(turn.text) or INTENTS.get(turn.intent or "")


def _address_complaint(turn: Turn) -> str:
    return "Sorry, I can't read that as an address. I need the house and the street, such as 12 Park Lane, Leeds."


FIELDS = {
    "contact_field": Field(
        answer=_which,
        complaint=lambda turn: "Sorry, I can change your address, e-mail address, phone number or marketing.",
    ),
    "new_address": Field(
        answer=lambda turn: addresses.answered(turn.text).street,
        mention=_from_message("new_address"),
        complaint=_address_complaint,
        label="the address",
        names=r"address|house|street|road|flat|number",
        clears=("new_town", "new_postcode"),
    ),
    "new_town": Field(
        answer=lambda turn: addresses.answered(turn.text).town or addresses.town(turn.text),
        mention=_from_message("new_town"),
        complaint=lambda turn: "Sorry, I can't read that as the name of a town.",
        label="the town",
        names=r"town|city|village",
    ),
    "new_postcode": Field(
        answer=lambda turn: parsing.postcode(turn.text),
        mention=_from_message("new_postcode"),
        complaint=lambda turn: "Sorry, I can't read that as a UK postcode, such as LS1 4AP.",
        label="the postcode",
        names=r"post ?code",
    ),
    "new_email": Field(
        answer=lambda turn: email(turn.text),
        mention=_from_message("new_email"),
        complaint=lambda turn: "Sorry, that isn't a whole e-mail address: I need one such as name@example.com.",
        label="the e-mail address",
        names=r"e-?mail(?: address)?|address",
    ),
    "new_phone": Field(
        answer=lambda turn: phone(turn.text),
        mention=_from_message("new_phone"),
        complaint=lambda turn: "Sorry, that isn't a whole UK phone number: I need one such as 07700 900123.",
        label="the phone number",
        names=r"(?:phone )?number|phone|mobile",
    ),
    "new_marketing": Field(
        answer=_marketing_answer,
        mention=_from_message("new_marketing"),
        complaint=lambda turn: "Sorry, I need a yes or a no for this.",
    ),
}


def value(field: str, get: Callable[[str], Any]) -> str | bool | Address | None:
    """The new value as the back office takes it; None while it is incomplete."""
    given = [get(slot) for slot in SLOTS[field]]
    if any(part is None for part in given):
        return None
    if field == "address":
        street, town, code = given
        return Address(tuple(street.split(", ")), town, code)
    new: str | bool = given[0]
    return new


def kept(field: str, contact: Contact) -> str | bool | Address:
    """The value on file."""
    found: str | bool | Address = getattr(contact, field)
    return found


def same(field: str, new: str | bool | Address, contact: Contact) -> bool:
    """Whether the new value is the one on file."""
    old = kept(field, contact)
    if isinstance(new, Address) or isinstance(old, bool):
        return str(old).casefold() == str(new).casefold()
    return "".join(str(old).split()).casefold() == "".join(str(new).split()).casefold()


def hidden(field: str, old: str) -> str:
    """An old value as its owner knows it and nobody else can read it; empty when there was none."""
    if not old:
        return ""
    if field == "address":
        code = parsing.postcode(old)
        return f"the one in {code.split()[0]}" if code else "the old one"
    if field == "marketing":
        return "on" if old in ("yes", "True") else "off"
    return masked(Recipient("email" if field == "email" else "sms", old))


def describe(change: Change) -> str:
    """A change in a sentence, both values masked."""
    day, time, name = short_date(change.at), clock_time(change.at), NAMES[change.field]
    old, new = hidden(change.field, change.old), hidden(change.field, change.new)
    if not old:
        return f"On {day} at {time} {name} {new} was added."
    return f"On {day} at {time} {name} was changed from {old} to {new}."
