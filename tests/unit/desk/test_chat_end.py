"""A chat is ended: by the customer, by a supervisor, by a command, and by itself when its token was copied."""

import subprocess
import sys

import pytest
from conftest import ROOT, desk_environment, tables_of, user

from desk import chat_end


@pytest.fixture
def client(desk):
    with desk.client() as opened:
        yield opened


@pytest.fixture(scope="module")
def sam(desk):
    """A supervisor."""
    return desk.logged_in("sam")


@pytest.fixture
def address(desk, sam, assistant, session):
    """The conversation's page."""
    desk.stream.publish(session.session_id, user("hello"))
    return sam.find(session.session_id)


@pytest.fixture
def session(desk):
    return desk.chat()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def told(assistant):
    """What the assistant was told to revoke, and with which header."""
    return [
        (body, header)
        for (path, body), header in zip(assistant.requests, assistant.authorizations, strict=True)
        if path == "/webhooks/webchat/revoke"
    ]


def opens_nothing(client, session):
    asked = [
        client.get("/chat/history", headers=bearer(session.token)),
        client.get("/chat/presence", headers=bearer(session.token)),
        client.post("/chat/typing", headers=bearer(session.token), json={"writing": True}),
        client.post("/chat/session", headers=bearer(session.renewal)),
    ]
    return [response.status_code for response in asked] == [401] * 4


def test_the_customer_ends_it(desk, client, sam, assistant, session, address):
    assert client.get("/chat/history", headers=bearer(session.token)).status_code == 200
    assert client.delete("/chat/session", headers=bearer(session.renewal)).status_code == 204
    assert opens_nothing(client, session)
    expected = {"conversation": session.session_id, "seconds": 900}
    assert told(assistant) == [(expected, "Bearer rasa-token")]
    assert chat_end.BY_CUSTOMER in sam.get(address).text
    assert client.delete("/chat/session", headers=bearer(session.renewal)).status_code == 204
    assert len(told(assistant)) == 1


@pytest.mark.parametrize("token", ["-", "x", "access"])
def test_nobody_else_ends_it(client, session, token):
    """Also not with an access token, which a site that embeds the chat may hand on to others."""
    given = session.token if token == "access" else token
    assert client.delete("/chat/session", headers=bearer(given)).status_code == 401
    assert client.get("/chat/history", headers=bearer(session.token)).status_code == 200


def test_it_is_ended_although_the_assistant_does_not_answer(client, assistant, session):
    assistant.status = 500
    assert client.delete("/chat/session", headers=bearer(session.renewal)).status_code == 204
    assert opens_nothing(client, session)


def test_a_supervisor_ends_it_and_an_agent_may_not(desk, client, sam, assistant, session, address):
    alex = desk.logged_in("alex")
    assert "End the customer" not in alex.get(address).text
    assert alex.post(f"{address}/end-chat").status_code == 403
    assert "End the customer" in sam.get(address).text
    assert sam.post(f"{address}/end-chat").status_code == 303
    assert opens_nothing(client, session)
    assert told(assistant)[0][0]["conversation"] == session.session_id
    again = sam.post(f"{address}/end-chat")
    assert again.status_code == 409 and "no open session" in again.text
    rows = tables_of(desk)(
        "SELECT u.name FROM audit a JOIN users u ON u.id = a.user_id JOIN conversations c ON c.id = a.conversation_id"
        " WHERE a.action = 'end_chat' AND c.sender_id = :sender",
        sender=session.session_id,
    )
    assert rows == [("sam",)]


def test_a_supervisor_hears_that_open_pages_were_not_closed(client, sam, assistant, session, address):
    assistant.status = 500
    answer = sam.post(f"{address}/end-chat")
    assert answer.status_code == 502 and "for up to 15 minutes" in answer.text
    assert opens_nothing(client, session)


def test_a_copied_renewal_token_ends_it(desk, client, sam, assistant, session, address):
    first = client.post("/chat/session", headers=bearer(session.renewal)).json()
    second = client.post("/chat/session", headers=bearer(first["renewal"])).json()
    assert client.post("/chat/session", headers=bearer(session.renewal)).status_code == 401
    assert client.get("/chat/history", headers=bearer(second["token"])).status_code == 401
    assert client.post("/chat/session", headers=bearer(second["renewal"])).status_code == 401
    assert told(assistant)[0][0]["conversation"] == session.session_id
    assert chat_end.COPIED in sam.get(address).text


def test_the_command_ends_it(desk, client, assistant, session):
    folder = desk.stream.path.parent
    env = desk_environment(folder, 8080, assistant.port)

    def command():
        arguments = [sys.executable, "-m", "desk", "endchat", session.session_id]
        return subprocess.run(arguments, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)

    first = command()
    assert first.returncode == 0, first.stderr
    assert opens_nothing(client, session)
    assert told(assistant)[0][0]["conversation"] == session.session_id
    second = command()
    assert second.returncode == 2 and "check its id" in second.stderr
