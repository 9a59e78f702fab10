"""Numbers as they are said in English."""

from __future__ import annotations

ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
ONES += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ODD_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"}
_ODD_ORDINALS |= {"nine": "ninth", "twelve": "twelfth"}


def cardinal(number: int) -> str:
    """A whole number from 0 to 999,999,999, for example `one hundred and five`."""
    for size, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = number % size
            joint = " and " if 0 < rest < 100 else " "
            return f"{cardinal(number // size)} {name}{joint + cardinal(rest) if rest else ''}"
    if number < 20:
        return ONES[number]
    return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")


def ordinal(number: int) -> str:
    """A place in a row, for example `twenty-first`."""
    head, joint, last = cardinal(number).rpartition("-")
    if last.endswith("y"):
        return f"{head}{joint}{last[:-1]}ieth"
    return f"{head}{joint}{_ODD_ORDINALS.get(last, last + 'th')}"


def pounds(amount: str) -> str:
    """An amount of money from its digits: `1,234.50` is one thousand two hundred and thirty-four pounds fifty."""
    whole, _, small = amount.replace(",", "").partition(".")
    number, pence = int(whole or 0), int(small.ljust(2, "0")[:2]) if small else 0
    said = f"{cardinal(number)} {'pound' if number == 1 else 'pounds'}"
    if not number and pence:
        return f"{cardinal(pence)} {'penny' if pence == 1 else 'pence'}"
    if not pence:
        return said
    return f"{said} {cardinal(pence)}" if pence >= 10 else f"{said} and {cardinal(pence)} {_pence(pence)}"


def _pence(number: int) -> str:
    return "penny" if number == 1 else "pence"


def clock(hour: int, minute: int, half: str = "") -> str:
    """A time: 17, 30 is `five thirty p.m.`; with `half` (am or pm) the hour is one of twelve."""
    half = half or ("am" if hour < 12 else "pm")
    minutes = "" if not minute else f" {cardinal(minute)}" if minute >= 10 else f" oh {cardinal(minute)}"
    return f"{cardinal(hour % 12 or 12)}{minutes} {half[0]}.m."


def spelled(text: str, group: int = 3) -> str:
    """Letters and digits one by one, in groups with a short pause between: `NO482136` is `N O, 4 8 2, 1 3 6`."""
    runs: list[str] = []
    for char in text:
        if not char.isalnum():
            runs.append("")
        elif runs and runs[-1] and runs[-1][-1].isdigit() == char.isdigit():
            runs[-1] += char
        else:
            runs.append(char)
    groups = [piece for run in runs if run for piece in _groups(run, group)]
    return ", ".join(" ".join(piece.upper()) for piece in groups)


def _groups(run: str, size: int) -> list[str]:
    """In groups of `size`, the last a little longer rather than a single sign."""
    pieces = [run[start : start + size] for start in range(0, len(run), size)]
    if len(pieces) > 1 and len(pieces[-1]) == 1:
        pieces[-2:] = [pieces[-2] + pieces[-1]]
    return pieces
