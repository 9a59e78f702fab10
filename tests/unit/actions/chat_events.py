"""Events of conversations as Rasa's tracker keeps them, written by hand or drawn at random."""

import random
from typing import Any

Event = dict[str, Any]


def user(text: str, intent: str) -> Event:
    """A customer's message."""
    return {"event": "user", "text": text, "parse_data": {"intent": {"name": intent}}}


def action(name: str) -> Event:
    """An action that ran."""
    return {"event": "action", "name": name}


def bot(text: str, **metadata: Any) -> Event:
    """The assistant's words, as Rasa keeps them."""
    return {"event": "bot", "text": text, "metadata": {"metadata": metadata}}


def agent(text: str) -> Event:
    """A person's words, as the desk appends them."""
    return {"event": "bot", "text": text, "metadata": {"author": "agent", "agent_name": "Alex"}}


def answer(text: str, title: str = "", outcome: str = "answered") -> list[Event]:
    """What follows a question."""
    sources = [{"title": title, "article": f"help/{title.lower().replace(' ', '-')}"}] if title else []
    return [action("action_answer"), bot(text, outcome=outcome, sources=sources)]


# One turn each: what the customer writes and what follows, in the words of the assistant's own tasks and answers.
_TURNS: list[list[Event]] = [
    [user("hello", "greet"), action("utter_greet"), bot("Hello! How can I help?")],
    [user("what's my balance", "balance"), action("balance_form"), bot("What's your account number?")],
    [user("NA204518", "inform"), action("action_balance"), bot("Your balance is £42.50, due on Sunday 6 December.")],
    [user("NA918273", "inform"), action("action_balance"), bot("Your balance is £0.00. There is nothing to pay.")],
    [user("where is my order", "order_status"), action("order_form"), bot("What's the order number?")],
    [
        user("NO123456", "inform"),
        action("action_order_status"),
        bot("It's on its way. It comes on Friday."),
    ],
    [user("book a technician", "book_visit"), action("booking_form"), bot("What is the visit for?")],
    [user('my "new" router is dead. No light!', "report_problem"), *answer("Plug it in again.", "Router lights")],
    [user("how much is the late fee", "ask_question"), *answer("The fee is £7.50.", "Paying late")],
    [user("can I pay in bitcoin", "ask_question"), *answer("I don't know that.", outcome="unknown")],
    [user("do you serve the Isle of Man", "ask_question"), *answer("I don't know that.", outcome="unknown")],
    [user("mail priya@example.com, I'm Priya Sharma, 07700 900123 " + "please " * 40, "nlu_fallback")],
    [user("my card is 4111 1111 1111 1111", "ask_question"), *answer("Never send a card number.", "Staying safe")],
    [user("/affirm", "affirm"), action("action_listen")],
    [user("thanks", "thank"), action("utter_welcome"), bot("You're welcome!")],
    [user("are you there?", "nlu_fallback"), agent("Hi, I'm Alex. I'll look into it."), agent("Your line is fine.")],
    [user("and my refund", "nlu_fallback"), agent("I've asked for it. You'll get the £20.00 within 5 working days.")],
    [user("a person please", "request_human")],
]


def random_chat(seed: int) -> list[Event]:
    """A conversation of up to 14 turns, sometimes with an earlier session before it."""
    draw = random.Random(seed)
    events = [event for turn in draw.choices(_TURNS, k=draw.randint(0, 14)) for event in turn]
    if draw.random() < 0.2:
        events.insert(draw.randint(0, len(events)), {"event": "session_started"})
    return events
