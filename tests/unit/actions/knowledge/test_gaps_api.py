"""The knowledge-gap list over HTTP, from the action server as a real process."""

from collections.abc import Iterator

import httpx
import pytest
from test_server import AUTH, Server

from actions.knowledge import gaps


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server beside which one question stayed without an answer."""
    folder = tmp_path_factory.mktemp("var")
    running = Server(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TANDEM_VAR", str(running.log.parent))
        gaps.record("Do you sell phone insurance?", "orders/returns", 0.41)
    yield running
    running.process.terminate()
    running.process.wait(timeout=30)


def test_the_list_is_given_to_who_has_the_token(server: Server) -> None:
    url = f"{server.url}/knowledge/gaps"
    assert httpx.get(url).status_code == 401
    [gap] = httpx.get(url, headers=AUTH).json()["gaps"]
    assert (gap["question"], gap["count"], gap["nearest"]) == ("Do you sell phone insurance?", 1, "orders/returns")
    assert httpx.get(url, params={"limit": "many"}, headers=AUTH).status_code == 400
