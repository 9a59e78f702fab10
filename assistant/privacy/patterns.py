"""Finds personal data by its form: e-mail addresses, telephones, postcodes, customer numbers, bank details and so on.

Cheap on purpose: it looks at every text that is stored. What it finds is only replaced by a token and comes back on
load, so a miss is worse than a find too many; but ordinary words must stay readable in the stored text.
"""

# ruff: noqa: E501, SIM905  a pattern is easier to read on one line

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import phonenumbers

REGION = "GB"


class Span(NamedTuple):
    """Personal data at text[start:end]."""

    start: int
    end: int
    kind: str


_EMAIL = re.compile(r"(?<![\w.+%'’-])[\w.+%'’-]+@[\w-]+(?:\.[\w-]+)+")
_ACCOUNT = re.compile(r"\bNA[\s\-.:#]*(?:\d[\s\-]?){5}\d(?!\d)", re.IGNORECASE)
_POSTCODE = re.compile(
    r"\b(?:GIR\s?0AA|(?:[A-PR-UWYZ](?:\d{1,2}|\d[A-HJKPSTUW]|[A-HK-Y]\d{1,2}|[A-HK-Y]\d[ABEHMNPRVWXY]))[\s\-]{0,2}\d[ABD-HJLNP-UW-Z]{2})\b",
    re.IGNORECASE,
)
# As written at home or with a country's code; phonenumbers decides.
_PHONE = re.compile(r"(?<![\w£$€])(?<!\d[.,/+-])(?:\+|00|\(?0)\d(?:[\s().\-/]{0,3}\d){6,16}")
_GROUP_END = re.compile(r"\d(?!\d)")
_IBAN_LENGTHS = {
    "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27,
    "HU": 28, "IE": 22, "IT": 27, "LT": 20, "LU": 20, "LV": 21, "NL": 18, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SK": 24,
}  # fmt: skip
_IBAN = re.compile(rf"\b(?:{'|'.join(_IBAN_LENGTHS)})\d{{2}}(?: ?[A-Z0-9]){{12,24}}", re.IGNORECASE)
_SORT_CODE = r"\d{2}[\s-]?\d{2}[\s-]?\d{2}"
_BANK = re.compile(
    rf"(?<![\w-])\d{{2}}-\d{{2}}-\d{{2}}[\s,;/]+(?:(?:and|account|acc(?:oun)?t?|a/c|number|no\.?)\W+)*\d{{8}}(?!\w)"
    rf"|\bsort[ -]?code\W{{0,3}}(?:(?:is|number)\W{{1,3}})?(?P<sort>{_SORT_CODE})(?![\w-])"
    r"|\b(?:bank )?(?:account|acct|acc|a/c) ?(?:number|no\.?|num)?\W{0,3}(?:is\W{1,3})?(?P<number>\d{8}|\d{4} \d{4})(?![\w-])",
    re.IGNORECASE,
)
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_BIRTHDAY = re.compile(
    r"\b(?:born(?: on)?|d\.? ?o\.? ?b\b\.?|(?:date of birth|birth ?date|birthday)(?: on (?:the |my )?account)?)(?: is| was|['’]s)?(?: the)?\W{0,3}"
    rf"(?P<day>\d{{4}}-\d\d?-\d\d?|\d{{1,2}}[./ -]\d{{1,2}}[./ -]\d{{2,4}}|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\.?,? ?(?:\d{{4}}|\d{{2}}\b)?"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?)",
    re.IGNORECASE,
)
_WORD = r"(?:[A-Z][\w'’-]+|St\.?)"
_ADDRESS = re.compile(
    r"\b(?:(?i:flat|apartment|apt|unit) \w{1,4},? )?\d{1,4}[A-Za-z]?(?:-\d{1,4})?,? (?:"
    rf"(?:{_WORD} ){{1,3}}(?i:lane|road|street|avenue|close|drive|way|court|place|terrace|crescent|gardens?|grove|square|hill|row|mews|view|parade|park|green|rise|quay|wharf|rd|st|ave|ln|cres|sq)"
    r"|(?!(?:minutes?|mins?|hours?|days?|weeks?|miles?|people|of|in|on|at|to|for|by|from|the|a)\b)[a-z'’-]{3,} (?:[a-z'’-]{3,} )?(?:lane|road|street|avenue|crescent|terrace)"
    r")\b"
)

_LETTERS = r"[^\W\d_][^\W\d_'’.-]*(?:['’.-][^\W\d_]+)*(?!\w)\.?"
_WORDS = rf"{_LETTERS}(?: {_LETTERS}){{0,2}}"
_NAME_IS = re.compile(
    r"\b(?:(?:my|his|her|the|our|full|first|last|account holder['’]?s?|husband['’]s|wife['’]s) ?(?:full |first |last |sur)?name(?: is|['’]s|:)"
    rf"|(?:in|under) the name of:?) (?=(?P<name>{_WORDS}))",
    re.IGNORECASE,
)
# After these only what has a capital is a name.
_PRESENTED = re.compile(
    rf"(?:\b(?:(?:[Ii]['’]m|[Ii] am)(?: called)?|[Tt]his is|[Ii]t['’]s|[Cc]all me|(?i:mr|mrs|ms|miss|mx|dr|prof)\b\.?)|^[Nn]ame:) (?=(?P<name>{_WORDS}))",
    re.MULTILINE,
)
# What is no part of a name although it stands where one does.
_NO_NAME = frozenset(
    """a about account actually again all also always an and any are as at away back bad bill bills broadband but by can change changed
    correct customer different down due fibre for from fully getting going gone good happy having here home house i in incorrect
    incorrectly internet is it its just late line lost missing misspelled misspelt mobile moving my name no northlight not now of off
    on only or order our out paying please ready really right router same sim so sorry spelled spelling spelt still stuck sure
    that the their there this to tomorrow today too trying under unhappy unable unknown up upset using very visit waiting was we wifi
    wi-fi with wrong yes you your monday tuesday wednesday thursday friday saturday sunday january february march april may june july
    august september october november december christmas easter english welsh scottish irish british polish french german spanish
    direct debit black cyber new bank uk gb england scotland wales ireland london thanks thank hello hi hey""".split()
)
_NO_PERSON = frozenset(
    """avenue building close court crescent drive estate floor gardens green grove hill house lane ltd mews park parade place
    plc quay road row square st street terrace view walk way yard""".split()
)


def find(text: str) -> list[Span]:
    """Personal data in a text by its form alone, in order; spans do not overlap."""
    if "@" not in text and not any(char.isdigit() for char in text):
        return []
    spans: list[Span] = []
    for finder in _FINDERS:
        spans += [span for span in finder(text) if not taken(span, spans)]
    return sorted(spans)


def taken(span: Span, spans: list[Span]) -> bool:
    """Whether a span overlaps one of others."""
    return any(span.start < other.end and span.end > other.start for other in spans)


def plausible(kind: str, value: str) -> bool:
    """Whether a value that a slot or an entity of this kind holds is one: "on file" is no telephone number."""
    digits = sum(char.isdigit() for char in value)
    if kind == "email":
        return "@" in value
    if kind == "postcode":
        return bool(_POSTCODE.fullmatch(value.strip()))
    if kind in ("phone", "account", "bank"):
        return digits >= 5
    if kind == "name":
        return is_name(value)
    return sum(char.isalpha() for char in value) >= 2 or digits >= 2


def _emails(text: str) -> Iterator[Span]:
    if "@" in text:
        yield from _all(_EMAIL, "email")(text)


def _phones(text: str) -> Iterator[Span]:
    position = 0
    while found := _PHONE.search(text, position):
        # The longest row of whole groups of digits that is a telephone: another number may follow.
        ends = [end.end() for end in _GROUP_END.finditer(text, found.start(), found.end())]
        whole = (e for e in reversed(ends) if not text[e : e + 1].isalnum() and _is_phone(text[found.start() : e]))
        end = next(whole, None)
        if end:
            yield Span(found.start(), end, "phone")
        position = end or found.start() + 2


def _is_phone(written: str) -> bool:
    if not 9 <= sum(char.isdigit() for char in written) <= 17:
        return False
    try:
        number = phonenumbers.parse(("+" + written[2:]) if written.startswith("00") else written, REGION)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_possible_number(number)) and len(str(number.national_number)) >= 7


def _ibans(text: str) -> Iterator[Span]:
    for found in _IBAN.finditer(text):
        length = _IBAN_LENGTHS[found.group()[:2].upper()]
        places = [i for i in range(*found.span()) if text[i] != " "][:length]
        end = places[-1] + 1
        if len(places) == length and not text[end : end + 1].isalnum() and _is_iban(text[found.start() : end]):
            yield Span(found.start(), end, "bank")


def _is_iban(written: str) -> bool:
    compact = written.replace(" ", "").upper()
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def _banks(text: str) -> Iterator[Span]:
    for found in _BANK.finditer(text):
        group = "sort" if found["sort"] else "number" if found["number"] else 0
        yield Span(*found.span(group), "bank")


def names(text: str) -> list[Span]:
    """What a customer says to be somebody's name: "my name is Priya Sharma", "I'm Priya", "Mrs J Whitfield"."""
    return [
        Span(found.start("name"), found.start("name") + end, "name")
        for pattern, capital in ((_NAME_IS, False), (_PRESENTED, True))
        for found in pattern.finditer(text)
        if (end := _end_of_name(found["name"], capital))
    ]


def _end_of_name(words: str, capital: bool) -> int:
    """How much of the words after "my name is" is a name; 0 when none of it is."""
    end = 0
    for word in re.finditer(r"\S+", words):
        bare = re.sub(r"['’]s$", "", word.group().rstrip("."))
        if bare.casefold() in _NO_NAME | _NO_PERSON or (capital and not bare[:1].isupper()):
            break
        capital = bare[:1].isupper()
        end = word.start() + len(bare)
    return end


def is_name(text: str) -> bool:
    """Whether what the NLU takes for a person is written like one: "Priya Sharma", not "Park Lane" or "bill"."""
    words = text.split()
    ordinary = any(word.casefold().strip(".,") in _NO_NAME | _NO_PERSON for word in words)
    return 2 <= len(words) <= 4 and not ordinary and all(re.fullmatch(_LETTERS, w) and w[0].isupper() for w in words)


def _all(pattern: re.Pattern[str], kind: str, group: str | int = 0) -> Callable[[str], Iterator[Span]]:
    return lambda text: (Span(*found.span(group), kind) for found in pattern.finditer(text))


# The surest first: what one has found the next ones leave.
_FINDERS: list[Callable[[str], Iterator[Span]]] = [
    _emails,
    _ibans,
    _banks,
    _all(_ACCOUNT, "account"),
    _phones,
    _all(_POSTCODE, "postcode"),
    _all(_BIRTHDAY, "birthday", "day"),
    _all(_ADDRESS, "address"),
]
