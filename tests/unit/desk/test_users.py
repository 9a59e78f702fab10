"""The administrator's pages, and one's own account, over HTTP."""

import re

import pytest
from conftest import PASSWORD, Member, hidden, start_desk, stop_desk

from desk import roles


@pytest.fixture(scope="module")
def own_desk(tmp_path_factory, scripted_server):
    running = start_desk(tmp_path_factory.mktemp("users"), scripted_server.port)
    yield running
    stop_desk(running)


class Person:
    """A logged-in browser of somebody with any role."""

    def __init__(self, desk, name, password=PASSWORD):
        self.client = desk.client()
        form = {"name": name, "password": password, "csrf_token": hidden(self.client.get("/desk/login").text)}
        self.login = self.client.post("/desk/login", data=form)
        assert self.login.status_code == 303, self.login.text
        self.csrf_token = hidden(self.client.get("/desk/account").text)

    def get(self, path):
        return self.client.get(path)

    def post(self, path, **fields):
        return self.client.post(path, data={"csrf_token": self.csrf_token, **fields})


@pytest.fixture(scope="module")
def admin(own_desk):
    return Person(own_desk, "admin")


def add(admin, name, role="agent"):
    """Add somebody; their number and one-time password."""
    page = admin.post("/desk/users", name=name, display_name=f"{name.capitalize()} Lee", role=role).text
    number = re.search(rf'/desk/users/(\d+)" id="user-{name}"', page).group(1)
    return number, re.search(r'id="one-time-password">([^<]+)<', page).group(1)


def test_a_new_user_must_choose_a_password_before_anything_else(own_desk, admin):
    _, password = add(admin, "kim")
    kim = Person(own_desk, "kim", password)
    assert kim.get("/desk").headers["location"] == "/desk/account"
    assert kim.client.get("/desk/inbox", headers={"HX-Request": "true"}).headers["hx-redirect"] == "/desk/account"
    assert kim.client.get("/desk/inbox", headers={"Accept": "application/json"}).status_code == 403
    page = kim.get("/desk/account").text
    assert "Choose your password" in page and "at least 10 characters" in page
    refused = kim.post("/desk/account/password", current=password, new="short", again="short")
    assert refused.status_code == 409 and "too short" in refused.text
    new = "battery staple horse"
    changed = kim.post("/desk/account/password", current=password, new=new, again=new)
    assert (changed.status_code, changed.headers["location"]) == (303, "/desk")
    assert "Kim Lee" in kim.get("/desk").text
    assert Person(own_desk, "kim", new)


def test_the_one_time_password_is_shown_once_and_written_nowhere(own_desk, admin):
    _, password = add(admin, "noor")
    assert password not in admin.get("/desk/users").text
    assert password not in admin.get("/desk/audit").text
    for file in own_desk.stream.path.parent.glob("desk.db*"):
        assert password.encode() not in file.read_bytes()


def test_mistakes_are_told_and_keep_what_was_typed(admin):
    page = admin.post("/desk/users", name="no spaces", display_name="Sky <b>", role="auditor")
    assert page.status_code == 409 and "letters, digits" in page.text
    assert 'value="Sky &lt;b&gt;"' in page.text and re.search(r'value="auditor" selected', page.text)
    assert admin.post("/desk/users", name="alex", display_name="A", role="agent").status_code == 409
    assert admin.post("/desk/users/99999", display_name="A", role="agent").status_code == 404
    assert admin.get("/desk/users/99999").status_code == 404


def test_role_and_name_are_changed_and_the_old_log_ins_end(own_desk, admin):
    number, password = add(admin, "rolf")
    rolf = Person(own_desk, "rolf", password)
    changed = admin.post(f"/desk/users/{number}", display_name="Rolf Berg", role="auditor")
    assert changed.status_code == 303
    assert "Rolf Berg" in admin.get("/desk/users").text
    assert rolf.get("/desk/account").headers["location"] == "/desk/login"


def test_a_disabled_user_is_out_and_can_be_let_in_again(own_desk, admin):
    number, password = add(admin, "vera")
    vera = Person(own_desk, "vera", password)
    assert admin.post(f"/desk/users/{number}/disable").status_code == 303
    assert vera.get("/desk/account").status_code == 303
    assert "Let Vera in again" in admin.get(f"/desk/users/{number}").text
    assert admin.post(f"/desk/users/{number}/enable").status_code == 303
    assert Person(own_desk, "vera", password)


def test_an_administrator_cannot_lock_the_door_behind_them(admin):
    number = re.search(r'/desk/users/(\d+)" id="user-admin"', admin.get("/desk/users").text).group(1)
    assert 'id="disable"' not in admin.get(f"/desk/users/{number}").text
    assert admin.post(f"/desk/users/{number}/disable").status_code == 409
    assert admin.post(f"/desk/users/{number}", display_name="R", role="agent").status_code == 409


def test_a_reset_replaces_the_password(own_desk, admin):
    number, password = add(admin, "ines")
    page = admin.post(f"/desk/users/{number}/reset-password").text
    fresh = re.search(r'id="one-time-password">([^<]+)<', page).group(1)
    assert fresh != password
    with pytest.raises(AssertionError):
        Person(own_desk, "ines", password)
    assert Person(own_desk, "ines", fresh)


def test_queues_skills_and_capacity(admin):
    number, _ = add(admin, "omar")
    saved = admin.post(f"/desk/users/{number}/work", queues="Billing, orders,", skills="german", capacity="5")
    assert saved.status_code == 303
    page = admin.get(f"/desk/users/{number}").text
    assert 'value="billing, orders"' in page and 'value="german"' in page and 'value="5"' in page
    assert "up to 5, billing, orders; german" in admin.get("/desk/users").text
    for capacity in ("0", "51", "many"):
        refused = admin.post(f"/desk/users/{number}/work", queues="", skills="", capacity=capacity)
        assert refused.status_code == 409 and "between 1 and 50" in refused.text


def test_log_out_everywhere(own_desk):
    here, there = Person(own_desk, "dana"), Person(own_desk, "dana")
    assert "In 2 browsers" in here.get("/desk/account").text
    assert here.post("/desk/account/log-out-everywhere").status_code == 303
    for person in (here, there):
        assert person.get("/desk/account").headers["location"] == "/desk/login"


def test_the_pages_of_each_role_link_only_where_it_may_go(own_desk):
    for name, role in (("sam", "supervisor"), ("uma", "auditor"), ("admin", "admin")):
        page = Person(own_desk, name).get("/desk/account").text
        for place, permission in (("inbox", "see_all"), ("audit", "see_audit"), ("users", "manage_users")):
            assert (f'id="place-{place}"' in page) == (role in roles.PERMISSIONS[permission])


def test_presence_is_switched_in_the_header(own_desk):
    member = Member(own_desk.client(), "alex")
    assert 'value="available" selected' in member.get("/desk/presence").text
    assert 'value="busy" selected' in member.post("/desk/presence", htmx=True, status="busy").text
    assert member.post("/desk/presence", status="asleep").status_code == 409
    assert 'value="busy" selected' in member.get("/desk/presence").text
    assert Person(own_desk, "uma").get("/desk/presence").status_code == 403
