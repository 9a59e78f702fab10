import os
import uuid

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SECRET = "a-secret-that-only-these-tests-know-0123"
VAULT_KEY = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoyMzQ1Njc="


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("TANDEM_SECRET", SECRET)
    monkeypatch.setenv("TANDEM_VAULT_KEY", VAULT_KEY)
    monkeypatch.delenv("VAULT_DATABASE_URL", raising=False)
    monkeypatch.delenv("TANDEM_VAR", raising=False)
    monkeypatch.delenv("TANDEM_POLICY", raising=False)
    return monkeypatch


@pytest.fixture(scope="session")
def channel_server():
    """Both channels on one server: Sanic starts only once in a process."""
    # Imported here: the other tests need no Rasa server.
    from assistant.channels.rest import RestChannel
    from assistant.channels.webchat import WebChatInput
    from tests.unit.assistant.server import serving

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TANDEM_SECRET", SECRET)
        credentials = {
            "desk_url": "http://localhost:8080",
            "actions_token": "from-the-actions",
            "token": "from-the-desk",
        }
        web = WebChatInput.from_credentials(credentials)
        rest = RestChannel.from_credentials({"token": "let-me-in"})
        with serving([web, rest]) as running:
            yield running


@pytest.fixture
def server(channel_server):
    """The server with an agent that has heard nothing yet."""
    channel_server.agent.reset()
    return channel_server


@pytest.fixture
def mine():
    """A conversation of the test's own: each one may send only so many messages in ten seconds."""
    return uuid.uuid4().hex


@pytest.fixture
def theirs():
    """Another conversation of the test's own."""
    return uuid.uuid4().hex
