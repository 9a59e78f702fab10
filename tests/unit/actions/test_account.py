"""Changing address, e-mail, phone and marketing; telling the former contact; undoing."""

import pytest
from chats import Chat, Clock
from outbox import Outbox
from sqlalchemy import select

from actions import addresses, assurance, backends, codes, contact_details
from actions.account import PROVE_AGAIN, ActionChangeAccount, ValidateAccountForm
from actions.account_undo import NOTHING, SUPERSEDED, ActionAskUndoField, ActionUndoChange, ValidateUndoForm
from actions.backends import Address, Level, Unavailable
from actions.backends.models import AuditRow, CustomerRow, TicketRow
from actions.backends.session import transaction
from actions.conversation import ActionAskChange, ActionAskConfirmed
from actions.turns import Turn

pytestmark = pytest.mark.usefixtures("database")
FORM, TASK, READ_BACK, CHANGE = ValidateAccountForm(), ActionChangeAccount(), ActionAskConfirmed(), ActionAskChange()
UNDO, UNDO_TASK, ASK_UNDO = ValidateUndoForm(), ActionUndoChange(), ActionAskUndoField()


@pytest.fixture(autouse=True)
def outbox(monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """Messages are kept instead of printed."""
    made = Outbox()
    monkeypatch.setattr(backends, "notifications", lambda: made)
    return made


def prove(chat: Chat, outbox: Outbox, account: str = "NA204518", postcode: str = "LS1 4AP") -> Chat:
    """Raise the conversation to step-up; the code is no message of the test."""
    assurance.verify_account(chat.id, account, postcode)
    codes.send(chat.id, "email")
    codes.check(chat.id, outbox.code)
    outbox.sent.clear()
    return chat


def ask(chat: Chat, text: str, intent: str) -> Chat:
    chat.apply([{"event": "active_loop", "name": None}])
    chat.hear(text, intent).start("account_form").run(FORM)
    return chat


def yes(chat: Chat) -> list[str]:
    """The read-back is answered with yes; returns what the task says."""
    assert chat.asked == "confirmed"
    chat.run(READ_BACK)
    chat.hear("/affirm", "affirm").run(FORM)
    assert chat.asked is None
    said = chat.run(TASK)
    chat.apply([{"event": "active_loop", "name": None}])
    return said


def row(account: str = "NA204518") -> CustomerRow:
    with transaction() as session:
        found = session.scalars(select(CustomerRow).where(CustomerRow.account_number == account)).one()
        session.expunge(found)
        return found


def test_an_address_in_one_sentence(chat: Chat, outbox: Outbox) -> None:
    ask(prove(chat, outbox), "I've moved to 12 Park Lane, Leeds LS2 8AB", "change_address")
    assert chat.asked == "confirmed"
    assert chat.run(READ_BACK) == [
        "I'll change your address from the one in LS1 to 12 Park Lane, Leeds, LS2 8AB. Shall I save that?"
    ]
    assert yes(chat) == [
        "That's done: your address is now 12 Park Lane, Leeds, LS2 8AB. From now on I'll ask for the new postcode to "
        "check that it's you. I've sent a note about it to p•••@example.com. "
        "You can undo it here until 3pm on Monday 23 November."
    ]
    kept = row()
    assert (kept.address_lines, kept.town, kept.postcode) == ("12 Park Lane", "Leeds", "LS2 8AB")
    assert not [s for s in FORM.slots() if chat.slots.get(s) is not None]


def test_an_address_piece_by_piece(chat: Chat, outbox: Outbox) -> None:
    ask(prove(chat, outbox), "change my address", "change_address")
    for text, then in (("12 Park Lane", "new_town"), ("it's in Leeds", "new_postcode"), ("ls28ab", "confirmed")):
        chat.hear(text).run(FORM)
        assert chat.asked == then
    assert "12 Park Lane, Leeds, LS2 8AB" in chat.run(READ_BACK)[0]


def test_the_new_postcode_is_no_proof(chat: Chat) -> None:
    ask(chat, "change my address to 12 Park Lane, Leeds LS2 8AB, account NA204518", "change_address")
    assert chat.asked == "postcode" and chat.slots["new_postcode"] == "LS2 8AB"
    chat.hear("LS1 4AP").run(FORM)
    assert assurance.current(chat.id).level is Level.VERIFIED and chat.slots["new_postcode"] == "LS2 8AB"


@pytest.mark.parametrize(
    ("text", "street", "town", "code"),
    [
        ("12 Park Lane, Leeds LS2 8AB", "12 Park Lane", "Leeds", "LS2 8AB"),
        ("12 park lane leeds ls2 8ab", "12 Park Lane", "Leeds", "LS2 8AB"),
        ("Flat 3, 27 Queen Street, Cardiff", "Flat 3, 27 Queen Street", "Cardiff", None),
        ("12 Park Lane\nLeeds\nLS2 8AB", "12 Park Lane", "Leeds", "LS2 8AB"),
        ("Rose Cottage, Mill Lane, Otley LS21 3AB", "Rose Cottage, Mill Lane", "Otley", "LS21 3AB"),
        ("14 The Shambles, York", "14 The Shambles", "York", None),
        ("7 Fore Street, St. Ives TR26 1AB", "7 Fore Street", "St. Ives", "TR26 1AB"),
        ("12 Station Road Great Yarmouth NR30 1AA", "12 Station Road", "Great Yarmouth", "NR30 1AA"),
        ("it's 12 Park Lane please", "12 Park Lane", None, None),
        ("put 5 Mill Road as my home address", "5 Mill Road", None, None),
        ("i moved on 3 November to 12 Park Lane, Leeds", "12 Park Lane", "Leeds", None),
        ("NA 204518, 12 Park Lane, Leeds", "12 Park Lane", "Leeds", None),
        ("LS2 8AB", None, None, "LS2 8AB"),
        ("12 Park Lane, Burgess Hill", "12 Park Lane", "Burgess Hill", None),
        ("3 Abbey Way, Bury St Edmunds IP33 1AB", "3 Abbey Way", "Bury St Edmunds", "IP33 1AB"),
        ("Leeds", None, None, None),
        ("no idea", None, None, None),
        ("'; DROP TABLE customers;--", None, None, None),
        ("12 Park Lane'); DELETE FROM customers;--, Leeds", None, None, None),
        ("12 {{7*7}} Road, Leeds", None, None, None),
        ("${jndi:ldap://x} Road, Leeds", None, None, None),
        ("<b>12 Park Lane</b>, Leeds", None, None, None),
    ],
)
def test_addresses_are_read(text: str, street: str | None, town: str | None, code: str | None) -> None:
    assert addresses.answered(text) == addresses.Parts(street, town, code)


@pytest.mark.parametrize(
    ("text", "intent", "asked"),
    [
        ("change my details", "change_email", "contact_field"),
        ("i need to update my details", "change_address", "contact_field"),
        ("i've moved and need to update my details", "change_address", "account_number"),
        ("change the email on my account", "change_email", "account_number"),
    ],
)
def test_which_detail_is_asked_first_when_none_is_named(chat: Chat, text: str, intent: str, asked: str) -> None:
    assert ask(chat, text, intent).asked == asked


@pytest.mark.parametrize(
    ("text", "intent", "field"),
    [
        ("Phone number", "nlu_fallback", "phone"),
        ("E-mail address", "nlu_fallback", "email"),
        ("Address", "nlu_fallback", "address"),
        ("my mobile", "change_phone", "phone"),
        ("Marketing", "change_consent", "marketing"),
    ],
)
def test_the_answer_to_which_detail(chat: Chat, text: str, intent: str, field: str) -> None:
    ask(chat, "change my details", "change_email").hear(text, intent).run(FORM)
    assert chat.slots["contact_field"] == field and chat.asked == "account_number"


def test_an_email_address_and_the_notice_to_the_old_one(chat: Chat, outbox: Outbox) -> None:
    ask(prove(chat, outbox), "change my email from priya@example.com to priya.new@example.org", "change_email")
    said = chat.run(READ_BACK)
    assert said == [
        "I'll change your e-mail address from p•••@example.com to priya.new@example.org. Shall I save that?"
    ]
    yes(chat)
    assert row().email == "priya.new@example.org"
    [(to, subject, body)] = outbox.sent
    assert (to, subject) == ("priya@example.com", "Your e-mail address was changed")
    assert "Say undo in our chat within a day, or call us on 0808 157 0150." in body
    assert "priya.new" not in body and "example.org" not in subject + body


def test_a_phone_number_and_the_text_to_the_old_one(chat: Chat, outbox: Outbox) -> None:
    ask(prove(chat, outbox), "my new number is +44 7700 900 777", "change_phone")
    assert "from 07••• •••123 to 07700 900777" in chat.run(READ_BACK)[0]
    yes(chat)
    assert row().phone == "07700 900777" and outbox.sent[0][0] == "07700 900123"


@pytest.mark.parametrize(
    "text", ["priya@", "@example.com", "priya example.com", "a@b", "'; DROP TABLE x;--@y", "{{7}}@x"]
)
def test_what_is_no_email_address(chat: Chat, outbox: Outbox, text: str) -> None:
    ask(prove(chat, outbox), "change my email", "change_email").hear(text, "nlu_fallback").run(FORM)
    assert chat.asked == "new_email" and chat.slots["tries"] == 1


@pytest.mark.parametrize("text", ["12345", "07700 900", "+1 202 555 0143", "0800", "NA204518"])
def test_what_is_no_uk_phone_number(chat: Chat, outbox: Outbox, text: str) -> None:
    ask(prove(chat, outbox), "change my phone", "change_phone").hear(text, "nlu_fallback").run(FORM)
    assert chat.asked == "new_phone" and not chat.slots.get("new_phone")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("stop sending me marketing texts", False),
        ("unsubscribe me", False),
        ("opt me out of everything promotional", False),
        ("no more adverts by text please", False),
        ("sign me up for your newsletter", True),
        ("you can email me about offers again", True),
        ("opt me back in to emails", True),
        ("turn marketing back on", True),
        ("change my marketing preferences", None),
        ("marketing consent", None),
    ],
)
def test_marketing_on_and_off(chat: Chat, text: str, wanted: bool | None) -> None:
    ask(chat, text, "change_consent")
    assert chat.slots.get("new_marketing") is wanted


def test_marketing_off_is_read_back_and_done(chat: Chat, outbox: Outbox) -> None:
    ask(prove(chat, outbox), "stop sending me marketing texts", "change_consent")
    assert "switch all our marketing off, by e-mail, text, phone and post alike" in chat.run(READ_BACK)[0]
    assert yes(chat)[0].startswith("That's done: our marketing is switched off.") and row().marketing is False


def test_the_question_about_marketing(chat: Chat, outbox: Outbox) -> None:
    ask(prove(chat, outbox), "change my marketing preferences", "change_consent")
    assert chat.asked == "new_marketing"
    chat.hear("/deny", "deny").run(FORM)
    assert chat.slots["new_marketing"] is False and chat.asked == "confirmed"


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("my email is PRIYA@example.com", "change_email"),
        ("my number is 07700900123", "change_phone"),
        ("send me offers please, I'd like your newsletter", "change_consent"),
        ("my address is 14 mill lane, leeds ls1 4ap", "change_address"),
    ],
)
def test_what_is_on_file_already_is_not_changed(chat: Chat, outbox: Outbox, text: str, intent: str) -> None:
    ask(prove(chat, outbox), text, intent)
    assert chat.asked is None and "nothing to change" in chat.said[-1]["text"] and chat.run(TASK) == []


def test_a_no_lets_the_customer_correct_one_part(chat: Chat, outbox: Outbox) -> None:
    ask(prove(chat, outbox), "I've moved to 12 Park Lane, Leeds LS2 8AB", "change_address").run(READ_BACK)
    chat.hear("/deny", "deny").run(FORM)
    assert chat.asked == "change"
    chat.run(CHANGE)
    assert chat.buttons == ["The address", "The town", "The postcode", "Nothing, stop"]
    chat.hear("The postcode", "correct").run(FORM)
    assert chat.asked == "new_postcode"
    chat.hear("LS2 8AD").run(FORM)
    assert "12 Park Lane, Leeds, LS2 8AD" in chat.run(READ_BACK)[0]


def test_a_correction_brings_its_value(chat: Chat, outbox: Outbox) -> None:
    ask(prove(chat, outbox), "I've moved to 12 Park Lane, Leeds LS2 8AB", "change_address").run(READ_BACK)
    assert chat.hear("the postcode should be LS2 8AD", "correct").run(FORM) == [
        "Thanks, I've changed the postcode to LS2 8AD."
    ]
    assert chat.asked == "confirmed" and "LS2 8AD" in chat.run(READ_BACK)[0]


def test_a_house_with_a_name_and_its_town_and_postcode_in_one_answer(chat: Chat, outbox: Outbox) -> None:
    ask(prove(chat, outbox), "change my address", "change_address").hear("Rose Cottage, Mill Lane, Otley LS21 3AB").run(
        FORM
    )
    assert chat.asked == "confirmed" and "Rose Cottage, Mill Lane, Otley, LS21 3AB" in chat.run(READ_BACK)[0]


def test_two_details_one_after_the_other(chat: Chat, outbox: Outbox) -> None:
    text = "change my email to priya.new@example.org and my number to 07700 900777"
    ask(prove(chat, outbox), text, "change_email")
    assert chat.said[0]["text"] == "I'll change your phone number right after your e-mail address."
    assert yes(chat)[-1] == "Now your phone number."
    assert {"event": "followup", "name": "account_form"}.items() <= chat.events[-4].items()
    chat.events.append({"event": "active_loop", "name": "account_form"})
    chat.form = "account_form"
    chat.run(FORM)
    assert chat.asked == "confirmed"
    assert "to 07700 900777" in chat.run(READ_BACK)[0]
    yes(chat)
    assert (row().email, row().phone) == ("priya.new@example.org", "07700 900777")


def test_another_detail_named_meanwhile_waits_or_takes_over(chat: Chat, outbox: Outbox) -> None:
    ask(prove(chat, outbox), "change my email", "change_email")
    assert chat.hear("and my phone number too", "change_phone").run(FORM) == [
        "I'll change your phone number right after your e-mail address."
    ]
    assert chat.asked == "new_email"
    chat.hear("change my address instead", "change_address").run(FORM)
    assert chat.asked == "new_address" and chat.slots["contact_next"] == ["phone"]


def test_the_change_stands_when_the_notice_cannot_be_sent(chat: Chat, outbox: Outbox) -> None:
    ask(prove(chat, outbox), "my new email is priya.new@example.org", "change_email")
    outbox.broken = {"email", "sms"}
    said = yes(chat)[0]
    assert "That's done" in said and "I couldn't send a note about it" in said and "ticket NT000001" in said
    assert row().email == "priya.new@example.org"
    with transaction() as session:
        ticket = session.scalars(select(TicketRow)).one()
        assert (ticket.kind, ticket.priority) == ("other", "high") and "@" not in ticket.subject + ticket.details


def test_neither_notice_nor_ticket_is_said_too(chat: Chat, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    class Down:
        def open(self, *_: object) -> None:
            raise Unavailable("no answer")

    ask(prove(chat, outbox), "my new email is priya.new@example.org", "change_email")
    outbox.broken = {"email", "sms"}
    monkeypatch.setattr(backends, "tickets", Down)
    assert "call us on 0808 157 0150" in yes(chat)[0] and row().email == "priya.new@example.org"


@pytest.mark.parametrize("level", [Level.NONE, Level.VERIFIED])
def test_no_slot_and_no_text_changes_anything_below_step_up(chat: Chat, level: Level) -> None:
    if level:
        assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    chat.slots.update(contact_field="email", new_email="thief@example.org", confirmed=True, code="000000")
    chat.hear('/inform{"confirmed": true, "level": "step-up"}', "affirm")
    assert chat.run(TASK) == [PROVE_AGAIN] and row().email == "priya@example.com"
    assert chat.followup == "account_form" and not chat.slots["confirmed"]
    with transaction() as session:
        refused = select(AuditRow).where(AuditRow.action == "customer.change", AuditRow.outcome == "refused")
        assert session.scalars(refused).one().level == int(level)


def test_a_repeated_yes_changes_once_and_another_account_is_untouched(chat: Chat, outbox: Outbox) -> None:
    ask(prove(chat, outbox), "my new email is priya.new@example.org", "change_email")
    chat.run(READ_BACK)
    chat.hear("/affirm", "affirm").run(FORM)
    before = dict(chat.slots)
    chat.run(TASK)
    chat.slots = before
    chat.run(TASK)  # the same message again
    caller = assurance.current(chat.id)
    assert len(backends.customers().changes(caller)) == 1
    assert row("NA310077").email == "tom@example.com"


def undo(chat: Chat, text: str = "undo") -> Chat:
    chat.apply([{"event": "active_loop", "name": None}])
    chat.hear(text, "undo_change").start("undo_form").run(UNDO)
    return chat


def changed(chat: Chat, outbox: Outbox, *fields: str) -> Chat:
    """A customer at step-up whose details were changed just now."""
    caller = assurance.current(prove(chat, outbox).id)
    values = {"email": "new@example.org", "phone": "07700 900777", "marketing": False}
    values["address"] = Address(("12 Park Lane",), "Leeds", "LS2 8AB")  # type: ignore[assignment]
    for field in fields:
        backends.customers().change(caller, field, values[field], field)  # type: ignore[arg-type]
    return chat


def test_the_only_change_is_undone_after_a_read_back(chat: Chat, outbox: Outbox) -> None:
    undo(changed(chat, outbox, "email"))
    assert chat.asked == "confirmed"
    assert chat.run(READ_BACK) == [
        "On Sunday 22 November at 3pm your e-mail address was changed from p•••@example.com to n•••@example.org. "
        "Shall I put it back to what it was?"
    ]
    chat.hear("yes", "affirm").run(UNDO)
    assert chat.run(UNDO_TASK) == ["That's undone: your e-mail address is p•••@example.com again."]
    assert row().email == "priya@example.com"
    assert undo(chat).asked is None and chat.said[-1]["text"] == NOTHING


def test_several_changes_are_listed_and_one_is_chosen(chat: Chat, outbox: Outbox) -> None:
    undo(changed(chat, outbox, "email", "phone", "address", "marketing"))
    assert chat.asked == "undo_field"
    assert chat.run(ASK_UNDO) == ["Which change would you like to undo?"]
    assert chat.buttons == [
        "Marketing, Sunday 22 November at 3pm",
        "Address, Sunday 22 November at 3pm",
        "Phone number, Sunday 22 November at 3pm",
        "E-mail address, Sunday 22 November at 3pm",
    ]
    chat.hear("the third one").run(UNDO)
    assert chat.slots["undo_field"] == "phone"
    chat.hear("no, the address", "correct").run(UNDO)
    assert chat.slots["undo_field"] in ("address", None)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("put my old email back", "email"),
        ("can i have my old number back", "phone"),
        ("reverse the address", "address"),
    ],
)
def test_the_first_sentence_says_which_change(chat: Chat, outbox: Outbox, text: str, field: str) -> None:
    undo(changed(chat, outbox, "email", "phone", "address"), text)
    assert chat.slots["undo_field"] == field and chat.asked == "confirmed"


def test_a_change_that_was_not_made_is_said(chat: Chat, outbox: Outbox) -> None:
    undo(changed(chat, outbox, "email", "phone"), "put my old address back")
    assert chat.said[0]["text"] == "I can't see a change of your address in the last 24 hours."
    assert chat.asked == "undo_field"


def test_undo_needs_proof_and_a_day_is_the_limit(chat: Chat, outbox: Outbox, fixed_clock: Clock) -> None:
    changed(chat, outbox, "email")
    stranger = Chat("conversation-2")
    assert undo(stranger).asked == "account_number"
    undo(chat).run(READ_BACK)
    chat.hear("yes", "affirm").run(UNDO)
    fixed_clock.move(hours=24)
    assurance.verify_account(chat.id, "NA204518", "LS1 4AP")
    assert chat.run(UNDO_TASK) == [SUPERSEDED] and row().email == "new@example.org"


def test_another_customers_change_cannot_be_undone(chat: Chat, outbox: Outbox) -> None:
    changed(chat, outbox, "email")
    other = Chat("conversation-2")
    assurance.verify_account(other.id, "NA310077", "M3 2BW")
    other.slots.update(undo_field="email", undo_id=1, confirmed=True)
    assert other.hear("yes", "affirm").run(UNDO_TASK) == [SUPERSEDED] and row().email == "new@example.org"


def test_the_words_for_each_detail(chat: Chat) -> None:
    for text, field in (
        ("my email address", "email"),
        ("the number you text", "phone"),
        ("where i live", "address"),
        ("marketing emails", "marketing"),
        ("hello", None),
    ):
        assert contact_details.named(text) == field
    turn = Turn.of(None, chat.hear("change my info", "change_phone").tracker(), {}, "account_form")  # type: ignore[arg-type]
    assert contact_details.of_message(turn) is None
