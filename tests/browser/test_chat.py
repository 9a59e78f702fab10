"""The customer's page: buttons, keyboard, history after a reload, and a connection that comes and goes."""

from __future__ import annotations

from playwright.sync_api import expect


def test_a_visit_is_booked_with_buttons(chat):
    chat.say("I want to book a technician").hears("account number")
    chat.say("NA204518").hears("postcode")
    chat.say("LS1 4AP").hears("technician come for")
    chat.press("No connection")
    chat.log.locator(".quick-reply").first.click()
    chat.press("Yes").hears("booked")


def test_history_is_there_again_after_a_reload_and_nothing_twice(chat):
    chat.say("Where is my order?").hears("order number")
    before = chat.log.locator("article").all_inner_texts()
    chat.page.reload()
    chat.hears("order number")
    expect(chat.log.locator("article")).to_have_count(len(before))
    chat.say("NO482136").hears("postcode")
    chat.say("LS1 4AP").hears("NO482136")


def test_a_message_written_offline_is_sent_later(chat):
    chat.say("hello").hears("Northlight")
    chat.page.context.set_offline(True)
    expect(chat.page.locator("#connection")).not_to_have_attribute("data-state", "ready", timeout=60_000)
    chat.say("Where is my order?")
    expect(chat.log.locator("[data-who=customer]").last).to_contain_text("Where is my order?")
    chat.page.context.set_offline(False)
    chat.hears("order number")
    expect(chat.log.locator("[data-who=customer]").filter(has_text="Where is my order?")).to_have_count(1)


def test_the_keyboard_is_enough(chat):
    page = chat.page
    page.locator("body").press("Tab")
    expect(page.locator("a.skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_be_focused()
    page.keyboard.type("what can you do?")
    page.keyboard.press("Enter")
    chat.hears("Here is what I can do")
    button = chat.log.get_by_role("button", name="Where is my order?")
    button.focus()
    page.keyboard.press("Enter")
    chat.hears("order number")


def test_two_customers_do_not_see_each_other(stack, chat, new_page):
    from tests.browser.conftest import Chat

    other = Chat(new_page(), stack.env["DESK_URL"])
    chat.say("what's my balance? NA204518 LS1 4AP").hears("£42.50")
    other.say("hello").hears("Northlight")
    assert "£42.50" not in other.log.inner_text()
    assert chat.conversation != other.conversation


def test_two_tabs_are_one_conversation(stack, chat):
    from tests.browser.conftest import Chat

    second = Chat(chat.page.context.new_page(), stack.env["DESK_URL"])
    chat.say("Where is my order?").hears("order number")
    second.hears("order number")
    expect(second.log.locator("[data-who=customer]").filter(has_text="Where is my order?")).to_have_count(1)
    second.say("NO482136").hears("postcode")
    chat.hears("postcode")
    expect(chat.log.locator("[data-who=customer]").filter(has_text="NO482136")).to_have_count(1)
    assert second.conversation == chat.conversation


def test_a_session_is_renewed_and_stays_the_same_conversation(chat):
    def stored(name):
        return chat.page.evaluate("name => JSON.parse(localStorage['northlight-chat'])[name]", name)

    chat.say("hello").hears("Northlight")
    before = stored("token"), stored("renewal")
    chat.page.evaluate(
        """() => {
            const session = JSON.parse(localStorage["northlight-chat"]);
            localStorage["northlight-chat"] = JSON.stringify({ ...session, until: Date.now() });
        }"""
    )
    conversation = chat.conversation
    chat.page.reload()
    chat.hears("Northlight")
    expect(chat.page.locator("#connection")).to_have_attribute("data-state", "ready")
    assert stored("token") != before[0] and stored("renewal") != before[1]
    assert chat.conversation == conversation
    chat.say("Where is my order?").hears("order number")


def test_a_chat_that_is_ended_is_ended_in_every_tab(stack, chat):
    from tests.browser.conftest import Chat

    second = Chat(chat.page.context.new_page(), stack.env["DESK_URL"])
    chat.say("hello").hears("Northlight")
    second.hears("Northlight")
    token = chat.page.evaluate("JSON.parse(localStorage['northlight-chat']).token")
    ended = chat.conversation
    chat.page.locator("#new-conversation").click()
    chat.page.get_by_role("button", name="Start a new one").click()
    second.hears("Your earlier conversation has ended")
    expect(second.log.locator("[data-who=customer]")).to_have_count(0)
    assert chat.conversation == second.conversation != ended
    headers = {"Authorization": f"Bearer {token}"}
    assert chat.page.request.get(stack.env["DESK_URL"] + "/chat/history", headers=headers).status == 401


def test_it_fits_a_phone(stack, new_page):
    from tests.browser.conftest import Chat

    phone = Chat(new_page(viewport={"width": 360, "height": 640}), stack.env["DESK_URL"])
    phone.say("what can you do?").hears("Here is what I can do")
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360
    expect(phone.page.locator("#send")).to_be_in_viewport()
