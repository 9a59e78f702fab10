"""Which invoice and line is meant, and how invoices are written."""

from datetime import date

import pytest

from actions import assurance, invoices
from actions.backends import Invoice, Line
from actions.invoices import NoSuchInvoice

TODAY = date(2026, 11, 22)
LABELS = ["Fibre 500, £36.00", "Home Phone, £5.00", "Calls to mobiles, £1.50", "Credit, −£6.00", invoices.WHOLE]


def invoice(pence: int = 4250, paid: int = 0, due_on: date = date(2026, 12, 6), **lines: int) -> Invoice:
    made = tuple(Line(text.replace("_", " "), amount, "addon") for text, amount in lines.items())
    return Invoice("INV-204518-04", date(2026, 11, 15), due_on, pence, paid, made)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("why is inv 204518 03 so much", "INV-204518-03"),
        ("explain my October bill", "2026-10"),
        ("my December bill", "2025-12"),
        ("my march 2025 invoice", "2025-03"),
        ("my May bill", "2026-05"),
        ("what about last month", "2026-10"),
        ("16 October 2026, £49.50", "2026-10-16"),
        ("my last bill", "latest"),
        ("and the one before?", "previous"),
        ("my first bill", "first"),
        ("a different bill", "choose"),
        ("why is my bill higher than last month", None),
        ("compare this bill with last month's for me", None),
        ("it has jumped from October", None),
        ("i cancelled Home Phone in june and you still bill me", None),
        ("I may not pay", None),
        ("INV-204518-03'; DROP TABLE invoices", "INV-204518-03"),
        ("{{config}}", None),
    ],
)
def test_what_a_message_says_about_a_bill(text: str, said: str | None) -> None:
    assert invoices.named(text, TODAY) == said


def test_a_month_alone_is_enough_when_a_bill_was_asked_for() -> None:
    assert invoices.named("October", TODAY) is None
    assert invoices.named("October", TODAY, asked=True) == "2026-10"
    assert invoices.named("May", TODAY, asked=True) == "2026-05"


@pytest.mark.usefixtures("database")
def test_only_the_customers_own_bills_are_found() -> None:
    assurance.verify_account("c", "NA204518", "LS1 4AP")
    caller = assurance.current("c")
    found = {
        said: invoices.find(caller, said) for said in ("latest", "previous", "first", "2026-10", "2026-10-16", "choose")
    }
    numbers = {said: made.number[-2:] if made else None for said, made in found.items()}
    assert numbers == {
        "latest": "04", "previous": "03", "first": "01", "2026-10": "03", "2026-10-16": "03", "choose": None
    }  # fmt: skip
    texts = []
    for number in ("INV-310077-01", "INV-999999-01"):
        with pytest.raises(NoSuchInvoice) as missing:
            invoices.find(caller, number)
        texts.append(str(missing.value).replace(number, "…"))
    assert texts == ["I can't find a bill with the number … on your account."] * 2
    with pytest.raises(NoSuchInvoice, match="your first"):
        invoices.find(caller, "previous", base="INV-204518-01")
    with pytest.raises(NoSuchInvoice, match="March 2026"):
        invoices.find(caller, "2026-03")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("i never made those calls", LABELS[2]),
        ("the second one", LABELS[1]),
        ("the £36.00", LABELS[0]),
        ("home phone please", LABELS[1]),
        ("everything", LABELS[4]),
        ("phone calls", None),
        ("no idea", None),
    ],
)
def test_which_line_is_meant(text: str, label: str | None) -> None:
    assert invoices.matching_line(text, LABELS) == label


@pytest.mark.parametrize("label", LABELS)
def test_a_label_gives_its_line_back(label: str) -> None:
    assert label.startswith(invoices.line_of_label(label)) and "£" not in invoices.line_of_label(label)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (invoice(), "It's due on Sunday 6 December 2026."),
        (invoice(due_on=date(2026, 11, 21)), "It was due on Saturday 21 November 2026, so it is overdue."),
        (invoice(paid=1000), "You've paid £10.00 of it, and the other £32.50 is due on Sunday 6 December 2026."),
        (invoice(paid=4250), "It's paid."),
        (invoice(pence=-500), "There's nothing to pay on it."),
    ],
)
def test_when_a_bill_is_due(made: Invoice, words: str) -> None:
    assert invoices.describe(made, TODAY).splitlines()[0].endswith(words)


def before(pence: int, **lines: int) -> Invoice:
    made = tuple(Line(text.replace("_", " "), amount, "addon") for text, amount in lines.items())
    return Invoice("INV-204518-03", date(2026, 10, 16), date(2026, 11, 6), pence, pence, made)


@pytest.mark.parametrize(
    ("now", "then", "told"),
    [
        (
            invoice(4800, Fibre=3550, Call_package=1250),
            before(3550, Fibre=3550),
            ["• New: Call package, £12.50", "That's £12.50 more than in October, because of the call package."],
        ),
        (
            invoice(3550, Fibre=3550),
            before(4800, Fibre=3550, Late_fee=750, Data=500),
            [
                "• No longer there: Late fee, £7.50",
                "• No longer there: Data, £5.00",
                "That's £12.50 less than in October, mainly because the late fee isn't on it any more.",
            ],
        ),
        (
            invoice(4000, Fibre=4000),
            before(3550, Fibre=3550),
            [
                "• Fibre went up from £35.50 to £40.00",
                "That's £4.50 more than in October, because the fibre went up.",
            ],
        ),
        (
            invoice(3550, Fibre=3600, Credit=-50),
            before(3550, Fibre=3650, Credit=-100),
            [
                "• Fibre went down from £36.50 to £36.00",
                "• Credit changed from −£1.00 to −£0.50",
                "The total is the same as in October.",
            ],
        ),
    ],
)
def test_what_has_changed_since_the_month_before(now: Invoice, then: Invoice, told: list[str]) -> None:
    assert invoices.changes(now, then).splitlines()[1:] == told


def test_nothing_has_changed() -> None:
    same = invoices.changes(invoice(Fibre=4250), before(4250, Fibre=4250))
    assert same == "Nothing has changed since October: every line is the same."


def test_names_of_products_keep_their_capitals() -> None:
    lines = (Line("Fibre 500", 3600), Line("Home Phone", 500, "addon"))
    now = Invoice("INV-204518-04", date(2026, 11, 15), date(2026, 12, 6), 4100, 0, lines)
    assert invoices.changes(now, before(3600, **{"Fibre 500": 3600})).endswith("because of Home Phone.")
    assert invoices.changes(now, before(500, **{"Home Phone": 500})).endswith("because of Fibre 500.")
