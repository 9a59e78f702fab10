"""From the queue to the agent, back to the assistant, to the end and the rating; and what goes wrong on the way."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk

IMAGES = Path(__file__).resolve().parents[2] / "var/images"


@pytest.fixture
def sam(stack, new_page) -> Desk:
    """Sam, a supervisor, logged in at the desk."""
    page = new_page(viewport={"width": 1440, "height": 900})
    return Desk(page, stack.env["DESK_URL"]).log_in("sam", stack.env["DEMO_AGENT_PASSWORD"])


def owner(stack, conversation: str) -> str:
    return stack.tracker(conversation)["slots"]["owner"]


def test_wait_take_suggest_edit_send_hand_back_close_and_rate(chat, desk):
    IMAGES.mkdir(parents=True, exist_ok=True)
    chat.say("How long does a refund take?").hears("5 working days")
    chat.say("I want to talk to a person").hears("pass")
    expect(desk.page.locator(f"[data-sender='{chat.conversation}']").first).to_be_visible()
    desk.page.screenshot(path=IMAGES / "desk-inbox.png")
    desk.open(chat.conversation).take()
    chat.hears("Alex")

    chat.say("Where is my order?")
    desk.sees("Where is my order?")
    suggestions = desk.page.locator(".copilot-suggestions .suggestion")
    expect(suggestions.first).to_be_visible()
    suggestions.first.get_by_role("button", name="Insert").click()
    box = desk.page.locator("#reply")
    suggested = box.input_value()
    assert suggested
    desk.page.screenshot(path=IMAGES / "desk-copilot.png")
    desk.reply(f"{suggested} I'm on it.")
    chat.hears("I'm on it.")

    desk.page.locator("#hand-back > summary").click()
    expect(desk.page.locator("#hand-back-now")).to_be_visible()
    time.sleep(0.5)  # no hand is quicker than the script of a page that was just put in
    desk.page.locator("#hand-back-task").select_option("order_status")
    desk.page.locator("#slot-order_number").fill("NO482136")
    desk.page.locator("#slot-order_number").blur()
    desk.page.locator("#hand-back-now").click()
    chat.hears("the postcode that the order is going to")  # the order number is known
    chat.say("LS1 4AP").hears("NO482136")

    chat.say("I want to talk to a person").hears("pass")
    desk.page.goto(desk.url + "/desk")
    desk.open(chat.conversation).take()
    desk.reply("Your order arrives on time. Is there anything else?")
    chat.hears("arrives on time")
    desk.page.locator("#start-wrap-up").click()
    expect(desk.page.locator("#summary-sentences li").first).to_be_visible()
    desk.page.locator("#summary-sentences").scroll_into_view_if_needed()
    desk.page.locator("#disposition").scroll_into_view_if_needed()
    desk.page.screenshot(path=IMAGES / "desk-wrap-up.png")
    desk.page.locator("#disposition").select_option("resolved")
    desk.page.locator("#close-conversation").click()
    expect(desk.page.locator("#state")).to_have_text("Closed")
    chat.hears("1 (poor) to 5 (great)")
    chat.say("5").hears("Thank")


def test_two_agents_click_at_once(stack, chat, desk, sam):
    chat.say("I need a human agent").hears("pass")
    desk.open(chat.conversation)
    sam.open(chat.conversation)
    # Both pages still show the button; the second click is one that the server has to refuse.
    sam.page.evaluate("document.querySelectorAll('[hx-ext]').forEach(e => e.removeAttribute('sse-connect'))")
    desk.page.locator("#take").click()
    sam.page.locator("#take").click()
    expect(desk.page.locator("#reply")).to_be_visible()
    expect(sam.page.locator("#state")).to_contain_text("Alex")
    chat.hears("Alex has joined")
    assert "Sam has joined" not in chat.log.inner_text()


def test_the_agent_closes_the_laptop_and_comes_back(stack, chat, desk, new_page):
    chat.say("Can I talk to a human").hears("pass")
    desk.open(chat.conversation).take()
    chat.hears("Alex")
    desk.page.close()
    spoken = chat.log.locator("[data-who=bot]").count()
    chat.say("Are you still there?")
    time.sleep(2)
    assert chat.log.locator("[data-who=bot]").count() == spoken and owner(stack, chat.conversation) == "agent"
    again = Desk(new_page(), stack.env["DESK_URL"]).log_in("alex", stack.env["DEMO_AGENT_PASSWORD"])
    again.page.locator("#view-mine").click()
    again.open(chat.conversation).sees("Are you still there?")
    again.reply("Yes, sorry, I'm back.")
    chat.hears("I'm back")


@pytest.mark.parametrize("service", ["desk", "assistant"])
def test_a_service_restarts_in_the_middle(stack, chat, desk, service):
    chat.say("A person please").hears("pass")
    desk.open(chat.conversation).take()
    chat.hears("Alex")
    chat.say("Before the restart")
    desk.sees("Before the restart")
    stack.stop(service)
    stack.start(service)
    chat.page.reload()
    expect(chat.page.locator("#connection")).to_have_attribute("data-state", "ready")
    chat.hears("pass")  # the history is there
    spoken = chat.log.locator("[data-who=bot]").count()
    chat.say("After the restart")
    desk.page.reload()
    desk.sees("Before the restart").sees("After the restart")
    desk.reply("I have both messages.")
    chat.hears("I have both messages.")
    assert chat.log.locator("[data-who=bot]").count() == spoken, "the assistant spoke over the agent"


def test_the_session_expires_while_an_agent_has_it(stack, chat, desk):
    chat.say("I'd like a person").hears("pass")
    desk.open(chat.conversation).take()
    chat.hears("Alex")
    # What Rasa does after an hour without a message, done now.
    stack.execute(chat.conversation, "action_session_start")
    spoken = chat.log.locator("[data-who=bot]").count()
    chat.say("What's my balance?")
    desk.sees("What's my balance?")
    time.sleep(1)
    assert owner(stack, chat.conversation) == "agent"
    assert chat.log.locator("[data-who=bot]").count() == spoken
    desk.reply("Still with you.")
    chat.hears("Still with you.")


def test_the_customer_leaves_and_returns(stack, chat, desk, new_page):
    chat.say("Let me talk to a colleague of yours, please").hears("pass")
    desk.open(chat.conversation).take()
    chat.hears("Alex")
    storage = chat.page.context.storage_state()
    chat.page.close()
    desk.reply("I have found your parcel.")
    desk.sees("I have found your parcel.", who="agent")
    page = new_page(storage_state=storage)
    page.goto(stack.env["DESK_URL"] + "/")
    expect(page.locator("#log [data-who=agent]").filter(has_text="I have found your parcel.")).to_be_visible()


def test_a_supervisor_whispers_and_takes_over(stack, chat, desk, sam):
    chat.say("I want to speak to someone").hears("pass")
    desk.open(chat.conversation).take()
    chat.hears("Alex")
    sam.page.locator("#view-all").click()
    sam.open(chat.conversation)
    sam.page.locator("#whisper-tool > summary").click()
    sam.page.locator("#whisper-text").fill("Offer the goodwill credit")
    sam.page.locator("#send-whisper").click()
    expect(desk.page.locator("#messages")).to_contain_text("Offer the goodwill credit")
    assert "goodwill" not in chat.log.inner_text()
    sam.page.locator("#take").click()
    expect(sam.page.locator("#reply")).to_be_visible()
    chat.hears("Sam has joined")
    expect(desk.page.locator("#state")).to_contain_text("Sam")


def test_messages_in_both_directions_at_once_are_kept(stack, chat, desk):
    chat.say("Could I have a person?").hears("pass")
    desk.open(chat.conversation).take()
    chat.hears("Alex")
    sender, url, token = chat.conversation, stack.env["ASSISTANT_URL"], stack.env["RASA_TOKEN"]

    def write(number: int) -> None:
        event = {"event": "bot", "text": f"agent {number}", "metadata": {"author": "agent", "agent_name": "Alex"}}
        path = f"{url}/conversations/{sender}/tracker/events"
        settings = {"execute_side_effects": "true", "output_channel": "latest"}
        headers = {"Authorization": f"Bearer {token}"}
        stack.http.post(path, params=settings, json=[event], headers=headers).raise_for_status()

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(write, number) for number in range(5)]
        for number in range(5):
            chat.say(f"customer {number}")
        for each in done:
            each.result()
    for number in range(5):
        desk.sees(f"customer {number}")
        desk.sees(f"agent {number}", who="agent")
        chat.hears(f"agent {number}")
