"""An answer that a language model writes appears on the customer's page sentence by sentence."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
import yaml
from playwright.sync_api import Page, expect

from deploy.local.environment import ROOT
from tests.model_server import ModelServer, Reply

QUESTION = "What does a late payment cost?"
FIRST = "The late payment fee is £7.50."
SECOND = "Northlight adds the late fee when a bill is still unpaid 7 days after its due date."
DRIP = 0.15  # seconds between two pieces of five characters: the second sentence takes some four seconds
WATCH = """() => {
  window.added = [];
  const note = (changes) => changes.forEach((c) => c.addedNodes.forEach((n) => window.added.push(n.textContent)));
  new MutationObserver(note).observe(document.getElementById("log"), { childList: true, subtree: true });
}"""


@pytest.fixture(scope="module")
def model(stack, tmp_path_factory) -> Iterator[ModelServer]:
    """The action server with a model that writes slowly."""
    server = ModelServer()
    llm = {"model": "small", "model_provider": "openai", "base_url": server.url, "api_key": "not-a-real-key"}
    endpoints = yaml.safe_load((ROOT / "endpoints.yml").read_text()) | {"llm": llm | {"timeout_seconds": 20}}
    path = tmp_path_factory.mktemp("endpoints") / "endpoints.yml"
    path.write_text(yaml.safe_dump(endpoints))
    before = dict(stack.env)
    stack.stop("actions")
    stack.env |= {"TANDEM_ENDPOINTS": str(path), "NO_PROXY": "127.0.0.1", "ACTION_TIMEOUT_SECONDS": "30"}
    stack.start("actions")
    # At first the action server loads LangChain and what the checks need, and may give up meanwhile.
    server.reply = written("Standard delivery takes 3 working days.")
    until, said = time.monotonic() + 60, ""
    while "takes 3 working days." not in said and time.monotonic() < until:
        said = stack.conversation().say("How long does standard delivery take?")
    yield server
    server.close()
    stack.stop("actions")
    stack.env = before
    stack.start("actions")


def written(*claims: str) -> str:
    """A model's reply that cites the first passages for each claim."""
    cited = [{"text": claim, "passages": [1, 2, 3]} for claim in claims]
    return json.dumps({"answerable": True, "claims": cited}, ensure_ascii=False)


def growing(page: Page):
    """The bubble of a reply that is being written."""
    return page.locator("#log .message.partial .text")


def test_a_sentence_is_read_before_the_next_one_is_written(chat, model):
    model.script.append(Reply(written(FIRST, SECOND), drip=DRIP))
    page, second_tab = chat.page, chat.page.context.new_page()
    second_tab.goto(page.url)
    expect(second_tab.locator("#connection")).to_have_attribute("data-state", "ready")
    page.evaluate(WATCH)

    chat.say(QUESTION)
    expect(growing(page)).to_have_text(FIRST)
    assert model.active == 1, "the model had finished before its first sentence was shown"
    expect(page.locator("#typing")).to_be_visible()
    expect(growing(second_tab)).to_contain_text(FIRST)

    chat.hears(f"{FIRST} {SECOND}")
    expect(page.locator(".message .sources")).to_contain_text("Late payments")
    for tab in (page, second_tab):
        expect(growing(tab)).to_have_count(0)
        expect(tab.locator("#typing")).to_be_hidden()
        expect(tab.locator("#log [data-who=bot]")).to_have_count(1)
    for sentence in (FIRST, SECOND):
        assert sum(sentence in text for text in page.evaluate("window.added")) == 1, "a screen reader says it twice"

    page.reload()
    chat.hears(SECOND)
    expect(chat.log.locator("article")).to_have_count(2)


def test_a_page_that_reloads_in_the_middle_goes_on_and_does_not_ask_again(chat, model):
    asked = "How much is the reconnection after a restriction for a bill that was paid late?"
    first = "Northlight restricts the service when a bill is unpaid 21 days after the due date."
    second = "A restricted service comes back within 24 hours of the payment."
    model.script.append(Reply(written(first, second), drip=DRIP))
    requests = len(model.requests)
    chat.say(asked)
    expect(growing(chat.page)).to_have_text(first)
    chat.page.reload()
    expect(growing(chat.page)).to_contain_text(first)
    chat.hears(f"{first} {second}")
    chat.page.wait_for_timeout(7000)  # longer than the page waits before it sends a message again
    expect(chat.log.locator("article")).to_have_count(2)
    assert len(model.requests) == requests + 1


def test_what_was_shown_of_an_answer_that_never_comes_is_taken_back(stack, chat, model):
    first = "A restricted service comes back within 24 hours of the payment."
    model.script.append(Reply(written(first, SECOND), drip=DRIP))
    chat.say("How do I get a restricted service back?")
    expect(growing(chat.page)).to_have_text(first)
    stack.processes["actions"].kill()
    try:
        chat.hears("something went wrong")
        expect(growing(chat.page)).to_have_count(0)
        assert first not in chat.log.inner_text()
    finally:
        stack.stop("actions")
        stack.start("actions")
