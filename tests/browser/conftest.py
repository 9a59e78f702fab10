"""Debian's Chromium, and the two people who meet in these tests: a customer and an agent."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    """Use the installed Chromium; Playwright's own build is not downloaded."""
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
    return {**browser_type_launch_args, "executable_path": shutil.which("chromium"), "args": quiet}


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Makes pages, each as a person with a browser of their own."""
    contexts = []

    def make(**settings: object) -> Page:
        contexts.append(browser.new_context(**{"viewport": {"width": 1100, "height": 800}, **settings}))
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def chat(stack, new_page) -> Chat:
    """A customer on the chat page."""
    return Chat(new_page(), stack.env["DESK_URL"])


@pytest.fixture
def desk(stack, new_page) -> Desk:
    """Alex, logged in at the desk."""
    page = new_page(viewport={"width": 1440, "height": 900})
    return Desk(page, stack.env["DESK_URL"]).log_in("alex", stack.env["DEMO_AGENT_PASSWORD"])


class Chat:
    """The customer's page."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.log = page, page.locator("#log")
        page.goto(url + "/")
        expect(page.locator("#connection")).to_have_attribute("data-state", "ready")

    def say(self, text: str) -> Chat:
        """Type a message and press Enter."""
        box = self.page.get_by_label("Your message")
        box.fill(text)
        box.press("Enter")
        return self

    def hears(self, text: str) -> Chat:
        """Wait until a message of the assistant or an agent holds `text`."""
        expect(self.log.locator("[data-who=bot], [data-who=agent]").filter(has_text=text).last).to_be_visible()
        return self

    def press(self, title: str) -> Chat:
        """Press a suggested answer."""
        self.log.get_by_role("button", name=title).click()
        return self

    @property
    def conversation(self) -> str:
        """The id of the conversation."""
        return self.page.evaluate("Object.values(localStorage).join(' ').match(/[0-9a-f]{32}/)[0]")


class Desk:
    """The agent's page."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url

    def log_in(self, name: str, password: str) -> Desk:
        """Log in and stay at the inbox."""
        self.page.goto(self.url + "/desk")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.locator("#view-queue")).to_be_visible()
        return self

    def open(self, conversation: str) -> Desk:
        """Open a conversation that waits in the queue."""
        self.page.locator(f"[data-sender='{conversation}']").first.click()
        expect(self.page.locator("main.conversation")).to_have_attribute("data-sender", conversation)
        return self

    def take(self) -> Desk:
        """Take the open conversation over."""
        self.page.locator("#take").click()
        expect(self.page.locator("#reply")).to_be_visible()
        return self

    def reply(self, text: str) -> Desk:
        """Answer the customer; once more when the desk asks to look again, since something has changed meanwhile."""
        box, refused = self.page.locator("#reply"), self.page.locator("#action-error:visible")
        box.fill(text)
        box.press("Enter")
        sent = self.page.locator("#messages [data-who=agent]").filter(has_text=text)
        expect(sent.or_(refused).first).to_be_visible()
        if refused.count():
            box.press("Enter")
        return self

    def sees(self, text: str, who: str = "customer") -> Desk:
        """Wait until the transcript holds a message."""
        message = self.page.locator(f"#messages [data-who={who}]").filter(has_text=text)
        expect(message.last).to_be_visible()
        return self
