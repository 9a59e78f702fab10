"""How the slots of forms are read, shown and named; the fields that several skills share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import parsing
from .turns import Turn


@dataclass(frozen=True)
class Field:
    """How a slot is read from a message.

    `answer` reads the reply to the slot's own question; `mention` finds the value in any message; both return
    None when there is none. `complaint` makes the sentence for a reply that was not understood.

    A `free` answer is the customer's own words: almost any message is one, whatever its intent.

    `label` is what the customer hears when the value changes, for example "the delivery date"; without one the
    value cannot be picked for a change at the read-back. `names` is a regular expression of the words by which a
    customer refers to it ("the date is wrong"). `show` writes the value for the customer. `clears` are slots that
    depend on this one and are asked for again when it changes. `skipped` is what is kept when the customer would
    rather not say; None means that the task needs the value.
    """

    answer: Callable[[Turn], Any]
    complaint: Callable[[Turn], str]
    mention: Callable[[Turn], Any] = lambda turn: None
    label: str = ""
    names: str = ""
    show: Callable[[Any], str] = str
    clears: tuple[str, ...] = ()
    skipped: Any = None
    free: bool = False


def identifier(parse: Callable[..., str | None], entity: str) -> Callable[[Turn], str | None]:
    """A reader of an identifier anywhere in a message, or as the entity that the NLU found."""
    return lambda turn: parse(turn.text) or parse(turn.entity(entity) or "", bare=True)


def _account_complaint(turn: Turn) -> str:
    if parsing.order_number(turn.text):
        return "That's an order number. I need your account number for this."
    return "Sorry, that doesn't look like an account number: it's NA and six digits, such as NA123456."


def _order_complaint(turn: Turn) -> str:
    if parsing.account_number(turn.text):
        return "That's an account number. I need the number of your order for this."
    return "Sorry, that doesn't look like an order number: it's NO and six digits, such as NO123456."


ACCOUNT_NUMBER = Field(
    answer=lambda turn: parsing.account_number(turn.text, bare=True),
    mention=identifier(parsing.account_number, "account_number"),
    complaint=_account_complaint,
    label="the account number",
    names=r"account(?: number)?",
)
ORDER_NUMBER = Field(
    answer=lambda turn: parsing.order_number(turn.text, bare=True),
    mention=identifier(parsing.order_number, "order_number"),
    complaint=_order_complaint,
    label="the order",
    names=r"order(?: number)?",
)
POSTCODE = Field(
    answer=lambda turn: parsing.postcode(turn.text),
    mention=lambda turn: parsing.postcode(turn.text) or parsing.postcode(turn.entity("postcode") or ""),
    complaint=lambda turn: "Sorry, I can't read that as a UK postcode, such as LS1 4AP.",
    label="the postcode",
    names=r"post ?code",
)
