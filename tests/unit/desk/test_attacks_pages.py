"""Attacks on the desk's pages: requests that another site makes an agent's browser send, and routes of other roles."""

import http.client

import pytest
from conftest import PASSWORD, handed_over, hidden, start_desk, stop_desk, user, wait_for
from test_roles import NAMES, ROUTES, address

from desk.roles import PERMISSIONS, RULES
from tests.attacks import attempt

POSTS = [(name, path) for name, method, path in ROUTES if method == "POST"]
FOREIGN = {"Origin": "https://attacker.example", "Referer": "https://attacker.example/page"}


@pytest.fixture(scope="module")
def own_desk(tmp_path_factory, scripted_server):
    running = start_desk(tmp_path_factory.mktemp("attacks"), scripted_server.port)
    running.stream.create().publish("c", user("Call me"), *handed_over())
    yield running
    stop_desk(running)


@pytest.fixture(scope="module")
def members(own_desk):
    """A logged-in browser for each role, with the CSRF token of its session."""
    found = {}
    for role, name in NAMES.items():
        client = own_desk.client()
        form = {"name": name, "password": PASSWORD, "csrf_token": hidden(client.get("/desk/login").text)}
        assert client.post("/desk/login", data=form).status_code == 303
        found[role] = (client, hidden(client.get("/desk/account").text))
    wait_for(lambda: "/desk/conversations/1" in found["agent"][0].get("/desk?view=all").text)
    return found


def who_may(name):
    """A role that may use the route."""
    return next(role for role in NAMES if role in PERMISSIONS[RULES[name].permission])


@pytest.mark.parametrize(("name", "path"), POSTS)
def test_a_post_from_another_site_does_nothing(members, name, path):
    client, own = members[who_may(name)]
    _, of_somebody_else = members["auditor" if who_may(name) != "auditor" else "admin"]
    tokens = {"no token": {}, "an empty one": {"csrf_token": ""}, "a guess": {"csrf_token": "0" * len(own)},
              "another session's": {"csrf_token": of_somebody_else}}  # fmt: skip
    for what, form in tokens.items():
        response = client.post(address(path), data=form, headers=FOREIGN)
        attempt("CSRF", f"{name} with {what}", response.status_code == 403)
        response = client.post(address(path), headers={**FOREIGN, "X-CSRF-Token": form.get("csrf_token", "")})
        attempt("CSRF", f"{name} with {what} in the header", response.status_code == 403)


@pytest.mark.parametrize(("name", "method", "path"), [r for r in ROUTES if not r[0].startswith("account.log_out")])
def test_a_role_that_may_not_gets_nothing(members, name, method, path):
    for role in sorted(set(NAMES) - PERMISSIONS[RULES[name].permission]):
        client, token = members[role]
        response = client.request(method, address(path), data={"csrf_token": token} if method == "POST" else None)
        blocked = response.status_code == 403 and "Call me" not in response.text
        attempt("route of another role", f"{name} as {role}", blocked)


@pytest.mark.parametrize(("name", "method", "path"), ROUTES)
def test_nobody_is_let_in_without_a_log_in(own_desk, name, method, path):
    for what, cookie in (
        ("no cookie", ""),
        ("a made-up one", "a" * 43),
        ("a signed-looking one", "eyJhbGciOiJub25lIn0.e30."),
    ):
        with own_desk.client() as client:
            headers = {"Cookie": f"tandem_desk={cookie}"} if cookie else {}
            response = client.request(method, address(path), headers=headers)
            attempt("page without a log-in", f"{name} with {what}", response.status_code in (303, 401))


def test_a_login_token_of_before_is_not_taken_over(own_desk):
    """Session fixation: a cookie that an attacker chose must not become the log-in's."""
    with own_desk.client() as client:
        client.cookies.set("tandem_desk", "b" * 43, path="/desk")
        form = {"name": "alex", "password": PASSWORD, "csrf_token": hidden(client.get("/desk/login").text)}
        client.post("/desk/login", data=form)
        values = {cookie.value for cookie in client.cookies.jar if cookie.name == "tandem_desk"}
    with own_desk.client() as attacker:
        response = attacker.get("/desk", headers={"Cookie": f"tandem_desk={'b' * 43}"})
        attempt("session fixation", "a chosen cookie", response.status_code == 303 and values != {"b" * 43})


@pytest.mark.parametrize(
    "target", ["https://attacker.example/", "//attacker.example", "/\\attacker.example", "javascript:1"]
)
def test_no_way_out_through_a_redirect(own_desk, target):
    with own_desk.client() as client:
        token = hidden(client.get("/desk/login", params={"next": target}).text)
        form = {"name": "alex", "password": PASSWORD, "csrf_token": token, "next": target}
        location = client.post("/desk/login", data=form, params={"next": target}).headers.get("location", "")
        attempt("open redirect", target, location.startswith("/desk"))


@pytest.mark.parametrize("path", [
    "/static/../settings.py", "/static/..%2fsettings.py", "/static/%2e%2e/settings.py", "/static/....//settings.py",
    "/static/..%5csettings.py", "/static//etc/passwd", "/static/%2fetc%2fpasswd", "/static/desk/../../settings.py",
])  # fmt: skip
def test_static_files_stay_in_their_folder(own_desk, path):
    connection = http.client.HTTPConnection(own_desk.url.removeprefix("http://"), timeout=10)
    connection.request("GET", path)  # as it stands: other clients tidy the path up first
    response = connection.getresponse()
    body = response.read()
    connection.close()
    attempt("path traversal", path, response.status != 200 and b"SettingsError" not in body and b"root:" not in body)
