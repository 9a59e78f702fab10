"""Numbers of a text with their kind, unit, rate and bound: "up to £2.50 a month", "14 days", "8.30pm"."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from actions.knowledge.words import straight

_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SMALL = {word: n for n, word in enumerate(_ONES + _TEENS)} | {word: 10 * n for n, word in enumerate(_TENS, 2)}
_COMPOUND = re.compile(rf"\b({'|'.join(_TENS)})[- ]({'|'.join(_ONES[1:])})\b")
_SMALL_WORD = re.compile(rf"\b({'|'.join(word for word in _SMALL if word != 'one')})\b")

_PERIODS = "minute|hour|day|week|month|year"
_UNITS = (
    rf"(?:working|business) day|{_PERIODS}|minutes?|mins?|hrs?|fortnight|mile|km|kilometre|metre|cm|centimetre|mm"
    r"|kbps|mbps|gbps|mb/s|gb/s|mb|gb|tb|kb|ghz|mhz|megabyte|gigabyte|time|instalment|text|call|visit|booster|device"
)
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.:]\d+)?"
_FIGURE = re.compile(
    rf"(?P<money>[£$€]\s?)?(?P<number>{_NUMBER})(?:\s?(?P<scale>thousand|million|billion|bn|[mk])\b(?!\w))?"
    r"(?:\s?(?P<mark>%|per ?cent\b|percent\b|a\.?m\b\.?|p\.?m\b\.?|o'clock\b|p\b|pence\b|pounds?\b|quid\b)"
    rf"|[\s-]?(?:(?:full|whole|calendar|consecutive|more|further|extra|different|separate|additional|clear)[\s-])?(?P<unit>{_UNITS})s?\b)?"
    rf"(?:\s?(?:a|an|per|each|every|/)\s?(?P<per>{_PERIODS}|minute|text|call|visit|line|mb|gb)\b"
    r"|\s(?P<ly>hourly|daily|weekly|monthly|yearly|annually))?"
)
_UNIT = {
    "business day": "working day",
    "min": "minute",
    "hr": "hour",
    "km": "kilometre",
    "cm": "centimetre",
    "mb/s": "mbps",
    "gb/s": "gbps",
    "megabyte": "mb",
    "gigabyte": "gb",
    "time": "occasion",  # "3 times": a time of day is another kind
}
_LY = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "yearly": "year", "annually": "year"}
_SCALE = {"thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9}

_RATE = re.compile(
    r"(?<!in )(?<!within )(?<!takes )(?<!after )(?<!half )(?:\b(?:a|an|per|each|every)\b|/) ?"
    rf"({_PERIODS})\b(?! (?:after|before|later|from|of|or))"
)
_RATE_LY = re.compile(rf"\b({'|'.join(_LY)})\b")

# A quantity in its base unit, so that "two weeks" and "14 days" agree. A month has no fixed number of days.
_BASE = {
    "minute": ("time span", 1.0),
    "hour": ("time span", 60.0),
    "day": ("time span", 1440.0),
    "week": ("time span", 7 * 1440.0),
    "month": ("months", 1.0),
    "year": ("months", 12.0),
    "metre": ("length", 1.0),
    "kilometre": ("length", 1000.0),
    "centimetre": ("length", 0.01),
    "gbps": ("speed", 1000.0),
    "mbps": ("speed", 1.0),
    "gb": ("data", 1000.0),
    "mb": ("data", 1.0),
}

_MOST_BEFORE = re.compile(
    r"(?:\b(?:up to|at (?:the )?most|(?:no|not) (?:more|later|longer|greater) than|(?:less|fewer|lower) than"
    r"|under|below|a? ?maximum(?: of)?|max|within|capped at|limited to)|<)\s*$"
)
_LEAST_BEFORE = re.compile(
    r"(?:\b(?:at (?:the very )?least|(?:no|not) (?:less|fewer|earlier) than|(?:more|longer|greater|higher) than|above"
    r"|a? ?minimum(?: of)?|exceed(?:s|ing)?|starting at)|>)\s*$"
)
_SPAN_MOST = re.compile(r"\bbefore (?:the |these )?$")  # "before 8 weeks have passed"
_SPAN_LEAST = re.compile(r"\bafter (?:the |these )?$")
_OVER_BEFORE = re.compile(r"\bover\s*$")
_MOST_AFTER = re.compile(r"^\s*(?:or (?:less|fewer|under|below|earlier)|at (?:the )?most|maximum)\b")
_LEAST_AFTER = re.compile(r"^\s*(?:or (?:more|over|above|later|longer)|at least|minimum)\b|^\+")


@dataclass(frozen=True)
class Figure:
    """A number with its kind: money (pounds), percent, time (hours since midnight), a unit such as "day", or plain.

    `per` is the period of a rate ("month"), `bound` "most" or "least", `said` how the text puts it; two figures
    are equal when kind and value are.
    """

    kind: str
    value: float
    per: str = field(default="", compare=False)
    bound: str = field(default="", compare=False)
    said: str = field(default="", compare=False)

    @property
    def base(self) -> tuple[str, float]:
        """Kind and value in the base unit."""
        kind, factor = _BASE.get(self.kind, (self.kind, 1.0))
        return kind, round(self.value * factor, 4)

    def same_kind(self, other: "Figure") -> bool:
        """Whether one could stand where the other does."""
        return self.base[0] == other.base[0]

    def agrees(self, other: "Figure") -> bool:
        """Whether `other`, in a source, states this figure.

        A number without a unit agrees with any counted unit and the other way round, never with money, a
        percentage or a time of day. Rates and bounds must not contradict each other, and an amount keeps its bound:
        "up to £20" does not state "£20".
        """
        if {self.kind, other.kind} == {"time", "o'clock"}:
            return self.value % 12 == other.value % 12
        if self.base != other.base:
            loose = "plain" in (self.kind, other.kind) and self.value == other.value
            if not loose or {self.kind, other.kind} & {"money", "percent", "time"}:
                return False
        if self.per and other.per and self.per != other.per:
            return False
        if self.kind in ("money", "percent"):
            return self.bound == other.bound
        return {self.bound, other.bound} != {"most", "least"}

    def stated_in(self, others: Iterable["Figure"]) -> bool:
        """Whether one of `others` states this figure."""
        return any(self.agrees(other) for other in others)


def figures(text: str) -> set[Figure]:
    """The numbers of `text`, in digits or words; the word "one" is left out, since it is seldom a number."""
    return set(read(text))


def read(text: str) -> list[Figure]:
    """The numbers of `text` in their order, also those that come twice."""
    text = in_digits(straight(text).lower())
    return [_figure(text, match) for match in _FIGURE.finditer(text)]


def rates(text: str) -> set[str]:
    """The periods by which `text` counts: "month" for "£5 a month", "each month" or "monthly"."""
    found = {m[1] for m in _RATE.finditer(straight(text).lower())}
    return found | {_LY[m] for m in _RATE_LY.findall(straight(text).lower())}


def in_digits(text: str) -> str:
    """Lower-case `text` with number words as digits: "twenty-one", "half past eight", "a fortnight", "twice"."""
    text = re.sub(r"(?<![\w.])\d+\) ", "", text)  # the numbers of steps
    text = re.sub(r"\b(?:noon|midday)\b", "12:00", re.sub(r"\bmidnight\b", "0:00", text))
    text = re.sub(r"\bhalf (?:an )?hour\b", "30 minutes", text)
    text = re.sub(r"\b(?:a |one )?quarter of an hour\b", "15 minutes", text)
    text = re.sub(r"\ba fortnight\b|\bfortnight\b", "2 weeks", text)
    text = re.sub(r"\bonce (?=a|per|each|every|only)", "1 time ", text)
    text = re.sub(r"\btwice\b", "2 times", text)
    text = re.sub(r"\bhalf(?: the)?(?= (?:price|cost|off|of the))", "50%", text)
    text = re.sub(
        rf"\b(?:one|(?<=within )an?|(?<=takes )an?)[ -]((?:working |business )?(?:{_PERIODS}|time)\b)", r"1 \1", text
    )
    text = _COMPOUND.sub(lambda m: str(_SMALL[m[1]] + _SMALL[m[2]]), text)
    text = re.sub(r"\b(?:a|one) (hundred|thousand|million)\b", r"1 \1", text)
    text = re.sub(r"\bhalf past (\w+)", lambda m: f"{_SMALL.get(m[1], m[1])}:30", text)
    text = _SMALL_WORD.sub(lambda m: str(_SMALL[m[1]]), text)
    text = re.sub(r"\b(\d+) hundred\b", lambda m: str(int(m[1]) * 100), text)
    # "9 to 5pm" and "£5-10" give the first or second number its mark.
    text = re.sub(r"\b(\d{1,2})(?=\s?(?:-|to|–|and)\s?\d{1,2}(?:[.:]\d\d)?\s?(am|pm)\b)", r"\1 o'clock", text)
    return re.sub(r"([£$€])(\d[\d,.]*)\s?(?:-|–)\s?(?=\d)", r"\1\2 to \1", text)


def _figure(text: str, match: re.Match[str]) -> Figure:
    mark = (match["mark"] or "").replace(".", "")
    number = match["number"].replace(",", "")
    said = match.group().strip()
    per = match["per"] or _LY.get(match["ly"] or "", "")
    if ":" in number or mark in ("am", "pm", "o'clock"):
        hours, _, minutes = number.replace(".", ":").partition(":")
        value = _clock(float(hours) + float(minutes or 0) / 60, mark)
        return Figure("o'clock" if mark == "o'clock" else "time", value, said=said)
    value = float(number) * _SCALE.get(match["scale"] or "", 1.0)
    if match["money"] or mark in ("pound", "pounds", "quid"):
        kind = "money"
    elif mark in ("p", "pence"):
        kind, value = "money", value / 100
    elif mark:
        kind = "percent"
    else:
        unit = (
            re.sub(r"s$", "", match["unit"] or "") if match["unit"] not in ("kbps", "mbps", "gbps") else match["unit"]
        )
        kind = _UNIT.get(unit, unit) or "plain"
    return Figure(kind, value, per, _bound(text, match, kind), said)


def _bound(text: str, match: re.Match[str], kind: str) -> str:
    """Whether the number is the "most" or the "least" of something, or neither."""
    before, after = text[max(0, match.start() - 30) : match.start()], text[match.end() :]
    if _MOST_AFTER.search(after):
        return "most"
    if _LEAST_AFTER.search(after):
        return "least"
    if _LEAST_BEFORE.search(before) and not re.search(r"\b(?:no|not) (?:more|longer|greater|higher) than\s*$", before):
        return "least"
    if _MOST_BEFORE.search(before) and not re.search(r"\b(?:no|not) (?:less|fewer|lower) than\s*$", before):
        return "most"
    if kind in _PERIODS.split("|"):
        if _SPAN_MOST.search(before):
            return "most"
        if _SPAN_LEAST.search(before):
            return "least"
    spread = _BASE.get(kind, ("", 0))[0] in ("time span", "months")  # "over 12 months" is no bound
    return "least" if _OVER_BEFORE.search(before) and not spread else ""


def _clock(hours: float, half: str) -> float:
    """Hours since midnight, to the minute."""
    return round(hours % 12 + 12 if half == "pm" else hours % 12 if half == "am" else hours, 3)
