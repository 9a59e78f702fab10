"""A customer who books a technician's visit, as far as a test wants."""

from chats import Chat

from actions import assurance
from actions.booking import ActionAskVisitSlot, ActionBookVisit, ValidateBookingForm
from actions.conversation import ActionAskConfirmed

FORM, ASK, READ_BACK, BOOK = (
    ValidateBookingForm(),
    ActionAskVisitSlot(),
    ActionAskConfirmed(),
    ActionBookVisit(),
)
MONDAY = ["Monday 23 November, 8am to 12 noon", "Monday 23 November, 12 noon to 5pm"]


def at_time(chat: Chat) -> Chat:
    """A verified customer who has given a reason and is offered times."""
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    chat.hear("book a technician", "book_visit").start("booking_form").run(FORM)
    assert chat.asked == "visit_reason"
    chat.hear("No connection", "report_problem").run(FORM)
    assert chat.asked == "visit_slot"
    chat.run(ASK)
    return chat


def at_confirmation(chat: Chat, text: str = "1") -> Chat:
    """As above, with a time chosen."""
    at_time(chat).hear(text).run(FORM)
    assert chat.asked == "confirmed"
    chat.run(READ_BACK)
    return chat
