"""Sending an order back."""

from datetime import date

import pytest
from chats import Chat, Clock
from orders_flow import MEGAN, PRIYA, begin, reply, verified
from sqlalchemy import update

from actions import assurance, backends
from actions.backends.models import OrderRow, ReturnRow
from actions.backends.session import transaction
from actions.forms import FORMS
from actions.orders_changes import ActionReturnOrder

pytestmark = pytest.mark.usefixtures("database")
PHONE, SIM, EARBUDS = "NO640755", "NO518833", "NO715920"


def send_back(chat: Chat, text: str = "i want to return something") -> list[str]:
    return begin(chat, "return_order_form", text, "return_order")


def change(number: str, **values: object) -> None:
    with transaction() as session:
        session.execute(update(OrderRow).where(OrderRow.number == number).values(**values))


def test_an_order_is_sent_back(chat: Chat) -> None:
    verified(chat, MEGAN)
    assert send_back(chat)[0].startswith("Why would you like to send it back?")
    assert chat.buttons == ["I've changed my mind", "It's faulty", "It arrived damaged", "It's the wrong item"]
    assert reply(chat, "I've changed my mind", "cancel_order") == [
        f"You're sending back order {EARBUDS} (Wireless earbuds). Reason: I've changed my mind. "
        "You'd get £49.99 back. Shall I start the return?"
    ]
    assert reply(chat, "yes please", "affirm") == [
        "Your return is started, and the reference is NR000001. Please send the parcel by Sunday 6 December 2026: "
        "it's free with the prepaid label, which is in your online account under Orders. "
        "We'll refund £49.99 within 14 days of the day it reaches our warehouse."
    ]
    (made,) = backends.orders().returns(assurance.current(chat.id))
    assert (made.order_number, made.reason) == (EARBUDS, "I've changed my mind")


def test_the_reason_in_the_first_sentence_is_not_asked_again(chat: Chat) -> None:
    verified(chat, MEGAN)
    said = send_back(chat, "the earbuds are broken, i want to send them back")[0]
    assert chat.asked == "confirmed" and "Reason: It's faulty." in said and "replacement, ask me for a person" in said


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE orders; --", "{{ 7 * 7 }} {order_number} ${jndi:x}", "<script>alert(1)</script>"]
)
def test_a_reason_is_kept_as_it_was_written(chat: Chat, text: str) -> None:
    verified(chat, MEGAN)
    send_back(chat)
    assert text in reply(chat, text)[0]
    reply(chat, "yes", "affirm")
    assert [made.reason for made in backends.orders().returns(assurance.current(chat.id))] == [text]


def test_the_reason_may_be_kept_to_oneself(chat: Chat) -> None:
    verified(chat, MEGAN)
    send_back(chat)
    assert "Reason: No reason given." in reply(chat, "i'd rather not say", "refuse")[0]


def test_the_reason_is_changed_at_the_read_back(chat: Chat) -> None:
    verified(chat, MEGAN)
    send_back(chat, "the earbuds are broken")
    reply(chat, "no", "deny")
    assert chat.asked == "change"
    reply(chat, "The reason")
    assert "Reason: Too big for my ears." in reply(chat, "Too big for my ears")[-1]


@pytest.mark.parametrize(
    ("who", "number", "words"),
    [
        (PRIYA, "NO482136", "is still on its way. You can refuse the parcel at the door"),
        (MEGAN, SIM, "hasn't been sent yet, so there's nothing to send back. I can cancel it instead."),
        (MEGAN, "NO244790", "was cancelled, so there's nothing to send back"),
        (PRIYA, "NO300411", "a person can look into a repair or a replacement"),
    ],
)
def test_too_early_or_too_late_for_a_return(chat: Chat, who: tuple[str, str], number: str, words: str) -> None:
    verified(chat, who)
    said = send_back(chat, f"return {number}")
    assert len(said) == 1 and words in said[0] and chat.form is None
    assert backends.orders().returns(assurance.current(chat.id)) == []


def test_a_return_that_was_started_is_not_started_twice(chat: Chat) -> None:
    verified(chat, MEGAN)
    backends.orders().start_return(assurance.current(chat.id), EARBUDS, "too big", "key")
    said = send_back(chat)
    assert said[0].startswith(f"You've started the return of order {EARBUDS} already. The reference is NR000001.")
    with transaction() as session:
        assert session.query(ReturnRow).count() == 1


def test_the_last_day_of_the_period_still_counts(chat: Chat, fixed_clock: Clock) -> None:
    until = next(o for o in own(verified(chat, MEGAN)) if o.number == EARBUDS).delivered_on
    fixed_clock.now = fixed_clock.now.replace(month=until.month, day=until.day)
    fixed_clock.move(days=14)
    send_back(verified(chat, MEGAN))
    assert chat.asked == "return_reason"
    fixed_clock.move(days=1)
    assert "could be sent back until" in send_back(verified(Chat("later"), MEGAN))[0]


def own(chat: Chat) -> list[backends.Order]:
    """The customer's orders."""
    return backends.orders().own(assurance.current(chat.id))


def test_the_period_ends_between_the_read_back_and_the_yes(chat: Chat) -> None:
    verified(chat, MEGAN)
    send_back(chat, "the earbuds are broken")
    chat.hear("yes", "affirm").run(FORMS["return_order_form"])
    change(EARBUDS, delivered_on=date(2026, 10, 1))
    assert "could be sent back until Thursday 15 October 2026" in chat.run(ActionReturnOrder())[0]
    assert chat.slots["offer"] == "person"
