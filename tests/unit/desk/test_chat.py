"""The customer's page: sessions, history, headers."""

from datetime import timedelta

import jwt
import pytest
from conftest import bot, handed_over, slot, user, wait_for

from desk.models import now


@pytest.fixture
def client(desk):
    with desk.client() as opened:
        yield opened


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def history(client, token, count):
    def enough():
        body = client.get("/chat/history", headers=bearer(token)).json()
        return body if len(body["messages"]) >= count else None

    return wait_for(enough)


def test_the_page_may_talk_to_the_assistant_and_runs_no_foreign_script(client, desk, assistant):
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "unsafe" not in policy
    origin = f"127.0.0.1:{assistant.port}"
    assert f"connect-src 'self' http://{origin} ws://{origin};" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "<script>" not in page.text and "style=" not in page.text
    for path in ("/static/chat/app.js", "/static/vendor/socket.io.esm.min.js", "/static/chat.css"):
        assert client.get(path).status_code == 200
    assert client.get("/static/../app.py").status_code == 404


def test_a_session_is_opened_and_renewed(client, assistant):
    first = client.post("/chat/session").json()
    assert first["assistant_url"] == f"http://127.0.0.1:{assistant.port}"
    assert first["expires_in"] == 900
    renewed = client.post("/chat/session", headers=bearer(first["renewal"])).json()
    assert renewed["session_id"] == first["session_id"]
    assert client.post("/chat/session").json()["session_id"] != first["session_id"]


@pytest.mark.parametrize(("path", "audience"), [("/chat/session", "webchat-renewal"), ("/chat/history", "webchat")])
def test_an_expired_or_forged_token_is_refused_with_a_sentence(client, desk, path, audience):
    at = now() - timedelta(days=2)
    session = client.post("/chat/session").json()["session_id"]
    claims = {"sub": session, "jti": "b" * 32, "aud": audience, "iat": at, "exp": at + timedelta(days=1)}
    expired = jwt.encode(claims, desk.secret, algorithm="HS256")
    forged = jwt.encode(claims | {"exp": now() + timedelta(days=1)}, "another" * 8, algorithm="HS256")
    for token in (expired, forged, "x"):
        response = client.request("POST" if "session" in path else "GET", path, headers=bearer(token))
        assert response.status_code == 401
        assert response.json()["error"].startswith("This chat has expired")


def test_history_needs_a_token(client):
    assert client.get("/chat/history").status_code == 401


def test_a_customer_reads_only_their_own_history(client, desk):
    mine, other = client.post("/chat/session").json(), client.post("/chat/session").json()
    assert client.get("/chat/history", headers=bearer(mine["token"])).json()["messages"] == []
    desk.stream.publish(other["session_id"], user("a stranger's words"))
    desk.stream.publish(
        mine["session_id"],
        user("mine"),
        bot("It is free.\nSource: Returns", sources=[{"title": "Returns", "article": "returns"}]),
        slot("owner", "agent"),
        bot("Alex has joined the conversation.", author="system", agent_name="Alex", notice="joined"),
        bot("Hello", author="agent", agent_name="Alex"),
    )
    body = history(client, mine["token"], 4)
    shown = [(row["who"], row["notice"], row["text"]) for row in body["messages"]]
    assert shown == [
        ("customer", False, "mine"),
        ("bot", False, "It is free.\nSource: Returns"),
        ("bot", True, "Alex has joined the conversation."),
        ("agent", False, "Hello"),
    ]
    assert body["owner"] == "agent"
    assert body["messages"][1]["sources"] == [{"title": "Returns", "article": "returns"}]
    assert body["messages"][3]["agent_name"] == "Alex"
    assert "stranger" not in str(body)


def test_history_offers_only_the_buttons_of_the_last_question_and_signs_them(client, desk):
    session = client.post("/chat/session").json()
    yes = [{"title": "Yes", "payload": "/affirm"}]
    desk.stream.publish(session["session_id"], bot("One?", yes), user("/affirm#" + "0" * 32), bot("Two?", yes))
    rows = history(client, session["token"], 3)["messages"]
    assert rows[1]["text"] == "Yes"
    assert rows[0]["quick_replies"] == []
    [reply] = rows[2]["quick_replies"]
    assert reply["title"] == "Yes"
    assert reply["payload"].startswith("/affirm#") and len(reply["payload"]) == len("/affirm#") + 32


def test_nothing_about_the_handoff_reaches_the_customer(client, desk):
    session = client.post("/chat/session").json()
    desk.stream.publish(session["session_id"], user("help"), *handed_over("An internal remark"))
    body = wait_for(
        lambda: (b := history(client, session["token"], 1))["owner"] == "queue" and b,
    )
    assert "internal" not in str(body)
    assert "intent" not in str(body["messages"])
