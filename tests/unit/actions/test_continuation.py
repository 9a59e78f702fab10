"""A customer goes on with what they left unfinished in another conversation, after showing who they are."""

from collections.abc import Iterator

import pytest
from assistant_server import AssistantServer
from booking_chats import ASK, MONDAY, at_confirmation, at_time
from booking_chats import FORM as BOOKING_FORM
from chats import Chat, Clock

from actions import assurance, settings
from actions.assurance import Level
from actions.backends.models import AuditRow
from actions.backends.session import transaction
from actions.billing import ActionBalance, ValidateBalanceForm
from actions.continuation import NOTHING_LEFT, PROOF_FIRST
from actions.handback import ActionResume
from actions.handoff import ActionHandoff
from actions.packet_schema import problems

pytestmark = pytest.mark.usefixtures("database")
OFFER = "On the web chat this afternoon we hadn't finished booking your visit. Shall we go on from there?"
RESUME = ActionResume()


@pytest.fixture
def assistant(fixed_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[AssistantServer]:
    with AssistantServer(fixed_clock) as server:
        monkeypatch.setenv("ASSISTANT_URL", server.url)
        monkeypatch.setenv("RASA_TOKEN", server.token)
        yield server


@pytest.fixture
def earlier(assistant: AssistantServer) -> Chat:
    """A web chat in which a time for a visit was being chosen."""
    return assistant.add(at_time(Chat("web-chat-of-priya")))


def balance(chat: Chat, account: str = "NA204518", postcode: str = "LS1 4AP") -> list[str]:
    """The customer shows who they are and hears their balance; what was said."""
    assurance.verify_account(chat.id, account, postcode)
    chat.hear("what do I owe", "balance").start("balance_form").run(ValidateBalanceForm())
    chat.form = None
    return chat.run(ActionBalance())


def yes(chat: Chat) -> list[str]:
    return chat.hear("yes", "affirm").run(RESUME)


def test_what_is_unfinished_elsewhere_is_offered_once_the_task_at_hand_is_done(chat: Chat, earlier: Chat) -> None:
    said = balance(chat)
    assert said[0].startswith("Your balance is £42.50") and said[1:] == [OFFER]
    assert chat.buttons == ["Yes", "No"] and chat.slots["offer"] == "task"


def test_after_a_yes_the_task_goes_on_with_its_values(chat: Chat, earlier: Chat) -> None:
    balance(chat)
    assert yes(chat) == ["Good. Let's go on with booking your visit."]
    assert chat.followup == "booking_form" and chat.slots["visit_reason"] == "No connection"
    chat.start("booking_form").events.append({"event": "followup", "name": "booking_form"})
    chat.run(BOOKING_FORM)
    assert chat.asked == "visit_slot"
    chat.run(ASK)
    assert chat.buttons[:2] == MONDAY


def test_there_the_task_is_over(chat: Chat, earlier: Chat, assistant: AssistantServer) -> None:
    balance(chat)
    yes(chat)
    assert earlier.form is None and earlier.slots["visit_reason"] is None and earlier.asked is None
    third = Chat("third")
    assert len(balance(third)) == 1


def test_no_level_owner_or_yes_comes_over(chat: Chat, assistant: AssistantServer, fixed_clock: Clock) -> None:
    earlier = at_confirmation(Chat("web-chat-of-priya"))
    earlier.slots |= {"confirmed": True, "handoff": {"task": "x"}, "account_number": "NA204518", "code": "123456"}
    assistant.add(earlier)
    balance(chat)
    before = dict(chat.slots)
    yes(chat)
    assert chat.slots["visit_slot"] and chat.slots["confirmed"] is None
    for slot in ("owner", "handoff", "account_number", "postcode", "code"):
        assert chat.slots.get(slot) == before.get(slot)
    assert assurance.current(chat.id).level is Level.VERIFIED


def test_after_a_no_it_is_not_offered_again(chat: Chat, earlier: Chat) -> None:
    balance(chat)
    chat.hear("no", "deny")
    assert len(balance(chat)) == 1


def test_another_customers_conversation_is_never_offered(chat: Chat, earlier: Chat, assistant: AssistantServer) -> None:
    assert len(balance(chat, "NA310077", "M3 2BW")) == 1
    assert assistant.asked == []


def test_a_reference_of_another_customers_conversation_is_refused(chat: Chat, earlier: Chat) -> None:
    balance(chat)
    offer = chat.events[-1]
    thief = Chat("thief")
    balance(thief, "NA310077", "M3 2BW")
    thief.events.append(offer)
    assert yes(thief) == [NOTHING_LEFT]
    assert thief.slots.get("visit_reason") is None and earlier.form == "booking_form"


def test_whose_it_is_is_checked_again_at_the_yes(chat: Chat, earlier: Chat) -> None:
    balance(chat)
    assurance.verify_account(earlier.id, "NA310077", "M3 2BW")  # somebody else goes on there
    assert yes(chat) == [NOTHING_LEFT]
    assert chat.followup == "action_listen" and chat.slots["offer"] is None


def test_a_level_that_has_run_out_must_be_shown_again(chat: Chat, earlier: Chat, fixed_clock: Clock) -> None:
    balance(chat)
    fixed_clock.move(minutes=16)
    assert yes(chat) == [PROOF_FIRST]
    assert chat.followup == "verify_form" and chat.slots.get("visit_reason") is None
    assert balance(chat)[1:] == [OFFER]


def test_what_was_finished_there_meanwhile_is_said(chat: Chat, earlier: Chat) -> None:
    balance(chat)
    earlier.form = None
    assert yes(chat) == [NOTHING_LEFT]


def test_without_anything_unfinished_nothing_is_offered(chat: Chat, earlier: Chat) -> None:
    earlier.form = None
    assert len(balance(chat)) == 1


def test_a_task_that_waits_there_is_offered_too(chat: Chat, earlier: Chat) -> None:
    earlier.form = None
    earlier.slots["paused"] = {"session": 0.0, "forms": ["booking_form"]}
    assert balance(chat)[1:] == [OFFER]


def test_the_task_that_was_just_done_is_not_offered(chat: Chat, assistant: AssistantServer) -> None:
    earlier = Chat("web-chat-of-priya")
    balance(earlier)
    earlier.form = "balance_form"
    assistant.add(earlier)
    assert len(balance(chat)) == 1


@pytest.mark.parametrize("hours", [23, 25])
def test_a_day_later_it_is_forgotten(chat: Chat, earlier: Chat, fixed_clock: Clock, hours: int) -> None:
    fixed_clock.move(hours=hours)
    said = balance(chat)[1:]
    expected = OFFER.replace("this afternoon", "yesterday")
    assert said == ([expected] if hours == 23 else [])


@pytest.mark.parametrize(
    ("channel", "words"), [("email", "By e-mail"), ("sms", "By text message"), ("rest", "In another conversation")]
)
def test_the_channel_is_named(chat: Chat, assistant: AssistantServer, channel: str, words: str) -> None:
    assistant.add(at_time(Chat("earlier")), channel)
    assert balance(chat)[1].startswith(f"{words} this afternoon we hadn't")


@pytest.mark.parametrize("wrong", ["down", "slow", "refused", "odd", "no setting", "no token"])
def test_any_failure_means_no_offer(
    chat: Chat, earlier: Chat, assistant: AssistantServer, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    match wrong:
        case "down":
            monkeypatch.setenv("ASSISTANT_URL", "http://127.0.0.1:1")
        case "slow":
            assistant.delay = 1.5
        case "refused":
            assistant.status, assistant.body = 401, {}
        case "odd":
            assistant.body = ["no tracker"]
        case "no setting":
            monkeypatch.delenv("ASSISTANT_URL")
        case "no token":
            monkeypatch.delenv("RASA_TOKEN")
    assert len(balance(chat)) == 1
    assert chat.slots["offer"] is None


def test_a_failure_at_the_yes_is_no_error(chat: Chat, earlier: Chat, assistant: AssistantServer) -> None:
    balance(chat)
    assistant.status, assistant.body = 500, {}
    assert yes(chat) == [NOTHING_LEFT]


def test_who_waits_for_a_person_there_may_be_passed_on_here(chat: Chat, earlier: Chat) -> None:
    earlier.slots["owner"], earlier.form = "queue", None
    said = balance(chat)[1]
    assert said.startswith("On the web chat this afternoon you were passed on to one of our people")
    assert chat.slots["offer"] == "person"


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_the_person_who_takes_over_reads_what_was_said_there(chat: Chat, earlier: Chat, answer: str) -> None:
    balance(chat)
    if answer == "yes":
        yes(chat)
    else:
        chat.hear("no", "deny")
    chat.hear("get me a person", "request_human").run(ActionHandoff())
    packet = chat.slots["handoff"]
    told = [s for s in packet["summary"] if s["text"].startswith("On the web chat this afternoon: ")]
    assert bool(told) is (answer == "yes") and not problems(packet)
    assert all(sentence["turns"] == [0] for sentence in told)


def test_going_on_is_audited(chat: Chat, earlier: Chat) -> None:
    balance(chat)
    yes(chat)
    with transaction() as session:
        rows = session.query(AuditRow).filter_by(action="continue").all()
        assert [(row.conversation_id, row.account_number, row.outcome) for row in rows] == [
            (chat.id, "NA204518", "allowed")
        ]
        assert "web-chat" not in str(rows[0].subject)


def test_the_token_is_a_setting() -> None:
    with pytest.raises(settings.MissingSetting, match="RASA_TOKEN"):
        settings.rasa_token()
