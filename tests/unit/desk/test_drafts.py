"""The policy's look at a reply before it is sent."""

import pytest
from conftest import bot, handed_over, tables_of, user, wait_for


@pytest.fixture(scope="module")
def alex(desk):
    return desk.logged_in("alex")


@pytest.fixture
def address(desk, alex, assistant, request):
    sender = request.node.name
    desk.stream.publish(sender, user("hello"), bot("hi"), *handed_over())
    found = alex.find(sender)
    wait_for(lambda: "Waiting for a person" in alex.get(found).text)
    assert alex.post(f"{found}/take", htmx=True, seen_assignee="").status_code == 200
    assistant.requests.clear()
    return found


def audited(desk, address: str) -> list[tuple[str, str]]:
    query = "SELECT action, detail FROM audit WHERE conversation_id = :id ORDER BY id"
    return [tuple(row) for row in tables_of(desk)(query, id=int(address.rsplit("/", 1)[1]))]


def test_an_allowed_reply_is_sent_as_it_is(desk, alex, actions, assistant, address):
    actions.answers["/copilot/draft"] = (200, {"outcome": "allow", "rule": "", "text": "Hello", "message": ""})
    assert alex.reply(address, "Hello").json() == {"error": ""}
    assert [event["text"] for _, events in assistant.requests for event in events] == ["Hello"]
    path, asked = actions.requests[-1]
    assert (path, asked["text"]) == ("/copilot/draft", "Hello")
    assert asked["conversation"] == "test_an_allowed_reply_is_sent_as_it_is"
    assert asked["agent"] == {"name": "alex", "first_name": "Alex", "role": "agent"}
    assert [(turn["n"], turn["who"]) for turn in asked["turns"]][:2] == [(1, "customer"), (1, "bot")]
    assert "unchecked" not in [action for action, _ in audited(desk, address)]


@pytest.mark.parametrize("outcome", ["redact", "replace"])
def test_a_changed_reply_is_shown_first_and_sent_when_confirmed(desk, alex, actions, assistant, address, outcome):
    changed = {"outcome": outcome, "rule": "pii_card", "text": "Your card [card number]", "message": ""}
    actions.answers["/copilot/draft"] = (200, changed)
    held = alex.reply(address, "Your card 4111 1111 1111 1111")
    assert held.status_code == 409
    assert held.json()["draft"] == "Your card [card number]" and "Check the changed reply" in held.json()["error"]
    assert not assistant.requests
    assert ("draft_changed", "pii_card") in audited(desk, address)
    assert alex.reply(address, "Your card [card number]").status_code == 200
    assert len(assistant.requests) == 1


@pytest.mark.parametrize("outcome", ["refuse", "escalate", "something new"])
def test_a_refused_reply_is_not_sent_and_says_why(desk, alex, actions, assistant, address, outcome):
    refused = {"outcome": outcome, "rule": "no_advice", "text": "", "message": "No medical advice, please."}
    actions.answers["/copilot/draft"] = (200, refused)
    held = alex.reply(address, "Take two <tablets>")
    assert held.json() == {"error": "No medical advice, please.", "draft": "Take two <tablets>"}
    page = alex.post(f"{address}/reply", text="Take two <tablets>")
    assert page.status_code == 409
    assert "Take two &lt;tablets&gt;</textarea>" in page.text and "No medical advice, please." in page.text
    assert not assistant.requests
    assert ("draft_refused", "no_advice") in audited(desk, address)


@pytest.mark.parametrize("answer", [(503, {"error": "Later."}), (200, {}), (200, b"no json")])
def test_a_check_that_is_down_does_not_silence_the_agent(desk, alex, actions, assistant, address, answer):
    actions.answers["/copilot/draft"] = answer
    sent = alex.reply(address, "I am here")
    assert sent.status_code == 200 and "could not be checked" in sent.json()["hint"]
    assert len(assistant.requests) == 1
    assert ("unchecked", "reply") in audited(desk, address)
    assert "<strong>Not checked:</strong> 1 reply in" in desk.logged_in("sam").get(f"{address}/copilot").text
    assert "Not checked" not in alex.get(f"{address}/copilot").text


def test_a_reply_that_the_assistant_did_not_take_is_not_called_sent(desk, alex, actions, assistant, address):
    assistant.status = 500
    assert alex.reply(address, "I am here").status_code == 502
    assert "unchecked" not in [action for action, _ in audited(desk, address)]


def test_nobody_else_asks_the_policy(desk, actions, address):
    sam = desk.logged_in("sam")
    assert sam.reply(address, "Hi").json() == {"error": "Alex Morgan has this conversation now."}
    assert not actions.requests
