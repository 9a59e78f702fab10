"""The conversation page: turns and what was understood, the packet, the customer, replies, and who may see what."""

import re
import sqlite3
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from conftest import bot, slot, user, wait_for

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
DUE = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def packet(text="it", **more):
    """A packet of version 2 in which every free text is `text`."""
    return {
        "version": 2,
        "id": uuid.uuid4().hex,
        "reason": "policy",
        "reason_turns": [2],
        "rule": text,
        "identity": {"level": "verified", "how": text, "account": f"••{text}"},
        "issue": text,
        "slots": [{"name": "order_number", "label": text, "value": text, "turn": 1, "confirmed": True}],
        "actions": [{"action": "action_order_status", "title": text, "result": text, "turn": 1, "ok": False}],
        "answers": [
            {
                "question": text,
                "text": text,
                "outcome": "answered",
                "sources": [{"title": text, "article": "a"}],
                "turn": 2,
            }
        ],
        "promises": [{"text": text, "turn": 2, "due": DUE}],
        "policy": [{"rule": text, "stage": text, "outcome": text, "turn": 2}],
        "sentiment": "angry",
        "urgency": "high",
        "open_question": text,
        "next_steps": [text],
        "task": "",
        "summary": [{"text": text, "turns": [1, 2]}],
        "channel": "webchat",
        "language": "en",
        "queue": "orders",
        "skills": [],
        "priority": 2,
        "sla_due": DUE,
        "told": text,
        "transcript": {"conversation": "c", "events": 3, "turns": 2},
        "requested_at": DUE,
        **more,
    }


@pytest.fixture(scope="module")
def alex(desk):
    return desk.logged_in("alex")


@pytest.fixture(scope="module")
def sam(desk):
    return desk.logged_in("sam")


def handed(desk, member, text="it", before=(), entity="NO482136"):
    """The address of a conversation of two turns that waits for a person, and its sender."""
    sender = uuid.uuid4().hex
    entities = {"intent": {"name": "order_status", "confidence": 0.42}}
    entities["entities"] = [{"entity": "order_number", "value": entity}]
    desk.stream.publish(
        sender,
        *before,
        user(f"first {text}", parse_data=entities),
        slot("order_number", text),
        slot("requested_slot", "postcode"),
        {"event": "action", "name": "action_order_status"},
        bot(f"answer {text}", outcome="answered", question=text, evidence=[{"passage": text}]),
        user(f"second {text}", "complain"),
        slot("handoff", packet(text)),
        slot("owner", "queue"),
    )
    address = member.find(sender)
    wait_for(lambda: "Waiting for a person" in member.get(address).text)
    return address, sender


def turn_address(page, address, number):
    message = re.search(rf'id="turn-{number}" data-who="customer" data-id="(\d+)"', page)[1]
    return f"{address}/turns/{message}"


def test_turns_are_numbered_and_the_packet_links_to_them(desk, alex, actions):
    address, _ = handed(desk, alex)
    page = alex.get(address).text
    assert page.index('id="turn-1"') < page.index("first it") < page.index('id="turn-2"') < page.index("second it")
    assert page.count('href="#turn-1"') >= 3 and page.count('href="#turn-2"') >= 4
    assert 'href="#turn-3"' not in page


def test_a_new_session_counts_from_one_and_the_packets_session_keeps_its_links(desk, alex, actions):
    address, sender = handed(desk, alex, before=(user("last week"), {"event": "session_started"}))
    page = alex.get(address).text
    assert page.count('id="turn-1"') == 1 and 'id="turn-of-0-1"' in page and "New session" in page
    assert page.index("last week") < page.index('id="turn-1"') < page.index("first it")
    desk.stream.publish(sender, {"event": "session_started"}, user("after an hour"))
    wait_for(lambda: "after an hour" in alex.get(address).text)
    later = alex.get(address).text
    assert 'id="turn-of-2-1"' in later and later.index('id="turn-2"') < later.index("after an hour")


def test_what_the_assistant_understood_in_a_turn(desk, alex, actions):
    address, sender = handed(desk, alex)
    now = datetime.now(UTC)
    with sqlite3.connect(desk.stream.path) as connection:
        stamps = connection.execute(
            "SELECT json_extract(data, '$.timestamp') FROM events WHERE json_extract(data, '$.event') = 'user'"
            " AND sender_id = ?",
            (sender,),
        ).fetchall()
    moments = [datetime.fromtimestamp(stamp, UTC).isoformat() for (stamp,) in stamps]
    decision = {"stage": "input", "outcome": "escalate", "policy_version": "1"}
    rows = [
        {**decision, "rule": "first-rule", "at": moments[0]},
        {**decision, "rule": "second-rule", "at": moments[1]},
        {**decision, "rule": "none", "at": moments[0], "outcome": "allow"},
        {**decision, "rule": "later-rule", "at": (now + timedelta(days=9999)).isoformat()},
    ]
    actions.answers["/policy/decisions"] = (200, {"decisions": rows})
    text = alex.get(turn_address(alex.get(address).text, address, 1)).text
    for shown in (
        "order_status",
        "42 %",
        "Order number: NO482136",
        "Order number: it",
        "Order status",
        "Answered from",
    ):
        assert shown in text
    assert "first-rule" in text and "second-rule" not in text and "none" not in text
    assert "Requested slot" not in text and "postcode" not in text
    assert actions.requests[-1] == ("/policy/decisions", {"conversation": sender})


def test_the_turn_is_shown_also_when_the_policy_cannot_be_asked(desk, alex, actions):
    address, _ = handed(desk, alex)
    actions.answers["/policy/decisions"] = (503, {"error": "The decisions cannot be read just now."})
    response = alex.get(turn_address(alex.get(address).text, address, 1))
    assert response.status_code == 200 and "Order status" in response.text
    assert "The decisions cannot be read just now." in response.text


def test_a_turn_of_another_conversation_is_not_found(desk, alex, actions):
    address, _ = handed(desk, alex)
    other, _ = handed(desk, alex)
    message = turn_address(alex.get(other).text, other, 1).rsplit("/", 1)[1]
    assert alex.get(f"{address}/turns/{message}").status_code == 404
    assert alex.get(f"{address}/turns/99999999").status_code == 404
    bot_message = re.search(r'data-who="bot" data-id="(\d+)"', alex.get(address).text)[1]
    assert alex.get(f"{address}/turns/{bot_message}").status_code == 404


CUSTOMER = {
    "level": "known",
    "fields": [
        {"label": "Name", "value": "Maya Okafor", "masked": False},
        {"label": "Account", "value": "NA••••18", "masked": True},
    ],
    "orders": [{"label": "NO482136", "value": "On its way"}],
    "visits": [],
    "tickets": [{"label": "TK-1", "value": "Open"}],
    "balance": "£12.40 in credit",
}


def test_the_customer_is_looked_up_with_the_agents_role(desk, alex, actions):
    address, sender = handed(desk, alex)
    actions.answers["/copilot/customer"] = (200, CUSTOMER)
    assert f'hx-get="{address}/customer" hx-trigger="load"' in alex.get(address).text
    text = alex.get(f"{address}/customer").text
    for shown in ("Maya Okafor", "NA••••18", "hidden in part", "NO482136", "TK-1", "£12.40", "None."):
        assert shown in text
    assert "account number and postcode would show" in text
    path, asked = actions.requests[-1]
    assert path == "/copilot/customer" and asked["conversation"] == sender
    assert asked["agent"] == {"name": "alex", "first_name": "Alex", "role": "agent"}


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ((403, {"error": "Your role may not see customers."}), "Your role may not see customers."),
        ((500, b"oops"), "Try again in a moment."),
        ((200, {"level": 4, "fields": "x", "orders": [3], "tickets": None}), "Proven"),
    ],
)
def test_a_customer_who_cannot_be_shown_is_one_sentence(desk, alex, actions, answer, shown):
    address, _ = handed(desk, alex)
    actions.answers["/copilot/customer"] = answer
    response = alex.get(f"{address}/customer")
    assert response.status_code == 200 and shown in response.text and "Traceback" not in response.text
    assert alex.get(address).status_code == 200


def test_ready_replies_are_filled_and_open_places_are_refused(desk, alex, assistant, actions):
    address, _ = handed(desk, alex, "NO482136")
    assert "NO482136" not in alex.get(f"{address}/replies?q=order").text
    alex.post(f"{address}/take", seen_assignee="")
    text = alex.get(f"{address}/replies?q=order&name=Maya").text
    assert "I have your order NO482136 in front of me." in text
    hello = alex.get(f"{address}/replies?q=hello&name=Maya").text
    assert "Hello Maya, I&#39;m Alex." in hello
    assert "<mark>{name}</mark>" in alex.get(f"{address}/replies?q=hello").text
    assert "bill" not in alex.get(f"{address}/replies?q=").text.lower()
    refused = alex.reply(address, "Hello {name}")
    assert refused.status_code == 409
    assert refused.json()["error"] == "Put something in the place of {name} first."
    assert not any("Hello {name}" in str(events) for _, events in assistant.requests)


def test_an_address_is_sent_only_after_the_policy_has_seen_it(desk, alex, assistant, actions):
    address, _ = handed(desk, alex)
    alex.post(f"{address}/take", seen_assignee="")
    link = "Returns form: https://northlight.example/returns"
    refused = alex.reply(address, link)
    assert refused.status_code == 409 and "can't be checked" in refused.json()["error"]
    actions.answers["/copilot/draft"] = (200, {"outcome": "refuse", "message": "Only our own pages.", "text": link})
    assert alex.reply(address, link).json()["error"] == "Only our own pages."
    actions.answers["/copilot/draft"] = (200, {"outcome": "allow", "rule": "none", "text": link, "message": ""})
    assert alex.reply(address, link).status_code == 200
    assert str(assistant.requests).count("northlight.example/returns") == 1


def test_secure_addresses_of_agents_are_links_and_no_others(desk, alex, actions):
    address, sender = handed(desk, alex)
    desk.stream.publish(
        sender,
        user("see https://customer.example/x"),
        bot(
            "Form: https://northlight.example/a?b=1&c=2, <b>http://plain.example</b>", author="agent", agent_name="Alex"
        ),
    )
    wait_for(lambda: "customer.example" in alex.get(address).text and "plain.example" in alex.get(address).text)
    page = alex.get(address).text
    assert 'href="https://northlight.example/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer"' in page
    assert 'href="https://customer.example' not in page and 'href="http://plain' not in page
    assert "&lt;b&gt;http://plain.example" in page


def test_transfer_to_a_queue_leaves_a_note_and_the_conversation_waits(desk, alex, sam, assistant, actions):
    address, _ = handed(desk, alex)
    alex.post(f"{address}/take", seen_assignee="")
    page = alex.get(address).text
    assert 'value="queue:orders"' in page and 'value="agent:sam"' in page and 'value="agent:alex"' not in page
    assert "Choose a queue" in alex.post(f"{address}/transfer", htmx=True, to="", transfer_note="keep me").text
    assert alex.post(f"{address}/transfer", to="queue:billing", transfer_note="Asks about a bill").status_code == 303
    after = sam.get(address).text
    assert "Waiting for a person" in after and "Transfer by Alex Morgan" in after and "Asks about a bill" in after


def test_the_page_of_another_agent_loses_the_reply_box_at_once(desk, alex, sam, assistant, actions):
    address, _ = handed(desk, alex)
    alex.post(f"{address}/take", seen_assignee="")
    state = alex.get(address).text.split('id="seen-state" name="state" value="')[1].split('"')[0]
    unchanged = alex.get(f"{address}/updates", params={"after": "0", "state": state}).text
    assert 'id="composer"' not in unchanged
    sam.post(
        f"{address}/take", seen_assignee=sam.get(address).text.split('name="seen_assignee" value="')[1].split('"')[0]
    )
    update = alex.get(f"{address}/updates", params={"after": "0", "state": state}).text
    assert 'id="composer" hx-swap-oob' in update and 'id="reply"' not in update
    assert "Sam Reid is talking to the customer" in update
    assert alex.reply(address, "me too").status_code == 409


def test_nothing_that_is_shown_is_markup(desk, alex, sam, assistant, actions):
    address, _ = handed(desk, alex, EVIL, entity=EVIL)
    row = {"label": EVIL, "value": EVIL, "masked": False}
    actions.answers["/copilot/customer"] = (
        200,
        {"level": EVIL, "fields": [row, {**row, "label": "Name"}], "orders": [row], "visits": [row], "tickets": [row]}
        | {"balance": EVIL},
    )
    alex.post(f"{address}/take", seen_assignee="")
    alex.post(f"{address}/notes", note_text=EVIL)
    sam.post(f"{address}/whisper", whisper_text=EVIL)
    long = EVIL + "x" * 2000
    pages = {
        "page": alex.get(address),
        "turn": alex.get(turn_address(alex.get(address).text, address, 1)),
        "customer": alex.get(f"{address}/customer"),
        "replies": alex.get(f"{address}/replies", params={"q": "order", "name": EVIL}),
        "hello": alex.get(f"{address}/replies", params={"q": "hello", "name": EVIL}),
        "note kept": alex.post(f"{address}/notes", note_text=long),
        "transfer kept": alex.post(f"{address}/transfer", to="", transfer_note=EVIL),
        "whisper kept": sam.post(f"{address}/whisper", whisper_text=long),
    }
    for name, response in pages.items():
        assert "&lt;script&gt;alert(1)" in response.text, name
        assert "<script>alert" not in response.text and "<img" not in response.text, name


@pytest.mark.parametrize("path", ["/turns/1", "/customer", "/replies", "/typing"])
def test_no_part_is_shown_without_a_login(desk, path):
    with desk.client() as client:
        assert client.get(f"/desk/conversations/1{path}").headers["location"] == "/desk/login"


@pytest.mark.parametrize("path", ["/typing", "/notes", "/whisper", "/transfer"])
def test_every_post_needs_the_sessions_token(alex, path):
    assert alex.client.post(f"/desk/conversations/1{path}", data={}).status_code == 403
