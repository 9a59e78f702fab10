"""Plays a whole task of the skill `orders` in a `Chat`, as the dialogue manager would."""

from chats import Chat
from rasa_sdk import Action

from actions import assurance, booking, forms, orders, orders_delivery
from actions.backends.session import transaction
from actions.conversation import ActionAskChange, ActionAskConfirmed
from actions.orders_changes import ActionAskReturnReason
from actions.orders_choice import ActionAskOrderNumber
from actions.orders_days import ActionAskDeliveryChange, ActionAskDeliveryDay
from actions.tasks import TASKS

ASKING: dict[str, Action] = {
    "confirmed": ActionAskConfirmed(),
    "change": ActionAskChange(),
    "order_number": ActionAskOrderNumber(),
    "return_reason": ActionAskReturnReason(),
    "delivery_change": ActionAskDeliveryChange(),
    "delivery_day": ActionAskDeliveryDay(),
}
FORM_MODULES = (booking, orders, orders_delivery)  # importing them registers the forms
TASK_OF = {
    "order_form": "action_order_status",
    "cancel_order_form": "action_cancel_order",
    "return_order_form": "action_return_order",
    "delivery_form": "action_change_delivery_day",
    "delivery_address_form": "action_change_delivery_address",
    "move_visit_form": "action_move_visit",
}
MEGAN = ("NA118260", "CF10 1EP")  # orders: two before dispatch, one delivered nine days ago, one cancelled
PRIYA = ("NA204518", "LS1 4AP")  # one dispatched, one delivered long ago
TOM = ("NA310077", "M3 2BW")  # one that is packed


def verified(chat: Chat, who: tuple[str, str], step_up: bool = False) -> Chat:
    """The customer has shown who they are."""
    assurance.verify_account(chat.id, *who)
    if step_up:
        with transaction() as session:
            assurance.raise_to_step_up(session, chat.id, who[0])
    return chat


def begin(chat: Chat, form: str, text: str, intent: str) -> list[str]:
    """The customer's message starts a form; returns all that is said in answer."""
    chat.hear(text, intent).start(form)
    return _run(chat)


def reply(chat: Chat, text: str, intent: str = "inform") -> list[str]:
    """The customer's message replies to the active form; returns all that is said in answer."""
    chat.hear(text, intent)
    return _run(chat)


def interrupted(chat: Chat, text: str, intent: str) -> bool:
    """Whether the message is no reply to the active form, so that the rule of its intent runs."""
    chat.hear(text, intent).run(forms.FORMS[chat.form or ""])
    return chat.rejected()


def follow(chat: Chat) -> list[str]:
    """The form that an action has asked for starts."""
    assert chat.followup
    chat.start(chat.followup)
    return _run(chat)


def _run(chat: Chat) -> list[str]:
    """Run the active form, then what asks its question or does its task; `chat.said` holds all messages."""
    form = chat.form or ""
    said = chat.run(forms.FORMS[form])
    messages = chat.said
    if chat.asked in ASKING:
        said += chat.run(ASKING[chat.asked])
        messages += chat.said
    elif chat.asked is None:
        chat.events.append({"event": "active_loop", "name": None})
        chat.form = None
        said += chat.run(TASKS[TASK_OF[form]])
        messages += chat.said
        if chat.followup:
            said += follow(chat)
            messages += chat.said
    chat.said = messages
    return [text for text in said if text]
