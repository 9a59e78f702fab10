"""Which invoice and line a customer means, and how invoices are written; customers read "bill".

What a message says about an invoice is kept as it was said, because that is read before the customer is verified:
`INV-204518-04`, a month `2026-10`, a day of issue `2026-10-16`, `latest`, `previous`, `first`, or `choose` for "another
one". `find` turns it into one of the customer's invoices.
"""

import re
from collections.abc import Sequence
from datetime import date

from . import backends, dates, parsing
from .backends import Identity, Invoice, NotFound
from .knowledge.words import stems
from .parsing import MAX_TEXT
from .speech import long_date, money

LATEST, PREVIOUS, FIRST, CHOOSE = "latest", "previous", "first", "choose"
WHOLE = "The whole bill"
OLDER = "Older"

_BILL = r"(?:bill|invoice|statement|one)"
_NUMBER = re.compile(r"\bINV[\s\-.:#]*(\d{6})[\s\-]?(\d{2})(?!\d)", re.IGNORECASE)
_DAY = re.compile(r"\b\d{1,2} [A-Z][a-z]+ \d{4}\b")
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = re.compile(rf"\b(?P<month>{dates.MONTHS})\b(?:'s)?(?: (?P<year>20\d\d))?", re.IGNORECASE)
_MAY = re.compile(rf"\b(?:in|for|of|from|my|the) may\b|\bmay(?:'s)? {_BILL}\b|^\W*may\W*$", re.IGNORECASE)
# What a bill is compared with is not the bill that is meant: "why is it more than last month".
_COMPARED = re.compile(
    rf"\b(?:than|with|to|against|since|like|as|(?:up|down|jumped|rose|risen|gone|changed|different) from) "
    rf"(?:(?:it was )?in |my |the |it was |for )*"
    rf"(?:last month(?:'s)?|the month before|last time|{dates.MONTHS})\b(?:'s)?",
    re.IGNORECASE,
)
_LATEST = re.compile(rf"\b(?:latest|newest|most recent|current|this month(?:'s)?|last {_BILL})\b", re.IGNORECASE)
_LAST_MONTH = re.compile(r"\blast month(?:'s)?\b", re.IGNORECASE)
# A month in a longer message need not be a bill's: "I cancelled Home Phone in June".
_OF_MONTH = re.compile(
    rf"\b(?:last month|(?:{dates.MONTHS})(?: 20\d\d)?)(?:'s)? {_BILL}\b|"
    rf"\b(?:bill|invoice|statement|charge)s? (?:for|from|of|in|on) (?:my |the )?(?:last month|{dates.MONTHS})\b|"
    rf"\b(?:was|about|explain) (?:last month|{dates.MONTHS})\b",
    re.IGNORECASE,
)
_PREVIOUS = re.compile(
    rf"\b(?:{_BILL} before|before that|month before|previous (?:{_BILL}|month)|last but one)\b", re.IGNORECASE
)
_FIRST = re.compile(r"\b(?:first|very first) (?:bill|invoice|statement)\b", re.IGNORECASE)
_OTHERS = re.compile(
    rf"\b(?:older|earlier|another|different|other) {_BILL}s?\b|^\W*(?:older|others?|earlier|more)\W*$|\bwhich bills\b",
    re.IGNORECASE,
)


class NoSuchInvoice(Exception):
    """None of the customer's invoices is meant; the text says so to the customer."""


def named(text: str, today: date, asked: bool = False) -> str | None:
    """What `text` says about an invoice (see the module), or None; `asked`: in reply to "which bill?"."""
    line = _COMPARED.sub(" ", " ".join(text[:MAX_TEXT].replace("’", "'").split()))
    if number := _NUMBER.search(line):
        return f"INV-{number[1]}-{number[2]}"
    if day := _DAY.search(line):
        found = dates.past(day[0], today)
        return found.isoformat() if found else None
    for pattern, said in ((_OTHERS, CHOOSE), (_PREVIOUS, PREVIOUS), (_FIRST, FIRST), (_LATEST, LATEST)):
        if pattern.search(line):
            return said
    return _month(line, today) if asked or _OF_MONTH.search(line) else None


def _month(line: str, today: date) -> str | None:
    """The month that `line` names, the latest one when it gives no year."""
    for found in _MONTH.finditer(line):
        month = _MONTH_NAMES.index(found["month"][:3].lower()) + 1
        if found["month"].lower() == "may" and not _MAY.search(line):
            continue
        year = int(found["year"] or (today.year if month <= today.month else today.year - 1))
        return f"{year}-{month:02d}"
    if _LAST_MONTH.search(line):
        year, month = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
        return f"{year}-{month:02d}"
    return None


def find(caller: Identity, said: str, base: str | None = None) -> Invoice | None:
    """The caller's invoice that is meant, or None when it has to be chosen; `previous` is the one before `base`.

    Raises `NoSuchInvoice`; an invoice number that belongs to somebody else is as unknown as one that does not exist.
    """
    if said.startswith("INV-"):
        try:
            return backends.billing().invoice(caller, said)
        except NotFound as error:
            raise NoSuchInvoice(f"I can't find a bill with the number {said} on your account.") from error
    invoices = backends.billing().invoices(caller)
    return _among(invoices, said, base) if invoices and said != CHOOSE else None


def _among(invoices: Sequence[Invoice], said: str, base: str | None) -> Invoice | None:
    if said in (LATEST, FIRST):
        return invoices[0 if said == LATEST else -1]
    if said == PREVIOUS:
        position = next((i for i, invoice in enumerate(invoices) if invoice.number == base), 0)
        if position + 1 == len(invoices):
            raise NoSuchInvoice("There's no bill before that one: it was your first.")
        return invoices[position + 1]
    issued = [invoice for invoice in invoices if invoice.issued_on.isoformat().startswith(said)]
    matching = issued or [invoice for invoice in invoices if invoice.due_on.isoformat().startswith(said)]
    if not matching:
        raise NoSuchInvoice(f"I can't find a bill for {shown(said)} on your account.")
    return matching[0] if len(matching) == 1 else None


def shown(said: str) -> str:
    """What was said about an invoice, for the customer."""
    if re.fullmatch(r"\d{4}-\d{2}", said):
        return f"{date.fromisoformat(f'{said}-01'):%B %Y}"
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", said):
        return day_of(date.fromisoformat(said))
    return {LATEST: "the latest one", PREVIOUS: "the one before", FIRST: "the first one", CHOOSE: "another one"}.get(
        said, said
    )


def day_of(day: date) -> str:
    """A day of issue, for example `16 October 2026`."""
    return f"{day.day} {day:%B %Y}"


def label(invoice: Invoice) -> str:
    """An invoice as its button shows it, for example `16 October 2026, £49.50`."""
    return f"{day_of(invoice.issued_on)}, {pounds(invoice.pence)}"


def is_label(text: str) -> bool:
    """Whether `text` looks like an invoice's label."""
    return bool(re.fullmatch(r"\d{1,2} [A-Z][a-z]+ \d{4}, [−£\d.,]+", text))


def pounds(pence: int) -> str:
    """An amount that may be a credit, for example £42.50 or −£6.00."""
    return f"−{money(-pence)}" if pence < 0 else money(pence)


def line_label(text: str, pence: int) -> str:
    """A line as its button shows it, for example `Home Phone, £5.00`."""
    return f"{text}, {pounds(pence)}"


def line_of_label(shown_text: str) -> str:
    """The line's own text in its label."""
    return re.sub(r", −?£[\d,]+\.\d\d$", "", shown_text)


def matching_line(text: str, labels: Sequence[str]) -> str | None:
    """The one of the lines' labels that `text` names by its position, its amount or most of its words."""
    position = parsing.choice(text, len(labels))
    if position is not None:
        return labels[position]
    if re.search(r"\b(?:whole|entire|all of|everything|total)\b", text, re.IGNORECASE):
        return WHOLE
    amounts = set(re.findall(r"\d+\.\d\d\b", text))
    by_amount = [found for found in labels if amounts & set(re.findall(r"\d+\.\d\d\b", found))]
    if len(by_amount) == 1:
        return by_amount[0]
    said = set(stems(text))
    scores = {found: len(said & set(stems(line_of_label(found)))) for found in labels}
    best = max(scores.values(), default=0)
    leading = [found for found, score in scores.items() if score == best]
    return leading[0] if best and len(leading) == 1 else None


def describe(invoice: Invoice, today: date) -> str:
    """What the customer hears about an invoice: total, due date, lines."""
    head = f"Your bill of {day_of(invoice.issued_on)} ({invoice.number}) comes to {pounds(invoice.pence)}."
    lines = [f"• {line.text}: {pounds(line.pence)}" for line in invoice.lines]
    return "\n".join([f"{head} {_due(invoice, today)}", *lines])


def _due(invoice: Invoice, today: date) -> str:
    left = invoice.pence - invoice.paid_pence
    if left <= 0:
        return "There's nothing to pay on it." if invoice.pence <= 0 else "It's paid."
    part = (
        f"You've paid {money(invoice.paid_pence)} of it, and the other {money(left)}"
        if invoice.paid_pence > 0
        else "It"
    )
    late = invoice.due_on < today
    verb = "was" if late else "is"
    linked = f"{part}'s" if part == "It" and not late else f"{part} {verb}"
    return f"{linked} due on {long_date(invoice.due_on)}{', so it is overdue' if late else ''}."


def _totals(invoice: Invoice) -> dict[str, int]:
    totals: dict[str, int] = {}
    for line in invoice.lines:
        totals[line.text] = totals.get(line.text, 0) + line.pence
    return totals


def changes(invoice: Invoice, before: Invoice) -> str:
    """What is different from the invoice before, line by line, and a last sentence that sums it up."""
    new, old, since = _totals(invoice), _totals(before), f"{before.issued_on:%B}"
    told = []
    for text in [*new, *(text for text in old if text not in new)]:
        now, then = new.get(text), old.get(text)
        if then is None and now is not None:
            told.append(f"• New: {text}, {pounds(now)}")
        elif now is None and then is not None:
            told.append(f"• No longer there: {text}, {pounds(then)}")
        elif now is not None and then is not None and now != then:
            told.append(f"• {text} {_moved(now, then)} from {pounds(then)} to {pounds(now)}")
    if not told:
        return f"Nothing has changed since {since}: every line is the same."
    return "\n".join([f"What has changed since {since}:", *told, _sum_up(invoice, before)])


def _moved(now: int, then: int) -> str:
    if min(now, then) < 0:
        return "changed"
    return "went up" if now > then else "went down"


def _sum_up(invoice: Invoice, before: Invoice) -> str:
    more, since = invoice.pence - before.pence, f"{before.issued_on:%B}"
    if more == 0:
        return f"The total is the same as in {since}."
    new, old = _totals(invoice), _totals(before)
    moves = {text: new.get(text, 0) - old.get(text, 0) for text in {**old, **new}}
    moves = {text: move for text, move in moves.items() if move}
    cause = max(moves, key=lambda text: moves[text] * (1 if more > 0 else -1))
    share = "because" if len(moves) == 1 else "mainly because"
    named_line = _in_sentence(cause, invoice if cause in new else before)
    if cause not in new:
        reason = f"{share} {named_line} isn't on it any more"
    elif cause in old:
        reason = f"{share} {named_line} {_moved(new[cause], old[cause])}"
    else:
        reason = f"{share} of {named_line}"
    return f"That's {money(abs(more))} {'more' if more > 0 else 'less'} than in {since}, {reason}."


def _in_sentence(text: str, invoice: Invoice) -> str:
    """A line inside a sentence: "the late payment fee", but "Fibre 500" and "Home Phone", which are names."""
    kind = next(line.kind for line in invoice.lines if line.text == text)
    first, _, rest = text.partition(" ")
    is_name = kind == "plan" or rest[:1].isupper() or not first[1:].islower()
    return text if is_name else f"the {first.lower()} {rest}".strip()
