"""The packet's schema over HTTP, from the action server as a real process."""

import httpx
import test_server
from test_server import AUTH, Server

from actions.packet_schema import SCHEMA

server = test_server.server


def test_the_schema_is_for_those_with_the_token(server: Server) -> None:
    url = f"{server.url}/handoff/schema"
    assert httpx.get(url).status_code == 401
    given = httpx.get(url, headers=AUTH)
    assert given.json() == SCHEMA and given.headers["content-type"] == "application/schema+json"
