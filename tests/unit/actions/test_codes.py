"""One-time codes: where they go, how long they live, how many tries there are, what they open."""

import logging
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from chats import Clock
from sqlalchemy import select

from actions import assurance, backends, codes
from actions.backends import Level, NotAllowed, Recipient, Unavailable
from actions.backends.models import AuditRow, CodeRow, NotificationRow
from actions.backends.session import transaction

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Recipient, str]]:
    """The codes that were sent, with where they went."""
    from actions.backends.notify import console

    found: list[tuple[Recipient, str]] = []
    whole = console.line

    def line(to: Recipient, subject: str, body: str) -> str:
        found.append((to, re.findall(r"\b\d{6}\b", body)[0]))
        return whole(to, subject, body)

    monkeypatch.setattr(console, "line", line)
    return found


def verified(conversation: str = "c") -> str:
    """A conversation in which Priya is verified."""
    assurance.verify_account(conversation, "NA204518", "LS1 4AP")
    return conversation


def wrong(code: str) -> str:
    """Another code than `code`."""
    return f"{(int(code) + 1) % 10**6:06d}"


def test_the_code_goes_to_the_contact_on_file_and_opens_step_up(
    sent: list[tuple[Recipient, str]], fixed_clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert codes.recipients(verified()) == {"email": "p•••@example.com", "sms": "07••• •••123"}
    assert codes.send("c", "sms") == "07••• •••123"
    to, code = sent[0]
    assert to == Recipient("sms", "07700 900123") and codes.pending("c")
    printed = capsys.readouterr().out
    assert re.search(rf"^\[notification\] text message to 07••• •••123: .*\b{code}\b", printed, re.MULTILINE)
    fixed_clock.move(minutes=4, seconds=59)
    raised = codes.check("c", f" {code[:3]} {code[3:]} ")
    assert (raised.level, raised.account_number) == (Level.STEP_UP, "NA204518")
    assert not codes.pending("c") and assurance.current("other").level is Level.NONE
    fixed_clock.move(minutes=10)
    assert assurance.current("c").level is Level.VERIFIED
    fixed_clock.move(minutes=5)
    assert assurance.current("c").level is Level.NONE


def test_a_code_is_used_once(sent: list[tuple[Recipient, str]]) -> None:
    codes.send(verified(), "email")
    codes.check("c", sent[0][1])
    with pytest.raises(codes.NoCode):
        codes.check("c", sent[0][1])


def test_a_code_expires_after_five_minutes(sent: list[tuple[Recipient, str]], fixed_clock: Clock) -> None:
    codes.send(verified(), "email")
    fixed_clock.move(minutes=5)
    with pytest.raises(codes.CodeExpired):
        codes.check("c", sent[0][1])
    assert not codes.pending("c") and assurance.current("c").level is Level.VERIFIED


def test_a_new_code_makes_the_old_one_void(sent: list[tuple[Recipient, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    digits = iter("111111222222")
    monkeypatch.setattr(codes.secrets, "choice", lambda _: next(digits))
    codes.send(verified(), "email")
    codes.send("c", "sms")
    with pytest.raises(codes.WrongCode):
        codes.check("c", "111111")
    assert codes.check("c", "222222").level is Level.STEP_UP


def test_the_third_wrong_code_locks_also_for_the_right_one(
    sent: list[tuple[Recipient, str]], fixed_clock: Clock
) -> None:
    codes.send(verified(), "email")
    code = sent[0][1]
    for tries_left in (2, 1):
        with pytest.raises(codes.WrongCode) as refusal:
            codes.check("c", wrong(code))
        assert refusal.value.tries_left == tries_left
    for given in (wrong(code), code):
        with pytest.raises(codes.Locked):
            codes.check("c", given)
    with pytest.raises(codes.Locked):
        codes.send("c", "email")
    assert assurance.locked("c") and assurance.current("c").level is Level.VERIFIED


def test_a_new_code_gives_no_new_tries(sent: list[tuple[Recipient, str]]) -> None:
    verified()
    for n in range(3):
        codes.send("c", "email")
        with pytest.raises(codes.Locked if n == 2 else codes.WrongCode):
            codes.check("c", wrong(sent[-1][1]))


def test_the_right_code_clears_typing_errors(sent: list[tuple[Recipient, str]]) -> None:
    verified()
    for _ in range(2):
        codes.send("c", "email")
        for _ in range(2):
            with pytest.raises(codes.WrongCode):
                codes.check("c", wrong(sent[-1][1]))
        assert codes.check("c", sent[-1][1]).level is Level.STEP_UP


def test_tries_at_facts_and_at_codes_are_counted_apart(sent: list[tuple[Recipient, str]]) -> None:
    for _ in range(2):
        with pytest.raises(assurance.Mismatch):
            assurance.verify_account("c", "NA204518", "ZE1 0AA")
    codes.send(verified(), "email")
    with pytest.raises(codes.WrongCode):
        codes.check("c", wrong(sent[0][1]))
    assert codes.check("c", sent[0][1]).level is Level.STEP_UP


def test_tries_side_by_side_cannot_pass_the_limit(sent: list[tuple[Recipient, str]]) -> None:
    codes.send(verified(), "email")
    code = int(sent[0][1])

    def guess(n: int) -> type[Exception]:
        with pytest.raises((codes.WrongCode, codes.Locked)) as refusal:
            codes.check("c", f"{(code + n) % 10**6:06d}")
        return refusal.type

    with ThreadPoolExecutor(8) as pool:
        kinds = Counter(pool.map(guess, range(1, 13)))
    assert kinds[codes.WrongCode] <= 2 and assurance.locked("c")


@pytest.mark.parametrize("conversations", [["c"] * 4, ["a", "b", "c", "d"]])
def test_three_codes_in_fifteen_minutes_for_a_conversation_and_an_account(
    conversations: list[str], sent: list[tuple[Recipient, str]], fixed_clock: Clock
) -> None:
    for conversation in conversations[:3]:
        codes.send(verified(conversation), "email")
    with pytest.raises(codes.TooManyCodes):
        codes.send(verified(conversations[3]), "email")
    assert len(sent) == 3
    fixed_clock.move(minutes=15)
    codes.send(verified(conversations[3]), "email")


def test_another_conversations_code_is_of_no_use(sent: list[tuple[Recipient, str]]) -> None:
    codes.send(verified("a"), "email")
    verified("b")
    with pytest.raises(codes.NoCode):
        codes.check("b", sent[0][1])


def test_a_code_is_of_no_use_for_another_account(sent: list[tuple[Recipient, str]]) -> None:
    codes.send(verified(), "email")
    assurance.verify_account("c", "NA310077", "M3 2BW")
    with pytest.raises(codes.NoCode):
        codes.check("c", sent[0][1])


def test_step_up_ends_when_the_conversation_speaks_for_somebody_else(sent: list[tuple[Recipient, str]]) -> None:
    codes.send(verified(), "email")
    codes.check("c", sent[0][1])
    assert assurance.verify_account("c", "NA310077", "M3 2BW").level is Level.VERIFIED
    assert assurance.verify_account("c", "NA204518", "LS1 4AP").level is Level.VERIFIED


def test_only_the_verified_get_codes_and_may_enter_them() -> None:
    assurance.verify_order("c", "NO482136", "LS1 4AP")
    for call in (codes.recipients, lambda c: codes.send(c, "email"), lambda c: codes.check(c, "123456")):
        with pytest.raises(NotAllowed):
            call("c")


def test_a_changed_contact_proves_nothing_for_a_day(sent: list[tuple[Recipient, str]], fixed_clock: Clock) -> None:
    codes.send(verified(), "sms")
    caller = codes.check("c", sent[0][1])
    for n, address in enumerate(("new@example.com", "newer@example.com")):
        backends.customers().change(caller, "email", address, f"change-{n}")
    codes.send("c", "email")
    assert sent[-1][0].address == "priya@example.com"
    fixed_clock.move(hours=24)
    codes.send(verified(), "email")
    assert sent[-1][0].address == "newer@example.com"


def test_a_landline_gets_no_text_message() -> None:
    assurance.verify_account("c", "NA936105", "NE1 7RU")
    assert set(codes.recipients("c")) == {"email"}
    with pytest.raises(codes.NoRecipient):
        codes.send("c", "sms")


def test_a_code_that_could_not_be_sent_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    class Down:
        def channels(self) -> frozenset[str]:
            return frozenset({"email"})

        def send(self, *_: object) -> str:
            raise Unavailable

    verified()
    monkeypatch.setattr(backends, "notifications", Down)
    for _ in range(5):
        with pytest.raises(Unavailable):
            codes.send("c", "email")
    assert not codes.pending("c")


def test_the_code_is_neither_kept_nor_logged(
    sent: list[tuple[Recipient, str]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    codes.send(verified(), "email")
    code = sent[0][1]
    codes.check("c", code)
    with transaction() as session:
        rows = [*session.scalars(select(CodeRow)), *session.scalars(select(NotificationRow))]
        rows += session.scalars(select(AuditRow)).all()
        kept = " ".join(str(vars(row)) for row in rows)
        actions = {(row.action, row.outcome) for row in session.scalars(select(AuditRow))}
    assert "priya@example.com" not in kept and not re.search(rf"\b{code}\b", kept)
    assert code not in caplog.text and not any(code in str(vars(record)) for record in caplog.records)
    assert {("code.send", "allowed"), ("code.check", "allowed"), ("notification.send", "sent")} <= actions
