"""What each role may do: every route of the desk, asked by every role."""

import re

import httpx
import pytest
from conftest import PASSWORD, handed_over, hidden, start_desk, stop_desk, user, wait_for
from sanic.exceptions import Forbidden

from desk.app import create_app
from desk.models import User
from desk.roles import PERMISSIONS, ROLES, RULES, can, home, require
from desk.settings import Settings

NAMES = {"agent": "alex", "supervisor": "sam", "designer": "dana", "auditor": "uma", "admin": "admin"}
# Open to everybody, or with a token of their own.
OPEN = ("chat.", "chat_typing.", "login.", "api.", "static", "health")
EXPECTED = {
    "see_all": "agent supervisor designer auditor",
    "see_personal_data": "agent supervisor",
    "take": "agent supervisor",
    "reply": "agent supervisor",
    "transfer": "agent supervisor",
    "take_from_others": "supervisor",
    "whisper": "supervisor",
    "end_chats": "supervisor",
    "review_articles": "supervisor designer",
    "see_audit": "auditor admin",
    "manage_users": "admin",
    "own_account": "agent supervisor designer auditor admin",
}


def routes():
    """Name, method and path of every guarded route, from the application's own router."""
    app = create_app(Settings("s" * 40, "r", "sqlite+aiosqlite://", "sqlite+aiosqlite://"))
    app.router.finalize()
    for route in app.router.routes:
        name = route.name.removeprefix("desk.")
        if not name.startswith(OPEN):
            for method in sorted(route.methods - {"HEAD", "OPTIONS"}):
                yield name, method, "/" + route.path


ROUTES = list(routes())
PARAMETERS = {"conversation_id": "1", "message_id": "1", "user_id": "999", "task_id": "999", "reference": "A-1"}


def address(path):
    """The path with a value for each of its parameters."""
    return re.sub(r"<(\w+):\w+>", lambda match: PARAMETERS[match.group(1)], path)


def test_every_route_has_a_rule_and_every_rule_a_route():
    assert {name for name, _, _ in ROUTES} == set(RULES)
    assert {rule.permission for rule in RULES.values()} <= set(PERMISSIONS)


def test_pages_that_show_customers_data_say_so():
    """Every page about conversations is audited, but for those that show nothing of them."""
    silent = {
        "inbox.stream",
        "inbox.seen",
        "details.typing",
        "details.ready_replies",
        "details.transfer_quality",
        "copilot.search",
    }
    pages = {
        name for name, method, path in ROUTES if method == "GET" and RULES[name].permission in ("see_all", "reply")
    }
    assert {name for name in pages if not RULES[name].shows} == silent & pages


def test_who_may_do_what():
    assert {name: set(text.split()) for name, text in EXPECTED.items()} == PERMISSIONS
    assert set(NAMES) == set(ROLES)


def test_a_refusal_is_a_sentence():
    auditor = User(name="uma", display_name="Uma Patel", role="auditor", password_hash="")
    assert not can(auditor, "reply") and home(auditor) == "/desk"
    with pytest.raises(Forbidden, match="As an auditor you can't write to customers"):
        require(auditor, "reply")


@pytest.fixture(scope="module")
def own_desk(tmp_path_factory, scripted_server):
    running = start_desk(tmp_path_factory.mktemp("roles"), scripted_server.port)
    running.stream.create().publish("c", user("Call me"), *handed_over())
    running.stream.publish("d", user("My number is 07700 900123"))
    yield running
    stop_desk(running)


@pytest.fixture(scope="module")
def members(own_desk):
    """A client for each role, with its CSRF token."""
    found = {}
    for role, name in NAMES.items():
        client = own_desk.client()
        form = {"name": name, "password": PASSWORD, "csrf_token": hidden(client.get("/desk/login").text)}
        response = client.post("/desk/login", data=form)
        assert response.status_code == 303
        found[role] = (client, hidden(client.get("/desk/account").text))
    wait_for(lambda: "/desk/conversations/2" in found["agent"][0].get("/desk?view=all").text)
    return found


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("name", "method", "path"),
    [route for route in ROUTES if not route[0].startswith(("account.log_out", "inbox.stream"))],
)
def test_every_route_for_every_role(members, role, name, method, path):
    client, token = members[role]
    response = client.request(method, address(path), data={"csrf_token": token} if method == "POST" else None)
    allowed = role in PERMISSIONS[RULES[name].permission]
    if allowed:
        assert response.status_code != 403, response.text
    else:
        assert response.status_code == 403
        assert "you can&#39;t" in response.text and "Traceback" not in response.text


@pytest.mark.parametrize("role", ROLES)
def test_the_live_stream_asks_for_the_role_too(members, role):
    client, _ = members[role]
    with client.stream("GET", "/desk/stream") as response:
        assert response.status_code == (200 if can(User(role=role), "see_all") else 403)


def test_every_guarded_route_wants_a_log_in(own_desk):
    with httpx.Client(base_url=own_desk.url, trust_env=False) as client:
        for _, method, path in ROUTES:
            response = client.request(method, address(path))
            assert response.status_code in (303, 401), path


def test_designers_see_no_personal_data(members):
    for path in ("/desk?view=all", "/desk/inbox?view=all", "/desk/conversations/2"):
        assert "07700 900123" in members["agent"][0].get(path).text
        masked = members["designer"][0].get(path).text
        assert "07700" not in masked and "•••" in masked


def test_administrators_land_on_the_users_page(own_desk):
    with own_desk.client() as client:
        form = {"name": "admin", "password": PASSWORD, "csrf_token": hidden(client.get("/desk/login").text)}
        assert client.post("/desk/login", data=form).headers["location"] == "/desk/users"
        assert client.get("/desk/login").headers["location"] == "/desk/users"
        assert client.get("/desk").status_code == 403
