"""Script and mark-up in all that the desk shows: what customers write, what services answer, what agents type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.attacks import attempt
from tests.browser import alone

EVIL = (
    '<b data-evil>x</b><img src=x onerror="window.evil=1"><script>window.evil=1</script>\'"><svg onload=window.evil=1>'
    '{{7*7}}<a href="javascript:window.evil=1" data-evil>y</a>'
)
FIXED = {
    "reason", "level", "sentiment", "urgency", "outcome", "requested_at", "sla_due", "due", "id", "language", "queue",
    "channel", "task",
}  # fmt: skip
FOUND = """() => ({
    ran: Boolean(window.evil),
    marked: document.querySelectorAll("[data-evil]").length,
    links: [...document.querySelectorAll("a[href], form[action]")].map((e) => e.getAttribute("href") ?? e.action)
        .filter((address) => /^\\s*(javascript|data|vbscript):/i.test(address)).length,
    handlers: document.querySelectorAll("[onerror], [onload], [onclick]").length,
    shown: document.documentElement.textContent.split("data-evil>x").length - 1,
})"""


def evil(value: Any, key: str = "") -> Any:
    """The value with the attack in each of its texts that is free."""
    if isinstance(value, dict):
        return {name: evil(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [evil(item, key) for item in value]
    return value + EVIL if isinstance(value, str) and key not in FIXED else value


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[alone.LoneDesk]:
    before = dict(alone.ANSWERS)
    keep = (
        "kind",
        "id",
        "by",
        "at",
        "needs",
        "due",
        "valid_from",
        "disposition",
        "level",
        "audience",
        "reference",
        "name",
    )
    alone.ANSWERS.update({path: _but(evil(answer), answer, keep) for path, answer in before.items()})
    running = alone.start(tmp_path_factory.mktemp("evil"))
    yield running
    running.stop()
    alone.ANSWERS.update(before)


def _but(changed: Any, original: Any, keep: tuple[str, ...]) -> Any:
    if isinstance(changed, dict):
        return {name: original[name] if name in keep else _but(changed[name], original[name], keep) for name in changed}
    if isinstance(changed, list):
        return [_but(new, old, keep) for new, old in zip(changed, original, strict=True)]
    return changed


@pytest.fixture(scope="module")
def number(desk: alone.LoneDesk) -> int:
    """A conversation in which every text is an attack."""
    said = alone.user("Hello " + EVIL, intent="ask" + EVIL)
    said["parse_data"]["entities"] = [{"entity": "PERSON" + EVIL, "value": EVIL, "start": 0, "end": 5}]
    sources = [{"title": EVIL, "article": EVIL, "passage": EVIL}]
    answered = alone.bot("Answer " + EVIL, sources=sources, question=EVIL, outcome="answered", policy_rule=EVIL)
    answered["data"]["buttons"] = [{"title": EVIL, "payload": "/" + EVIL}]
    packet = evil(alone.packet("Charged twice"))
    from_agent = alone.bot("Hello " + EVIL, author="agent", agent_name=EVIL)
    desk.publish(
        "evil",
        said,
        answered,
        alone.slot("name" + EVIL, EVIL),
        alone.slot("handoff", packet),
        alone.slot("owner", "queue"),
        alone.slot("owner", "agent", desk_user="alex"),
        from_agent,
        alone.user(EVIL),
    )
    return desk.number("evil", "phase = 'agent' AND assigned_to IS NOT NULL")


@pytest.fixture
def agent(desk: alone.LoneDesk, new_page: Callable[..., Page]) -> Callable[[str], Page]:
    def open_as(name: str) -> Page:
        page = new_page(viewport={"width": 1440, "height": 900})
        page.goto(desk.url + "/desk/login")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(alone.PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(lambda url: "/login" not in url)
        return page

    return open_as


def check(page: Page, what: str, at_least: int = 0) -> None:
    """Nothing ran and nothing became an element. Each place where the attack stands as text is one attempt."""
    found = page.evaluate(FOUND)
    assert found["shown"] >= at_least, f"{what} shows the attack {found['shown']} times only: too little was tried"
    blocked = not (found["ran"] or found["marked"] or found["links"] or found["handlers"])
    for place in range(1, max(1, found["shown"]) + 1):
        attempt("XSS", f"{what}, place {place}", blocked)


def test_the_conversation_with_all_its_panels(desk: alone.LoneDesk, number: int, agent: Callable[[str], Page]) -> None:
    page = agent("alex")
    page.goto(f"{desk.url}/desk/conversations/{number}")
    expect(page.locator("#messages")).to_contain_text("Hello")
    page.evaluate("() => document.querySelectorAll('details').forEach((element) => { element.open = true; })")
    expect(page.locator("#customer-body")).to_contain_text("Jo March")  # the panels load by themselves
    expect(page.locator("body")).to_contain_text("Refund the late fee")
    check(page, "conversation page", at_least=24)


@pytest.mark.parametrize(
    ("name", "path", "at_least"),
    [
        ("alex", "/desk?view=all", 1),
        ("dana", "/desk?view=all", 1),
        ("alex", "/desk?view=all&q=" + EVIL, 0),
        ("sam", "/desk/articles", 1),
        ("uma", "/desk/audit?user=" + EVIL, 0),
        ("admin", "/desk/users?q=" + EVIL, 0),
        ("alex", "/desk/" + EVIL, 0),
    ],
)
def test_pages(
    desk: alone.LoneDesk, number: int, agent: Callable[[str], Page], name: str, path: str, at_least: int
) -> None:
    page = agent(name)
    page.goto(desk.url + path)
    page.wait_for_timeout(300)  # for what runs after the page is there
    check(page, f"{path.partition('=')[0][:40]} as {name}", at_least)


def test_the_wrap_up(desk: alone.LoneDesk, number: int, agent: Callable[[str], Page]) -> None:
    page = agent("alex")
    desk.sql("UPDATE conversations SET phase = 'wrap_up', wrap_up_at = CURRENT_TIMESTAMP WHERE id = ?", number)
    page.goto(f"{desk.url}/desk/conversations/{number}")
    expect(page.locator("#wrap-summary")).to_be_visible()
    check(page, "the wrap-up", at_least=20)
    desk.sql("UPDATE conversations SET phase = 'agent', wrap_up_at = NULL WHERE id = ?", number)


def test_what_an_agent_types(desk: alone.LoneDesk, number: int, agent: Callable[[str], Page]) -> None:
    page = agent("alex")
    page.goto(f"{desk.url}/desk/conversations/{number}")
    page.locator("#note-tool summary").click()
    page.locator("#note-text").fill("Note " + EVIL)
    page.locator("#add-note").click()
    expect(page.locator("#messages")).to_contain_text("Note <b data-evil>")
    check(page, "a note", at_least=1)


def test_the_customers_own_page(desk: alone.LoneDesk, new_page: Callable[..., Page]) -> None:
    page = new_page()
    with page.expect_response("**/chat/session") as opened:
        page.goto(desk.url)
    conversation = opened.value.json()["session_id"]
    sources = [{"title": EVIL, "article": EVIL, "passage": EVIL}]
    answered = alone.bot("Answer " + EVIL, sources=sources, outcome="answered")
    answered["data"]["buttons"] = [{"title": EVIL, "payload": EVIL}]
    from_agent = alone.bot("Hello " + EVIL, author="agent", agent_name=EVIL)
    desk.publish(conversation, alone.user("Hi " + EVIL), from_agent, answered)
    desk.number(conversation)
    page.reload()
    expect(page.locator("body")).to_contain_text("Answer <b data-evil>")
    check(page, "the customer's page", at_least=4)
