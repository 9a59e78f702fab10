"""Pages of other sites that open chats, and how many new chats one address may open."""

import pytest
from conftest import start_desk, stop_desk

from desk.chat_sessions import MOST_NEW
from desk.settings import Settings, SettingsError

SHOP, EVIL = "https://shop.example", "https://evil.example"


@pytest.fixture(scope="module")
def shared(tmp_path_factory, scripted_server, scripted_actions):
    """A desk behind a proxy, whose chats a shop's pages may open."""
    folder = tmp_path_factory.mktemp("shared")
    more = {"CHAT_ORIGINS": f"{SHOP}, https://www.shop.example:8443", "DESK_PROXIES": "1"}
    running = start_desk(folder, scripted_server.port, scripted_actions.port, **more)
    running.stream.create()
    yield running
    stop_desk(running)


def from_site(desk, origin, method="POST", address="192.0.2.9", **headers):
    with desk.client() as client:
        given = {"Origin": origin, "X-Forwarded-For": address} | headers
        return client.request(method, "/chat/session", headers=given)


def test_an_allowed_site_gets_and_renews_and_ends_a_session(shared):
    asked = from_site(shared, SHOP, "OPTIONS", **{"Access-Control-Request-Method": "POST"})
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == SHOP
    assert asked.headers["access-control-allow-headers"] == "Authorization"
    assert {"POST", "DELETE"} == set(asked.headers["access-control-allow-methods"].split(", "))
    opened = from_site(shared, SHOP)
    assert opened.status_code == 200 and opened.headers["access-control-allow-origin"] == SHOP
    assert opened.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in opened.headers
    renewal = {"Authorization": f"Bearer {opened.json()['renewal']}"}
    renewed = from_site(shared, SHOP, **renewal)
    assert renewed.json()["session_id"] == opened.json()["session_id"]
    ended = from_site(shared, SHOP, "DELETE", Authorization=f"Bearer {renewed.json()['renewal']}")
    assert ended.status_code == 204 and ended.headers["access-control-allow-origin"] == SHOP
    expired = from_site(shared, SHOP, Authorization=f"Bearer {renewed.json()['renewal']}")
    assert expired.status_code == 401 and expired.headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize(
    "origin", [EVIL, "null", "http://shop.example", "https://shop.example:444", "https://shop.example.evil.example"]
)
@pytest.mark.parametrize("method", ["OPTIONS", "POST", "DELETE"])
def test_other_sites_get_nothing(shared, origin, method):
    answer = from_site(shared, origin, method)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert "CHAT_ORIGINS" in answer.json()["error"] and "token" not in answer.json()


def test_history_is_for_the_desks_own_pages(shared):
    token = from_site(shared, SHOP).json()["token"]
    with shared.client() as client:
        headers = {"Authorization": f"Bearer {token}", "Origin": SHOP}
        assert "access-control-allow-origin" not in client.get("/chat/history", headers=headers).headers


def test_without_the_setting_only_the_desks_own_page_may(desk):
    assert from_site(desk, SHOP).status_code == 403
    assert from_site(desk, SHOP, "OPTIONS").status_code == 403
    own = from_site(desk, desk.url)
    assert own.status_code == 200 and "access-control-allow-origin" not in own.headers
    assert from_site(desk, desk.url.replace("127.0.0.1", "localhost")).status_code == 200


def test_one_address_opens_only_so_many_new_chats(shared):
    answers = [from_site(shared, SHOP, address="192.0.2.77") for _ in range(MOST_NEW + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert answers[-1].status_code == 429 and answers[-1].json()["error"].startswith("Too many new chats")
    renewal = {"Authorization": f"Bearer {answers[0].json()['renewal']}"}
    assert from_site(shared, SHOP, address="192.0.2.77", **renewal).status_code == 200
    assert from_site(shared, SHOP, address="192.0.2.78").status_code == 200


@pytest.mark.parametrize(
    "origins", ["shop.example", "https://shop.example/", "*", "https://a.example;https://b.example"]
)
def test_origins_that_no_browser_would_send_are_told(tmp_path, origins):
    needed = dict.fromkeys(("TANDEM_SECRET", "RASA_TOKEN", "ACTIONS_TOKEN", "DESK_TOKEN"), "x" * 40)
    with pytest.raises(SettingsError, match="without a path"):
        Settings.from_env({"TANDEM_VAR": str(tmp_path), "CHAT_ORIGINS": origins, **needed})
