"""Two people, two browsers: a customer talks to the assistant, then to an agent, then to the assistant again."""

from __future__ import annotations

import time
from pathlib import Path

from playwright.sync_api import expect

IMAGES = Path(__file__).resolve().parents[2] / "var/images"


def test_the_whole_way_to_a_person_and_back(chat, desk):
    IMAGES.mkdir(parents=True, exist_ok=True)
    chat.say("What's my balance?").hears("account number")
    chat.say("NA204518").hears("postcode")
    chat.say("LS1 4AP").hears("£42.50")
    chat.say("What does a late payment cost?").hears("£7.50")
    chat.page.screenshot(path=IMAGES / "chat.png")
    chat.say("I want to talk to a person").hears("our billing team")

    desk.open(chat.conversation)
    summary = desk.page.locator("#handoff-summary")
    expect(summary).to_contain_text("balance")
    assert "LS1 4AP" not in summary.inner_text()
    desk.take()
    chat.hears("Alex")
    desk.reply("Hello, this is Alex. I can see your balance of £42.50.\n\nWhat can I do about it?")
    chat.hears("What can I do about it?")
    expect(chat.log.locator("[data-who=agent]").last).to_contain_text("Alex")
    chat.say("Please explain the late fee")
    desk.sees("Please explain the late fee")
    desk.page.screenshot(path=IMAGES / "desk.png")

    bot_messages = chat.log.locator("[data-who=bot]").count()
    chat.say("What's my balance?")
    desk.sees("What's my balance?")
    time.sleep(1)
    assert chat.log.locator("[data-who=bot]").count() == bot_messages, "the assistant spoke while an agent owns it"

    desk.page.locator("#hand-back summary").click()
    desk.page.locator("#hand-back-form #hand-back-now").click()
    chat.hears("back with")
    chat.say("What's my balance?").hears("£42.50")


def test_a_message_reaches_the_other_side_within_a_second(chat, desk):
    chat.say("Can I speak to a human please").hears("colleagues")
    desk.open(chat.conversation).take()
    chat.hears("Alex")

    def seconds(act, arrived) -> float:
        started = time.monotonic()
        act()
        arrived()
        return time.monotonic() - started

    to_agent = [
        seconds(lambda n=n: chat.say(f"customer {n}"), lambda n=n: desk.sees(f"customer {n}")) for n in range(5)
    ]
    to_customer = [
        seconds(lambda n=n: desk.reply(f"agent {n}"), lambda n=n: chat.hears(f"agent {n}")) for n in range(5)
    ]
    assert sorted(to_agent)[2] < 1 and sorted(to_customer)[2] < 1, (to_agent, to_customer)


def test_two_agents_cannot_take_the_same_conversation(stack, chat, desk, new_page):
    from tests.browser.conftest import Desk

    chat.say("I need a human agent").hears("colleagues")
    other = Desk(new_page(), stack.env["DESK_URL"]).log_in("sam", stack.env["DEMO_AGENT_PASSWORD"])
    desk.open(chat.conversation)
    other.open(chat.conversation)
    desk.take()
    expect(other.page.locator("#state")).to_contain_text("Alex")


def test_wrap_up_closes_the_conversation(chat, desk):
    chat.say("Let me talk to someone").hears("colleagues")
    desk.open(chat.conversation).take()
    desk.page.locator("#start-wrap-up").click()
    desk.page.locator("#disposition").select_option(index=1)
    desk.page.locator("#note").fill("Called about a fee; explained.")
    desk.page.locator("#close-conversation").click()
    expect(desk.page.locator("#state")).to_have_text("Closed")
    chat.hears("1 (poor) to 5 (great)").say("thank you").hears("Goodbye")


def test_html_from_a_customer_is_only_text_at_the_desk(chat, desk):
    chat.say("<img src=x onerror=\"document.title='hacked'\">")
    chat.say("I want to talk to a person").hears("colleagues")
    desk.open(chat.conversation).sees("<img src=x")
    assert desk.page.title() != "hacked" and chat.page.title() != "hacked"
