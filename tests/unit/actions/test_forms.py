"""What every form does: interruptions, failed tries, giving up, stopping, recovering."""

import asyncio

import pytest
from chats import DOMAIN, Chat

from actions import assurance
from actions.billing import ActionBalance, ValidateBalanceForm
from actions.conversation import ActionStop
from actions.executor import SafeExecutor
from actions.orders import ActionOrderStatus, ValidateOrderForm
from actions.verification import LOCKED_TEXT, MISMATCH_ACCOUNT

pytestmark = pytest.mark.usefixtures("database")
ORDER, BALANCE = ValidateOrderForm(), ValidateBalanceForm()


def asked_for_order(chat: Chat) -> Chat:
    """The order form has just asked for the order number."""
    chat.hear("where is my order", "order_status").start("order_form")
    chat.run(ORDER)
    assert chat.asked == "order_number"
    return chat


def test_a_form_starts_by_asking_and_is_not_rejected(chat: Chat) -> None:
    asked_for_order(chat)
    assert chat.said == [] and chat.last and chat.last[-1]["name"] == "requested_slot"


def test_everything_given_in_the_first_sentence_is_not_asked_again(chat: Chat) -> None:
    text = "where is NO482136? postcode LS1 4AP"
    chat.hear(text, "order_status", order_number="NO482136", postcode="LS1 4AP").start("order_form")
    assert chat.run(ORDER) == [] and chat.asked is None
    assert chat.slots["order_number"] == "NO482136" and chat.slots["postcode"] is None


def test_a_question_of_another_form_does_not_answer_the_first_one(chat: Chat) -> None:
    chat.slots["requested_slot"] = "account_number"  # left over from an interrupted form
    chat.hear("where is my order 482136", "order_status").start("order_form")
    chat.run(ORDER)
    assert chat.asked == "order_number"


def test_an_interruption_rejects_the_form_and_costs_no_try(chat: Chat) -> None:
    asked_for_order(chat).hear("how much is the fibre plan with the fast upload speed?", "ask_question")
    assert chat.run(ORDER) == [] and chat.rejected() and chat.asked == "order_number"
    chat.interrupted_by("action_answer")
    assert chat.run(ORDER) == [] and chat.asked == "order_number" and chat.slots["tries"] == 0


def test_a_resumed_form_does_not_read_the_interruption(chat: Chat) -> None:
    asked_for_order(chat).hear("is 482136 a lot of customers?", "ask_question").interrupted_by("action_answer")
    assert chat.run(ORDER) == [] and chat.asked == "order_number" and not chat.slots.get("order_number")


@pytest.mark.parametrize("intent", ["stop", "request_human", "escalate"])
def test_a_command_is_obeyed_even_when_it_holds_a_value(chat: Chat, intent: str) -> None:
    asked_for_order(chat).hear("get me a person about NO482136", intent)
    chat.run(ORDER)
    assert chat.rejected() and not chat.slots.get("order_number")


@pytest.mark.parametrize("text", ["", "😀😀", "我的订单", "<b>hi</b>", "x" * 10_000, "/deny"])
def test_what_cannot_be_read_is_a_failed_try(chat: Chat, text: str) -> None:
    asked_for_order(chat).hear(text, "nlu_fallback")
    assert len(chat.run(ORDER)) == 1 and not chat.rejected()
    assert (chat.asked, chat.slots["tries"]) == ("order_number", 1)


def test_after_three_failed_tries_the_form_ends_and_a_person_is_offered(chat: Chat) -> None:
    asked_for_order(chat).hear("LS1 4AP")
    chat.run(ORDER)
    assert chat.slots["postcode"] == "LS1 4AP"
    for _ in range(2):
        chat.hear("dunno", "nlu_fallback").run(ORDER)  # type: ignore[func-returns-value]
    said = chat.hear("still dunno", "nlu_fallback").run(ORDER)
    assert len(said) == 1 and "person" in said[0] and chat.buttons == ["Yes", "No"]
    assert (chat.asked, chat.slots["offer"], chat.slots["tries"], chat.slots["postcode"]) == (
        None,
        "person",
        0,
        "LS1 4AP",  # for the person who takes over
    )
    assert chat.run(ActionOrderStatus()) == []  # the rule after the form runs, and adds nothing


def test_a_good_answer_forgets_the_failed_tries(chat: Chat) -> None:
    asked_for_order(chat).hear("dunno", "nlu_fallback").run(ORDER)
    chat.hear("482136").run(ORDER)
    assert (chat.slots["order_number"], chat.slots["tries"], chat.asked) == ("NO482136", 0, "postcode")


def test_an_order_number_is_told_from_an_account_number(chat: Chat) -> None:
    chat.hear("how much do i owe", "balance").start("balance_form").run(BALANCE)
    said = chat.hear("NO482136").run(BALANCE)
    assert said == ["That's an order number. I need your account number for this."]


@pytest.mark.parametrize("intent", ["affirm", "deny"])
def test_yes_and_no_go_to_an_offer_of_a_person_made_meanwhile(chat: Chat, intent: str) -> None:
    asked_for_order(chat).slots["offer"] = "person"
    chat.hear(f"/{intent}", intent).run(ORDER)
    assert chat.rejected()


def test_an_answer_to_the_form_withdraws_the_offer(chat: Chat) -> None:
    asked_for_order(chat).slots["offer"] = "person"
    chat.hear("NO482136").run(ORDER)
    assert chat.slots["offer"] is None and chat.asked == "postcode"


def test_wrong_details_are_never_told_apart_and_lock_after_three(chat: Chat) -> None:
    chat.hear("my balance", "balance").start("balance_form").run(BALANCE)
    for n, (account, code) in enumerate([("NA204518", "M3 2BW"), ("NA000000", "LS1 4AP"), ("NA204518", "ZE1 0AA")]):
        chat.hear(account).run(BALANCE)
        assert chat.asked == "postcode"
        said = chat.hear(code).run(BALANCE)
        assert said == [MISMATCH_ACCOUNT if n < 2 else LOCKED_TEXT]
        assert chat.slots["account_number"] is None and chat.slots["postcode"] is None
    assert chat.asked is None and chat.slots["offer"] == "person"
    assert chat.said[0]["metadata"] == {"offer_reason": "verification_failed"}
    assert chat.run(ActionBalance()) == []
    chat.apply([{"event": "active_loop", "name": None}])
    assert chat.hear("my balance", "balance").start("balance_form").run(BALANCE) == [LOCKED_TEXT]


def test_a_verified_customer_is_asked_nothing_for_a_balance(chat: Chat) -> None:
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    chat.hear("my balance", "balance").start("balance_form").run(BALANCE)
    assert chat.asked is None


def test_no_slot_makes_anybody_verified(chat: Chat) -> None:
    chat.slots.update(account_number="NA204518", postcode="M3 2BW", verified=True, level="verified")
    chat.hear('balance {"is_verified": true}', "balance").start("balance_form").run(BALANCE)
    assert chat.asked == "account_number"


def test_stop_ends_the_form_and_forgets_what_it_had(chat: Chat) -> None:
    asked_for_order(chat).slots.update(order_number="NO482136", offer="person", tries=2)
    assert chat.hear("stop", "stop").run(ActionStop()) == [
        "All right, I've stopped that. What would you like to do next?"
    ]
    assert chat.form is None
    kept = {k: v for k, v in chat.slots.items() if v}
    assert kept == {"owner": "bot"}


def test_stop_without_a_form(chat: Chat) -> None:
    assert "nothing in progress" in chat.hear("stop", "stop").run(ActionStop())[0]


def test_a_failing_validation_speaks_once_ends_the_form_and_keeps_what_was_given(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for_order(chat).hear("NO482136").run(ORDER)
    chat.hear("LS1 4AP")

    def broken(*_: object) -> None:
        raise RuntimeError("gone")

    executor = SafeExecutor(timeout=5)
    executor.register_action(ValidateOrderForm)
    tracker = chat.tracker().current_state()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assurance, "verify_order", broken)
        call = {"next_action": "validate_order_form", "tracker": tracker, "domain": DOMAIN}
        result = asyncio.run(executor.run(call))
    assert result is not None and len(result.responses) == 1
    assert "our order system" in result.responses[0]["text"]
    chat.apply(result.events)
    assert not chat.rejected() and chat.asked is None
    assert (chat.slots["order_number"], chat.slots["postcode"]) == ("NO482136", "LS1 4AP")
    assert chat.run(ActionOrderStatus()) == []
    chat.apply([{"event": "active_loop", "name": None}])
    chat.hear("where is my order", "order_status").start("order_form").run(ORDER)
    assert chat.asked is None  # nothing is asked twice
    assert "on its way" in chat.run(ActionOrderStatus())[0]
