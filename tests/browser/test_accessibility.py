"""axe-core on every page, in light and dark, wide and as on a phone: no violation of WCAG 2 A and AA."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import alone

AXE = Path(__file__).parent / "vendor/axe.min.js"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 375, "height": 812}


def _name(look: tuple[str, dict[str, int]]) -> str:
    return f"{look[0]}-{look[1]['width']}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[alone.LoneDesk]:
    running = alone.start(tmp_path_factory.mktemp("desk"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def numbers(desk: alone.LoneDesk) -> dict[str, int]:
    return alone.seed(desk)


@pytest.fixture(params=[(scheme, size) for scheme in ("light", "dark") for size in (WIDE, PHONE)], ids=_name)
def visit(request: pytest.FixtureRequest, desk: alone.LoneDesk, new_page: Callable[..., Page]) -> Callable[..., Page]:
    """Opens a page of the desk as a user (as nobody without a name)."""
    scheme, viewport = request.param
    people: dict[str, Page] = {}

    def open_page(path: str, name: str = "", password: str = alone.PASSWORD) -> Page:
        if name not in people:
            # axe is put into the page, which the desk's own pages forbid to everybody else.
            people[name] = new_page(color_scheme=scheme, viewport=viewport, bypass_csp=True)
            if name:
                log_in(people[name], desk.url, name, password)
        people[name].goto(desk.url + path)
        people[name].wait_for_timeout(400)
        return people[name]

    return open_page


def log_in(page: Page, url: str, name: str, password: str) -> None:
    page.goto(url + "/desk/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_load_state()


def check(page: Page, where: str) -> None:
    """Fail with what axe found, where, and how to put it right."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("async tags => (await axe.run({runOnly: {type: 'tag', values: tags}})).violations", LEVELS)
    told = [
        f"{rule['id']} ({rule['impact']}): {rule['help']}\n"
        + "\n".join(f"    {node['target']}\n      {node['failureSummary']}" for node in rule["nodes"][:5])
        for rule in found
    ]
    if told:
        pytest.fail(f"{where}:\n" + "\n".join(told), pytrace=False)
    # A page that scrolls sideways fails "reflow" (1.4.10), which axe does not look at.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{where} is wider than the screen"


def test_an_empty_inbox(desk, visit):
    for view in ("queue", "mine", "longest", "tasks", "all"):
        page = visit(f"/desk?view={view}&q=nothing+like+this", "sam")
        expect(page.locator("#empty")).to_be_visible()
        check(page, f"empty {view}")


def test_log_in_chat_and_errors(desk, visit):
    page = visit("/desk/login")
    check(page, "log-in")
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#login-error")).to_be_visible()
    check(page, "failed log-in")
    desk.sql("DELETE FROM login_attempts")
    check(visit("/"), "chat")
    check(visit("/nothing"), "a page that does not exist")


def test_inbox_and_tasks(numbers, visit):
    for query in ("view=queue", "view=mine", "view=longest", "view=all", "view=all&state=agent", "view=tasks"):
        page = visit(f"/desk?{query}", "alex")
        expect(page.locator(".row").first).to_be_visible()
        check(page, query)
    page.locator("main").press("?")
    expect(page.locator("#keys")).to_be_visible()
    check(page, "shortcuts")


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("waiting-urgent", "alex"),
        ("mine", "alex"),
        ("mine", "dana"),
        ("theirs", "sam"),
        ("wrapping", "alex"),
        ("finished", "alex"),
        ("with-bot", "alex"),
    ],
)
def test_conversation(numbers, visit, name, person):
    page = visit(f"/desk/conversations/{numbers[name]}", person)
    expect(page.locator("#messages")).to_be_visible()
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    page.wait_for_timeout(300)
    check(page, f"{name} for {person}")


def test_articles_to_review(numbers, visit):
    page = visit("/desk/articles", "sam")
    check(page, "articles")
    page.get_by_role("link", name="Late fees").click()
    expect(page.locator("pre")).to_be_visible()
    check(page, "an article")


def test_users_audit_and_account(numbers, visit):
    check(visit("/desk/users", "admin"), "users")
    page = visit("/desk/users", "admin")
    page.get_by_label("Full name").fill("Kim Lee")
    page.get_by_label("Log-in").fill("alex")
    page.get_by_role("button", name="Add the user").click()
    expect(page.locator("#user-error")).to_be_visible()
    check(page, "a user that cannot be added")
    check(visit("/desk/users/1", "admin"), "an agent's page")
    for query in ("", "?action=view", "?action=nothing"):
        check(visit(f"/desk/audit{query}", "uma"), f"audit{query}")
    check(visit("/desk/account", "dana"), "account")


def test_a_first_log_in(desk, numbers, visit):
    page = visit("/desk/users", "admin")
    name = f"new{desk.sql('SELECT count(*) FROM users')[0][0]}"
    page.get_by_label("Full name").fill("Nina New")
    page.get_by_label("Log-in").fill(name)
    page.get_by_role("button", name="Add the user").click()
    password = page.locator("#one-time-password").inner_text()
    check(page, "a one-time password")
    page = visit("/desk", name, password)
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose your password")
    check(page, "choose a password")
