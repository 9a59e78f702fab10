"""Finishing a conversation: wrap-up, close, hand-back with slots; with the action server down, too."""

import html

import pytest
from conftest import bot, slot, tables_of, user, wait_for

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"
DRAFT = {
    "summary": [
        {"text": "The customer asked for a refund.", "turns": [1]},
        {"text": "It was agreed.", "turns": [2, 9]},
    ],
    "disposition": "follow_up",
    "follow_ups": [{"text": "Send the form", "due": "2026-11-30", "kind": "promise", "turn": 2}],
    "ticket": {"kind": "dispute", "subject": "Refund", "details": "£20", "priority": "high"},
    "note": "Refund agreed.",
    "by": "twin",
}
PACKET = {
    "version": 2,
    "id": "c" * 32,
    "reason": "customer_asked",
    "reason_turns": [1],
    "rule": "",
    "identity": {"level": "known", "how": "Account number and postcode", "account": "NA•••321"},
    "issue": "Wants a refund",
    "slots": [{"name": "order_number", "label": "Order number", "value": "NO•••136", "turn": 1, "confirmed": True}],
    "actions": [],
    "answers": [],
    "promises": [],
    "policy": [],
    "sentiment": "calm",
    "urgency": "normal",
    "open_question": "",
    "next_steps": [],
    "task": "order_status",
    "summary": [{"text": "The customer wants a refund.", "turns": [1]}],
    "channel": "webchat",
    "language": "en",
    "queue": "billing",
    "skills": ["billing"],
    "priority": 3,
    "sla_due": "2026-11-23T18:00:00+00:00",
    "told": "Somebody will be with you soon.",
    "transcript": {"conversation": "c", "events": 9},
    "requested_at": "2026-11-23T17:00:00+00:00",
}
CONFIRMED = {
    "request": "r" * 32,
    "disposition": "follow_up",
    "summary": "The customer asked for a refund.",
    "note": "Refund agreed.",
    "todo-0-keep": "1",
    "todo-0-kind": "promise",
    "todo-0-text": "Send the form",
    "todo-0-due": "2026-11-30",
    "ticket": "1",
    "ticket-kind": "dispute",
    "ticket-subject": "Refund",
    "ticket-details": "£20",
    "ticket-priority": "high",
}


@pytest.fixture(scope="module")
def alex(desk):
    return desk.logged_in("alex")


@pytest.fixture(scope="module")
def tables(desk):
    return tables_of(desk)


@pytest.fixture
def address(desk, alex, assistant, request):
    """A conversation that Alex has, handed over within a task."""
    sender = request.node.name
    said = [user("I want a refund"), bot("One moment"), user("£20 please")]
    desk.stream.publish(sender, *said, slot("handoff", PACKET), slot("owner", "queue"))
    found = alex.find(sender)
    wait_for(lambda: "Waiting for a person" in alex.get(found).text)
    assert alex.post(f"{found}/take", htmx=True, seen_assignee="").status_code == 200
    assistant.requests.clear()
    return found


def events(assistant):
    return [event for path, body in assistant.requests if path.split("?")[0].endswith("/events") for event in body]


def number(address: str) -> int:
    return int(address.rsplit("/", 1)[1])


def test_the_wrap_up_is_drafted_with_links_to_the_turns(alex, actions, address):
    started = alex.post(f"{address}/wrap-up/start", htmx=True)
    assert (started.status_code, started.headers["hx-trigger"]) == (204, "desk-changed")
    page = alex.get(address).text
    assert "/wrap-up/draft" in page and 'id="reply"' not in page and 'id="resume"' in page
    actions.answers["/copilot/wrap-up"] = (200, DRAFT)
    draft = alex.get(f"{address}/wrap-up/draft").text
    assert '<a href="#turn-1" aria-label="Show turn 1">' in draft and "Show turn 2" in draft
    assert "Show turn 9" not in draft  # there is no such turn
    assert 'id="turn-1"' in page
    assert '<option value="follow_up" selected>' in draft and '<option value="dispute" selected>' in draft
    assert 'value="Send the form"' in draft and 'value="2026-11-30"' in draft and "Refund agreed.</textarea>" in draft
    assert alex.post(f"{address}/wrap-up/resume", htmx=True).status_code == 204
    assert 'id="reply"' in alex.get(address).text


def test_nothing_is_written_before_the_confirmation_and_then_once(alex, actions, assistant, tables, address):
    actions.answers["/copilot/wrap-up"] = (200, DRAFT)
    actions.answers["/copilot/wrap-up/confirm"] = (200, {"ticket": "NT100042", "note": 7})
    alex.post(f"{address}/wrap-up/start", htmx=True)
    alex.get(f"{address}/wrap-up/draft")
    assert "/copilot/wrap-up/confirm" not in dict(actions.requests)
    assistant.status = 500
    assert alex.post(f"{address}/wrap-up/confirm", htmx=True, **CONFIRMED).status_code == 502
    assistant.status = 200
    closed = alex.post(f"{address}/wrap-up/confirm", htmx=True, **CONFIRMED)
    assert (closed.status_code, closed.headers["hx-trigger"]) == (204, "desk-changed")
    asked = [body for path, body in actions.requests if path == "/copilot/wrap-up/confirm"]
    assert {body["request"] for body in asked} == {"r" * 32}
    assert asked[-1]["ticket"] == DRAFT["ticket"]
    assert asked[-1]["follow_ups"] == [{"text": "Send the form", "due": "2026-11-30", "kind": "promise"}]
    assert asked[-1]["agent"]["name"] == "alex" and asked[-1]["summary"] == CONFIRMED["summary"]
    tasks = tables("SELECT kind, text, due, done_at FROM tasks WHERE conversation_id = :id", id=number(address))
    assert [tuple(row) for row in tasks] == [("promise", "Send the form", "2026-11-30 17:00:00.000000", None)]
    page = alex.get(address).text
    assert "Ticket NT100042" in page and "Follow-up needed" in page and 'id="draft-article"' in page
    assert any("has closed this conversation" in event.get("text", "") for event in events(assistant))


def test_systems_that_are_down_close_nothing_by_themselves(alex, actions, address):
    actions.answers["/copilot/wrap-up/confirm"] = (503, {"error": "The customer records can't be reached."})
    alex.post(f"{address}/wrap-up/start", htmx=True)
    failed = alex.post(f"{address}/wrap-up/confirm", htmx=True, **CONFIRMED)
    assert failed.status_code == 502 and "The customer records can" in failed.text
    assert 'name="desk_only" value="1"' in failed.text
    assert 'id="resume"' in alex.get(address).text
    assert alex.post(f"{address}/wrap-up/confirm", htmx=True, desk_only="1", **CONFIRMED).status_code == 204
    assert "Refund agreed." in alex.get(address).text


def test_without_a_draft_the_agent_closes_with_own_words(alex, actions, address):
    actions.answers["/copilot/wrap-up"] = (503, {"error": "Later."})
    alex.post(f"{address}/wrap-up/start", htmx=True)
    form = alex.get(f"{address}/wrap-up/draft")
    assert form.status_code == 200 and "use your own words" in form.text and 'name="ticket"' not in form.text
    asked = len(actions.requests)
    assert (
        alex.post(f"{address}/wrap-up/confirm", disposition="resolved", note="Mine", desk_only="1").status_code == 303
    )
    assert len(actions.requests) == asked
    assert "Mine" in alex.get(address).text


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"disposition": "great"}, "Choose how the conversation ended."),
        ({"todo-0-due": "tomorrow"}, "a day by which it is to be done"),
        ({"ticket-subject": " "}, "Write what the ticket is about"),
        ({"ticket-kind": "x"}, "Choose what kind of ticket"),
        ({"note": "x" * 2001}, "shorten it to 2,000"),
    ],
)
def test_a_form_with_a_gap_is_refused_with_a_sentence(alex, actions, address, wrong, sentence):
    refused = alex.post(f"{address}/wrap-up/confirm", htmx=True, **CONFIRMED | wrong)
    assert refused.status_code == 409 and sentence in refused.text
    assert not [path for path, _ in actions.requests if path.endswith("confirm")]


def test_hand_back_with_what_was_found_out(alex, actions, assistant, address):
    actions.answers["/copilot/slots"] = (200, {"slots": [{"name": "order_number", "label": "Order number"}]})
    actions.answers["/copilot/slots/check"] = (200, {"value": {"number": "NO482136"}})  # as the assistant keeps it
    form = alex.get(f"{address}/hand-back").text
    assert '<option value="order_status" selected>' in form and "Order number" in form
    assert 'placeholder="Known: NO•••136"' in form
    assert actions.requests[-1] == ("/copilot/slots", {"task": "order_status"})
    assert "Order number" in alex.get(f"{address}/hand-back/slots?task=cancel_order").text
    fields = {"task": "order_status", "slot-order_number": "no 482136", "message": "All the best"}
    assert alex.post(f"{address}/hand-back", htmx=True, **fields).status_code == 204
    found = events(assistant)
    assert next(event["text"] for event in found if event["event"] == "bot") == "All the best"
    slots = {event["name"]: event["value"] for event in found if event["event"] == "slot"}
    assert slots == {"order_number": {"number": "NO482136"}, "owner": "bot"}
    triggered = next(body for path, body in assistant.requests if "/trigger_intent" in path)
    assert list(triggered["entities"].values()) == ["order_status"]


def test_a_value_that_the_assistant_cannot_use_is_refused_at_its_field(alex, actions, assistant, address):
    actions.answers["/copilot/slots/check"] = (422, {"error": "An order number is NO and six digits."})
    checked = alex.post(f"{address}/hand-back/check", htmx=True, **{"slot-order_number": "7"})
    assert (checked.status_code, checked.text) == (200, "An order number is NO and six digits.")
    refused = alex.post(f"{address}/hand-back", htmx=True, task="order_status", **{"slot-order_number": "7"})
    assert refused.status_code == 409 and "An order number is NO and six digits." in refused.text
    unknown = alex.post(f"{address}/hand-back", htmx=True, task="delete_everything")
    assert unknown.status_code == 409 and "Choose a task from the list." in unknown.text
    assert not events(assistant)


def test_hand_back_goes_on_without_the_action_server(alex, actions, assistant, address):
    actions.answers["/copilot/slots"] = (503, {"error": "Later."})
    assert "hand back without it" in alex.get(f"{address}/hand-back").text
    lost = alex.post(f"{address}/hand-back", htmx=True, **{"slot-order_number": "NO482136"})
    assert lost.status_code == 409 and "hand back without it" in lost.text and not events(assistant)
    assert alex.post(f"{address}/hand-back", htmx=True, task="").status_code == 204
    assert [event["value"] for event in events(assistant) if event["event"] == "slot"] == ["bot"]


def test_an_article_is_drafted_from_a_closed_conversation_only(alex, actions, address):
    assert alex.post(f"{address}/article", htmx=True).status_code == 400
    alex.post(f"{address}/wrap-up/confirm", disposition="resolved", note="Refund sent", desk_only="1")
    actions.answers["/copilot/article"] = (200, {"title": EVIL, "markdown": "# x", "reference": "a1"})
    drafted = alex.post(f"{address}/article", htmx=True)
    assert "waits for a review" in drafted.text and "<script>alert" not in drafted.text
    assert actions.requests[-1][1]["summary"] == "Refund sent"
    actions.answers["/copilot/article"] = (422, {"error": "There is no question here."})
    assert "There is no question here." in alex.post(f"{address}/article", htmx=True).text


def test_nothing_of_a_draft_is_markup(alex, actions, address):
    evil = {
        "summary": [{"text": EVIL, "turns": [1, EVIL]}],
        "disposition": EVIL,
        "follow_ups": [{"text": EVIL, "due": EVIL, "kind": EVIL, "turn": 1}],
        "ticket": {"kind": EVIL, "subject": EVIL, "details": EVIL, "priority": EVIL},
        "note": EVIL,
    }
    actions.answers["/copilot/wrap-up"] = (200, evil)
    actions.answers["/copilot/slots"] = (200, {"slots": [{"name": EVIL, "label": EVIL}]})
    actions.answers["/copilot/wrap-up/confirm"] = (409, {"error": EVIL})
    pages = [
        alex.get(f"{address}/wrap-up/draft"),
        alex.get(f"{address}/hand-back"),
        alex.post(f"{address}/wrap-up/confirm", htmx=True, **CONFIRMED),
    ]
    for page in pages:
        assert "<script>alert" not in page.text and "<img src=x" not in page.text
        assert EVIL in html.unescape(page.text)


def test_only_who_has_the_conversation_finishes_it(desk, alex, assistant, address):
    sam = desk.logged_in("sam")
    before = len(assistant.requests)
    for path in ("wrap-up/confirm", "hand-back", "hand-back/check"):
        assert sam.post(f"{address}/{path}", htmx=True, **CONFIRMED).status_code == 400
    for path in ("wrap-up/draft", "hand-back", "hand-back/slots"):
        assert sam.get(f"{address}/{path}").status_code == 400
    assert sam.post(f"{address}/wrap-up/start", htmx=True).status_code == 409
    assert alex.client.post(f"{address}/wrap-up/start").status_code == 403
    assert len(assistant.requests) == before
