"""Forms that need proof: account number and postcode, one-time codes, what runs out, what is never told."""

import asyncio

import pytest
from chats import Chat, Clock
from outbox import Outbox
from sqlalchemy import delete, select, update

from actions import assurance, backends, codes
from actions.account import ActionChangeAccount, ValidateAccountForm
from actions.backends import Level
from actions.backends.models import CodeRow, CustomerRow
from actions.backends.session import transaction
from actions.billing import ValidateBalanceForm
from actions.conversation import ActionAskConfirmed
from actions.executor import SafeExecutor
from actions.identity import ALREADY, ActionVerifyMe, ValidateVerifyForm
from actions.step_up import LOCKED_HANDOVER, STILL_GOOD, TOO_MANY, ActionAskCode, ActionAskCodeChannel
from actions.verification import AGAIN, LOCKED_TEXT, MISMATCH_ACCOUNT, OTHER_ACCOUNT

pytestmark = pytest.mark.usefixtures("database")
FORM, TASK, VERIFY, DONE = ValidateAccountForm(), ActionChangeAccount(), ValidateVerifyForm(), ActionVerifyMe()
CHANNEL, CODE = ActionAskCodeChannel(), ActionAskCode()
PRIYA = ("NA204518", "LS1 4AP")


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """Messages are kept instead of printed."""
    made = Outbox()
    monkeypatch.setattr(backends, "notifications", lambda: made)
    return made


def started(chat: Chat, proof: tuple[str, str] = PRIYA) -> Chat:
    """A verified customer wants to change the e-mail address, and is asked where the code should go."""
    assurance.verify_account(chat.id, *proof)
    chat.hear("change my email", "change_email").start("account_form").run(FORM)
    return chat


def sent(chat: Chat, outbox: Outbox) -> Chat:
    """A code has been sent by e-mail."""
    started(chat).run(CHANNEL)
    chat.hear("By e-mail").run(FORM)
    assert chat.asked == "code" and len(outbox.sent) == 1
    chat.run(CODE)
    return chat


def level(chat: Chat) -> Level:
    return assurance.current(chat.id).level


def test_two_contacts_are_offered_masked_and_the_code_goes_to_the_chosen_one(chat: Chat, outbox: Outbox) -> None:
    assert started(chat).asked == "code_channel" and not outbox.sent
    assert chat.run(CHANNEL) == [
        "To be sure it's you, I send a one-time code. "
        "Shall I send the code by e-mail to p•••@example.com or by text to 07••• •••123?"
    ]
    assert chat.buttons == ["By e-mail", "By text"]
    chat.hear("text please").run(FORM)
    assert chat.asked == "code" and outbox.sent[0][0] == "07700 900123"
    assert chat.run(CODE) == ["I've sent a six-digit code to 07••• •••123; it works for five minutes. What is it?"]
    assert chat.buttons == ["Send a new code", "By e-mail instead"]


@pytest.mark.parametrize("text", ["by email", "the first one", "E-MAIL", "email not text", "1"])
def test_the_channel_in_words(chat: Chat, outbox: Outbox, text: str) -> None:
    started(chat).hear(text, "nlu_fallback").run(FORM)
    assert chat.slots["code_channel"] == "email" and outbox.sent[0][0] == "priya@example.com"


def test_one_contact_is_not_asked_about(chat: Chat, outbox: Outbox) -> None:
    assurance.verify_account(chat.id, "NA936105", "NE1 7RU")  # a landline takes no text message
    chat.hear("change my email", "change_email").start("account_form").run(FORM)
    assert chat.asked == "code" and outbox.sent[0][0] == "grace@example.com"


@pytest.mark.parametrize("text", ["{code}", "it's {code}", "the code is {first} {last} thanks", "{first}-{last}"])
def test_the_code_in_a_sentence_gives_step_up_and_stays_in_no_slot(chat: Chat, outbox: Outbox, text: str) -> None:
    sent(chat, outbox)
    code = outbox.code
    chat.hear(text.format(code=code, first=code[:3], last=code[3:])).run(FORM)
    assert level(chat) is Level.STEP_UP and chat.asked == "new_email"
    assert not any(chat.slots.get(s) for s in ("code", "code_channel", "code_delivery", "account_number", "postcode"))
    values = [str(e.get("value")) for e in chat.events if e["event"] == "slot"]
    assert not any(code in value for value in values)


def test_a_wrong_code_says_how_many_tries_are_left_and_the_third_hands_over(chat: Chat, outbox: Outbox) -> None:
    sent(chat, outbox)
    assert chat.hear(outbox.wrong).run(FORM) == ["That isn't the code I sent. You have 2 more tries."]
    assert chat.run(CODE) == ["What's the six-digit code that I sent to p•••@example.com?"]
    assert chat.hear(outbox.wrong).run(FORM) == ["That isn't the code I sent. You have one more try."]
    assert chat.hear(outbox.wrong).run(FORM) == [LOCKED_HANDOVER]
    assert chat.asked is None and chat.slots["ended"] == "handover:verification_failed"
    chat.run(TASK)
    assert chat.followup == "action_handoff" and level(chat) is Level.VERIFIED
    with pytest.raises(assurance.Locked):
        codes.check(chat.id, outbox.code)


def test_an_account_number_is_no_code(chat: Chat, outbox: Outbox) -> None:
    sent(chat, outbox)
    assert chat.hear("NA 204518").run(FORM) == [] and chat.asked == "code"
    assert "six digits in the message" in chat.hear("dunno", "nlu_fallback").run(FORM)[0]
    with transaction() as session:
        assert session.scalars(select(CodeRow)).one().state == "open"


def test_an_expired_code_is_sent_anew_on_a_yes_or_a_resend(chat: Chat, outbox: Outbox, fixed_clock: Clock) -> None:
    sent(chat, outbox)
    fixed_clock.move(minutes=5)
    assert chat.hear(outbox.code).run(FORM) == [] and level(chat) is Level.VERIFIED
    assert chat.run(CODE) == [
        "That code doesn't work any more: each one lasts for five minutes. Shall I send a new one to p•••@example.com?"
    ]
    chat.hear("/affirm", "affirm").run(FORM)
    assert len(outbox.sent) == 2 and chat.asked == "code"
    assert "I've sent a six-digit code" in chat.run(CODE)[0]
    chat.hear(outbox.code).run(FORM)
    assert level(chat) is Level.STEP_UP


@pytest.mark.parametrize(
    ("text", "intent", "address"),
    [
        ("it hasn't come", "resend_code", "priya@example.com"),
        ("Send a new code", "nlu_fallback", "priya@example.com"),
        ("send it again please", "repeat", None),
        ("By text instead", "change_phone", "07700 900123"),
        ("text it to me instead of e-mail", "resend_code", "07700 900123"),
    ],
)
def test_a_new_code(chat: Chat, outbox: Outbox, text: str, intent: str, address: str | None) -> None:
    sent(chat, outbox)
    first = outbox.code
    chat.hear(text, intent).run(FORM)
    assert [to for to, _, _ in outbox.sent[1:]] == ([address] if address else [])
    if address and first != outbox.code:
        assert chat.asked == "code" and "2 more" in chat.hear(first).run(FORM)[0]  # the former one is void
        assert not chat.slots.get("contact_next")


def test_new_codes_are_limited(chat: Chat, outbox: Outbox, fixed_clock: Clock) -> None:
    sent(chat, outbox)
    for _ in range(2):
        chat.hear("resend", "resend_code").run(FORM)
    assert len(outbox.sent) == 3
    assert chat.hear("resend", "resend_code").run(FORM) == [STILL_GOOD] and len(outbox.sent) == 3
    assert chat.asked == "code" and "What's the six-digit code" in chat.run(CODE)[0]
    fixed_clock.move(minutes=5)
    assert chat.hear("resend", "resend_code").run(FORM) == [TOO_MANY]
    assert chat.asked is None and chat.slots["offer"] == "person"


def test_new_codes_give_no_new_tries(chat: Chat, outbox: Outbox) -> None:
    sent(chat, outbox)
    chat.hear(outbox.wrong).run(FORM)
    chat.hear("resend", "resend_code").run(FORM)
    chat.hear(outbox.wrong).run(FORM)
    chat.hear("resend", "resend_code").run(FORM)
    assert chat.hear(outbox.wrong).run(FORM) == [LOCKED_HANDOVER]


def test_a_channel_that_is_down_leaves_the_other_or_a_person(chat: Chat, outbox: Outbox) -> None:
    outbox.broken = {"email"}
    started(chat).hear("By e-mail").run(FORM)
    assert chat.asked == "code_channel" and not outbox.sent
    assert chat.run(CHANNEL) == [
        "Sorry, I can't send an e-mail just now. Shall I send the code by text to 07••• •••123 instead?"
    ]
    assert chat.buttons == ["By text", "Talk to a person"]
    chat.hear("yes", "affirm").run(FORM)
    assert chat.asked == "code" and outbox.sent[0][0] == "07700 900123"


def test_no_channel_left_offers_a_person(chat: Chat, outbox: Outbox) -> None:
    outbox.broken = {"email", "sms"}
    started(chat).hear("By e-mail").run(FORM)
    said = chat.hear("By text").run(FORM)
    assert "can't send you a code just now" in said[0] and chat.slots["offer"] == "person" and chat.asked is None


def test_an_account_without_contacts_looks_the_same_until_it_is_verified(chat: Chat, outbox: Outbox) -> None:
    with transaction() as session:
        session.execute(update(CustomerRow).where(CustomerRow.account_number == PRIYA[0]).values(email="", phone=""))
    chat.hear("change my email", "change_email").start("account_form").run(FORM)
    said = [*chat.hear(PRIYA[0]).run(FORM), *chat.hear("ZE1 0AA").run(FORM)]
    other = Chat("conversation-2")
    other.hear("change my email", "change_email").start("account_form").run(FORM)
    assert said == [*other.hear("NA000000").run(FORM), *other.hear("ZE1 0AA").run(FORM)] == [MISMATCH_ACCOUNT]
    assert chat.asked == other.asked == "account_number"
    chat.hear(PRIYA[0]).run(FORM)
    assert "no contact" in chat.hear(PRIYA[1]).run(FORM)[0] and chat.slots["offer"] == "person"


def test_step_up_that_runs_out_before_the_yes_is_asked_for_again(
    chat: Chat, outbox: Outbox, fixed_clock: Clock
) -> None:
    sent(chat, outbox).hear(outbox.code).run(FORM)
    chat.hear("new@example.com").run(FORM)
    assert chat.asked == "confirmed"
    chat.run(ActionAskConfirmed())
    fixed_clock.move(minutes=16)
    assert chat.hear("yes", "affirm").run(FORM) == [AGAIN]
    assert chat.asked == "account_number" and not chat.slots["confirmed"]
    chat.hear("NA204518 LS1 4AP").run(FORM)
    chat.hear("By text").run(FORM)
    chat.hear(outbox.code).run(FORM)
    assert chat.asked == "confirmed" and chat.slots["new_email"] == "new@example.com"  # read back before anything


def test_step_up_runs_out_before_the_first_proof(chat: Chat, outbox: Outbox, fixed_clock: Clock) -> None:
    sent(chat, outbox).hear(outbox.code).run(FORM)
    fixed_clock.move(minutes=11)
    assert level(chat) is Level.VERIFIED
    assert chat.hear("new@example.com").run(FORM) == [AGAIN] and chat.asked == "code_channel"


def test_proof_for_another_account_begins_from_nothing(chat: Chat, outbox: Outbox) -> None:
    sent(chat, outbox).hear(outbox.code).run(FORM)
    assert chat.hear("it's for account NA310077").run(FORM) == [OTHER_ACCOUNT]
    assert chat.asked == "postcode" and level(chat) is Level.NONE
    assert chat.hear("LS1 4AP").run(FORM) == [MISMATCH_ACCOUNT] and level(chat) is Level.NONE


def test_the_own_account_number_again_changes_nothing(chat: Chat) -> None:
    assurance.verify_account(chat.id, *PRIYA)
    chat.hear("balance for NA204518", "balance").start("balance_form").run(ValidateBalanceForm())
    assert chat.asked is None and level(chat) is Level.VERIFIED


def test_a_digression_sends_no_second_code(chat: Chat, outbox: Outbox) -> None:
    sent(chat, outbox).hear("how long does the code take to arrive usually?", "ask_question").run(FORM)
    assert chat.rejected()
    chat.interrupted_by("action_answer").run(FORM)
    assert chat.asked == "code" and len(outbox.sent) == 1
    assert "What's the six-digit code" in chat.run(CODE)[0]


def test_a_task_in_between_that_needs_no_code_leaves_the_one_that_was_sent(chat: Chat, outbox: Outbox) -> None:
    balance = ValidateBalanceForm()
    sent(chat, outbox).hear("what's my balance?", "balance").start("balance_form").run(balance)
    assert chat.asked is None
    chat.apply([{"event": "active_loop", "name": None}, {"event": "followup", "name": "account_form"}])
    chat.form = "account_form"
    chat.run(FORM)
    assert chat.asked == "code" and len(outbox.sent) == 1
    assert chat.run(CODE) == ["What's the six-digit code that I sent to p•••@example.com?"]
    chat.hear(outbox.code).run(FORM)
    assert level(chat) is Level.STEP_UP


def test_a_form_that_fails_keeps_no_code(chat: Chat, outbox: Outbox) -> None:
    sent(chat, outbox).hear(outbox.code)
    executor = SafeExecutor(timeout=5)
    executor.register_action(ValidateAccountForm)

    def broken(*_: object) -> None:
        raise RuntimeError("gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "check", broken)
        state = chat.tracker().current_state()
        call = {"next_action": "validate_account_form", "tracker": state, "domain": {}}
        result = asyncio.run(executor.run(call))
    assert result is not None
    assert [e["value"] for e in result.events if e.get("name") == "code"] == [None]


def test_resend_outside_the_code_question_is_an_interruption(chat: Chat) -> None:
    chat.hear("change my email", "change_email").start("account_form").run(FORM)
    assert chat.asked == "account_number"
    chat.hear("the code never came", "resend_code").run(FORM)
    assert chat.rejected()


def test_verify_me(chat: Chat) -> None:
    chat.hear("verify me", "verify_me").start("verify_form").run(VERIFY)
    assert chat.asked == "account_number"
    chat.hear("NA204518, LS1 4AP").run(VERIFY)
    assert chat.asked is None and chat.run(DONE) == ["Thank you, that's you checked. What can I do for you?"]
    chat.apply([{"event": "active_loop", "name": None}])
    said = chat.hear("log me in", "verify_me").start("verify_form").run(VERIFY)
    assert said == [f"{ALREADY} What can I do for you?"] and chat.run(DONE) == []


def test_verify_me_for_another_account_is_checked(chat: Chat) -> None:
    assurance.verify_account(chat.id, *PRIYA)
    chat.hear("verify account NA310077", "verify_me").start("verify_form")
    assert chat.run(VERIFY) == [OTHER_ACCOUNT] and chat.asked == "postcode"


def test_a_locked_conversation_cannot_verify(chat: Chat) -> None:
    for number in ("NA000001", "NA000002", "NA000003"):
        with pytest.raises((assurance.Mismatch, assurance.Locked)):
            assurance.verify_account(chat.id, number, "ZE1 0AA")
    assert chat.hear("verify me", "verify_me").start("verify_form").run(VERIFY) == [LOCKED_TEXT]


def test_an_account_that_is_gone_meanwhile_shows_nothing(chat: Chat, outbox: Outbox) -> None:
    sent(chat, outbox).hear(outbox.code).run(FORM)
    assurance.forget(chat.id)
    with transaction() as session:
        session.execute(delete(CodeRow))
    assert chat.hear("new@example.com").run(FORM) == [AGAIN] and chat.asked == "account_number"
