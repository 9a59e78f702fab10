"""The packet and its schema over HTTP, from the action server as a real process."""

import httpx
import pytest
from test_server import AUTH, Server

from actions.packet_schema import SCHEMA, problems


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    return Server(tmp_path_factory.mktemp("var"))


def test_the_schema_is_for_those_with_the_token(server: Server) -> None:
    url = f"{server.url}/handoff/schema"
    assert httpx.get(url).status_code == 401
    given = httpx.get(url, headers=AUTH)
    assert given.json() == SCHEMA and given.headers["content-type"] == "application/schema+json"


def test_the_running_server_makes_a_valid_packet(server: Server) -> None:
    """Runs last in this module: it stops the server."""
    message = {"text": "You're useless, I want a person", "intent": {"name": "request_human"}, "entities": []}
    event = {"event": "user", "text": message["text"], "parse_data": message, "input_channel": "webchat"}
    said = server.call("action_handoff", latest_message=message, events=[event])
    [packet] = [e["value"] for e in said.json()["events"] if e.get("name") == "handoff"]
    assert problems(packet) == []
    assert (packet["channel"], packet["sentiment"], packet["reason"]) == ("webchat", "unhappy", "customer_asked")
    server.process.terminate()
    assert server.process.wait(30) == 0
    assert "packet_part_unavailable" not in server.log.read_text()
