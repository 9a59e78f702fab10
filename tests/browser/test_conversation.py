"""The conversation page in a browser: keys, links to turns, notes and whispers, and a second agent who looks on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import alone


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[alone.LoneDesk]:
    running = alone.start(tmp_path_factory.mktemp("desk"))
    yield running
    running.stop()


@pytest.fixture
def address(desk: alone.LoneDesk, request: pytest.FixtureRequest) -> str:
    """A conversation of two turns that waits for a person."""
    sender = request.node.name
    handed = alone.slot("handoff", alone.packet("Charged a late fee", reason_turns=[2]))
    said = (alone.user("What is this fee?"), alone.bot("A late fee."), alone.user("Take it back"))
    desk.publish(sender, *said, handed, alone.slot("owner", "queue"))
    number = desk.number(sender, "phase = 'queue'")
    return f"{desk.url}/desk/conversations/{number}"


@pytest.fixture
def agent(desk: alone.LoneDesk, new_page: Callable[..., Page]) -> Callable[..., Page]:
    """Opens a conversation as somebody who is logged in."""

    def open_as(name: str, address: str, **settings: object) -> Page:
        page = new_page(viewport={"width": 1440, "height": 900}, **settings)
        page.goto(desk.url + "/desk/login")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(alone.PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#view-queue")).to_be_visible()
        page.goto(address)
        return page

    return open_as


def test_a_ready_made_reply_by_keyboard_and_its_open_place(agent: Callable[..., Page], address: str) -> None:
    page = agent("alex", address)
    page.locator("#take").click()
    box = page.locator("#reply")
    expect(box).to_be_focused()
    expect(page.locator("#customer-body")).to_contain_text("Jo March")
    box.press_sequentially("/hello")
    expect(page.locator("#ready [role=option]")).to_have_count(1)
    box.press("Enter")
    expect(box).to_have_value("Hello Jo, I'm Alex. I've read what you told our assistant, so you don't have to say it "
                              "again. Let me look into it.")  # fmt: skip
    box.fill("")
    box.press_sequentially("/ticket")
    expect(page.locator("#ready-ticket")).to_be_visible()
    box.press("Enter")
    assert page.evaluate("getSelection().toString()") == "{reference}"
    box.press("Enter")
    expect(page.locator("#action-error")).to_have_text("Put something in the place of {reference} and {day} first.")
    expect(box).to_have_value("I've made a note of this under {reference}. You'll hear from us by {day}.")
    box.fill("/")
    box.press("Escape")
    expect(page.locator("#ready")).to_be_hidden()


def test_keys_that_come_before_the_ready_made_replies_do(agent: Callable[..., Page], address: str) -> None:
    page = agent("alex", address)
    page.locator("#take").click()
    box = page.locator("#reply")
    expect(box).to_be_focused()
    held: list[Route] = []
    page.route("**/replies?*", lambda route: held.append(route))
    box.press("/")
    _wait(page, lambda: len(held) == 1)
    box.press("Escape")
    held.pop().continue_()
    box.press_sequentially("hello")
    _wait(page, lambda: len(held) == 5)
    expect(page.locator("#ready")).to_be_hidden()
    box.press("Enter")
    for route in held:
        route.continue_()
    expect(box).to_have_value(re.compile("^Hello Jo, I'm Alex"))
    expect(page.locator("#messages")).not_to_contain_text("/hello")


def _wait(page: Page, condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Let the page's events in until the condition holds."""
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        page.wait_for_timeout(20)
    assert condition()


def test_links_to_turns_and_what_was_understood(agent: Callable[..., Page], address: str) -> None:
    page = agent("alex", address)
    page.locator("#handoff .signs .turn-link").click()
    expect(page.locator("#turn-2")).to_be_focused()
    page.locator("#turn-1 summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#turn-1 .understood-body")).to_contain_text("ask_question, 91 % sure")


def test_a_second_agent_and_a_supervisor_see_it_at_once(agent: Callable[..., Page], address: str) -> None:
    alex, sam = agent("alex", address), agent("sam", address)
    alex.locator("#take").click()
    expect(sam.locator("#composer")).to_contain_text("Alex Morgan is talking to the customer")
    sam.locator("#whisper-tool summary").click()
    sam.get_by_label("Only Alex and supervisors see it").fill("Refund it")
    sam.locator("#send-whisper").click()
    expect(alex.locator("#messages")).to_contain_text("Refund it")
    sam.locator("#take").click()
    expect(alex.locator("#reply")).to_have_count(0)
    expect(alex.locator("#composer")).to_contain_text("Sam Reid is talking to the customer")


def test_on_a_phone_one_part_at_a_time(desk: alone.LoneDesk, agent: Callable[..., Page], address: str) -> None:
    page = agent("alex", address)
    page.set_viewport_size({"width": 375, "height": 812})
    expect(page.locator("#messages")).to_be_visible()
    expect(page.locator("#handoff")).to_be_hidden()
    page.locator("#pane-handoff").click()
    expect(page.locator("#handoff")).to_be_visible()
    expect(page.locator("#messages")).to_be_hidden()
    page.locator("#handoff .turn-link").first.click()
    expect(page.locator("#messages")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
