"""The wrap-up of a conversation that a person had: what is proposed, and what is written after the confirmation."""

import json
from pathlib import Path
from typing import Any

import knowledge_fixtures
import pytest
import wrapup_server
from knowledge_fixtures import ModelServer
from sqlalchemy import select
from wrapup_server import AGENT, Desk, agent, bot, customer

from actions import assurance
from actions.backends.models import AuditRow, NoteRow, TicketRow
from actions.backends.session import transaction
from actions.copilot.models import Turn
from actions.copilot.wrapup import outcome, propose

pytestmark = pytest.mark.usefixtures("database")
desk = wrapup_server.desk
articles = knowledge_fixtures.articles
model_server = knowledge_fixtures.model_server

TURNS = [
    customer(1, "where is my refund", "ask_question"),
    bot(1, "I don't know that.", "action_answer"),
    customer(2, "a person please, I'm Priya, 07700 900123", "request_human"),
    bot(2, "I'm passing you to our billing team now.", "action_handoff"),
    agent(2, "Hi Priya, I'm Alex. I've looked at the refund of £20.00."),
    customer(3, "and?"),
    agent(3, "You'll get the refund within 5 working days. I'll call you back tomorrow at 3."),
    customer(4, "ok thanks", "thank"),
]


def said(*turns: dict[str, Any]) -> list[Turn]:
    """The turns as the server reads them."""
    return [Turn.model_validate(turn) for turn in turns]


def test_the_whole_proposal(desk: Desk) -> None:
    response = desk.post("/wrap-up", conversation="conversation-1", turns=TURNS, packet=None, agent=AGENT)
    assert response.status_code == 200, response.text
    told = response.json()
    assert told["by"] == "twin"
    assert {"text": 'The customer asked: "where is my refund".', "turns": [1]} in told["summary"]
    assert told["disposition"] == "callback"
    assert told["why"] == "Somebody promised to call the customer by Saturday 21 November."
    assert told["follow_ups"] == [
        {"text": "I'll call you back tomorrow at 3.", "due": "2026-11-21", "kind": "promise", "turn": 3},
        {"text": "You'll get the refund within 5 working days.", "due": "2026-11-27", "kind": "promise", "turn": 3},
    ]
    assert told["ticket"]["kind"] == "callback" and told["ticket"]["priority"] == "normal"
    assert "- by Friday 27 November: You'll get the refund within 5 working days." in told["ticket"]["details"]
    assert (
        told["note"].startswith("Sunday 22 November, chat. Asks: ") and "Outcome: Call-back promised." in told["note"]
    )


@pytest.mark.parametrize(
    ("turns", "disposition"),
    [
        ([], "other"),
        (
            [customer(1, "hi"), agent(1, "Restart the router at the back."), customer(2, "it works now, thanks")],
            "resolved",
        ),
        ([customer(1, "hi"), agent(1, "Restart the router at the back."), customer(2, "cheers", "thank")], "resolved"),
        ([customer(1, "hi"), agent(1, "It's paid. Is there anything else?")], "resolved"),
        ([customer(1, "hi"), agent(1, "Which light is red?")], "customer_left"),
        ([customer(1, "hi"), agent(1, "Fine."), {"who": "system", "text": "The customer left."}], "customer_left"),
        ([customer(1, "hi"), agent(1, "I'm transferring you to our technical team.")], "passed_on"),
        ([customer(1, "hi"), agent(1, "I'll send you the label by e-mail."), customer(2, "thanks")], "follow_up"),
        ([customer(1, "hi"), agent(1, "I'll ring you on Monday."), customer(2, "thanks")], "callback"),
        ([customer(1, "hi"), agent(1, "It's paid."), customer(2, "is it really?")], "follow_up"),
        ([customer(1, "hi"), agent(1, "Restart it."), customer(2, "thanks but it still fails")], "other"),
    ],
)
def test_dispositions(turns: list[dict[str, Any]], disposition: str) -> None:
    proposed = propose(said(*turns), None)
    assert proposed["disposition"] == disposition
    assert proposed["why"].endswith(".")
    assert bool(proposed["ticket"]) == bool(proposed["follow_ups"])


def test_the_packet_adds_promises_and_sources() -> None:
    packet = {
        "answers": [
            {"question": "q", "outcome": "answered", "sources": [{"title": "Refunds", "article": "r"}], "turn": 1}
        ],
        "promises": [{"text": "We'll refund £20.00 within 14 days.", "turn": 1, "due": "2026-12-04T17:00:00+00:00"}],
    }
    proposed = propose(said(*TURNS[:3], agent(2, "That's right.")), packet)
    assert {"text": 'The assistant answered from "Refunds".', "turns": [1]} in proposed["summary"]
    assert [f["text"] for f in proposed["follow_ups"]] == ["We'll refund £20.00 within 14 days."]


def test_a_ticket_that_was_opened_already_is_not_proposed_again() -> None:
    turns = [customer(1, "my router is dead", "report_problem"), agent(1, "I'll send you a new one. It's NT000123.")]
    proposed = propose(said(*turns), None)
    assert proposed["follow_ups"] and proposed["ticket"] is None


@pytest.mark.parametrize(
    ("text", "intent", "kind", "priority"),
    [
        ("my broadband is down", "report_problem", "fault", "normal"),
        ("I was charged twice, I need it back today", "dispute_charge", "dispute", "high"),
        ("I want to complain", "complain", "complaint", "normal"),
        ("there's a burning smell from the router", "report_problem", "fault", "urgent"),
        ("how do I do that", "ask_question", "other", "normal"),
    ],
)
def test_kind_and_priority_of_the_ticket(text: str, intent: str, kind: str, priority: str) -> None:
    ticket = propose(said(customer(1, text, intent), agent(1, "We'll get back to you.")), None)["ticket"]
    assert (ticket["kind"], ticket["priority"]) == (kind, priority)


def test_no_secret_is_in_a_proposal() -> None:
    turns = [
        customer(1, "my card is 4111 1111 1111 1111, how do I pay", "ask_question"),
        agent(1, "I'll send you a link."),
    ]
    proposed = propose(said(*turns), None)
    assert "4111" not in json.dumps(proposed, default=str) and "[hidden]" in proposed["note"]


def test_a_models_unsupported_sentence_is_dropped(desk: Desk, model_server: ModelServer) -> None:
    kept = {"text": "The customer asked about the refund.", "turns": [1]}
    invented = {"text": "The customer was promised a credit of £50.00.", "turns": [3]}
    model_server.reply = json.dumps({"sentences": [kept, invented]})
    told = desk.post("/wrap-up", conversation="conversation-1", turns=TURNS, agent=AGENT).json()
    assert (told["by"], told["summary"]) == ("model", [kept])
    assert told["disposition"] == "callback" and "£50.00" not in json.dumps(told)


def test_an_empty_outcome_has_a_reason() -> None:
    assert outcome([], [])[1] == "Nothing in the conversation says how it ended."


def confirmation(**changes: Any) -> dict[str, Any]:
    """What the agent confirms."""
    return {
        "conversation": "conversation-1",
        "agent": AGENT,
        "summary": "The customer asked about a refund.",
        "disposition": "follow_up",
        "follow_ups": [{"text": "Pay the refund", "due": "2026-11-27", "kind": "promise", "turn": 3}],
        "ticket": {"kind": "dispute", "subject": "Refund", "details": "Pay £20.00", "priority": "high"},
        "note": "Asked about a refund, card 4111 1111 1111 1111.",
        "request": "wrap-1",
    } | changes


def rows() -> tuple[list[TicketRow], list[NoteRow]]:
    """What was written."""
    with transaction() as session:
        session.expire_on_commit = False
        new = select(TicketRow).where(TicketRow.conversation_id == "conversation-1")
        return list(session.scalars(new)), list(session.scalars(select(NoteRow)))


def test_the_confirmation_writes_ticket_and_note_once(desk: Desk) -> None:
    first = desk.post("/wrap-up/confirm", **confirmation())
    assert first.status_code == 200, first.text
    assert desk.post("/wrap-up/confirm", **confirmation()).json() == first.json()
    [ticket], [note] = rows()
    assert first.json() == {"ticket": f"NT{ticket.id:06d}", "note": f"NN{note.id:06d}"}
    assert (ticket.kind, ticket.subject, ticket.priority) == ("dispute", "Refund", "high")
    assert (note.author, note.disposition, note.customer_id) == ("alex", "follow_up", None)
    assert note.text == (
        "Asked about a refund, card [hidden].\nTo do:\n- by Friday 27 November: Pay the refund\n"
        f"Ticket: {first.json()['ticket']}."
    )
    with transaction() as session:
        kept = session.execute(select(AuditRow.action, AuditRow.actor, AuditRow.outcome)).all()
    assert ("note.add", "alex", "allowed") in kept and ("ticket.open", "alex", "allowed") in kept


def test_a_verified_customers_note_belongs_to_the_account(desk: Desk) -> None:
    assurance.verify_account("conversation-1", "NA204518", "LS1 4AP")
    assert desk.post("/wrap-up/confirm", **confirmation(ticket=None)).json()["ticket"] is None
    [], [note] = rows()
    assert note.customer_id is not None


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"agent": AGENT | {"role": "auditor"}}, 403),
        ({"note": "", "summary": "", "follow_ups": [], "ticket": None}, 422),
        ({"disposition": "So, so."}, 422),
        ({"request": ""}, 422),
        ({"ticket": {"kind": "gift", "subject": "Refund"}}, 422),
    ],
)
def test_what_is_refused_writes_nothing(desk: Desk, changes: dict[str, Any], status: int) -> None:
    response = desk.post("/wrap-up/confirm", **confirmation(**changes))
    assert response.status_code == status and response.json()["error"].endswith((".", "?"))
    assert rows() == ([], [])


def test_without_the_token_nothing_is_told(desk: Desk, database: Path) -> None:
    desk.http.headers["Authorization"] = "Bearer wrong"
    assert desk.post("/wrap-up", conversation="c", turns=[], agent=AGENT).status_code == 401
