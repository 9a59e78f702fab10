"""The e-mail channel between a mail program and a mail server, both real, on loopback."""

import asyncio
import logging
import smtplib
import socket

import pytest

from assistant.channels.addressbook import AddressUnknown, address_book, conversation_of
from assistant.channels.mail import listener, references, settings
from assistant.privacy.vault import shared_vault
from tests.unit.assistant.mail_server import PRIYA, US, Agent, Sink, post_office, reply, text_of, until, write

BUTTONS = [{"title": "Track an order", "payload": "/track"}, {"title": "Return an order", "payload": "/return"}]


@pytest.fixture
def var(tmp_path, environment):
    environment.setenv("TANDEM_VAR", str(tmp_path))
    return tmp_path


@pytest.fixture
def sink():
    server = Sink()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def office(var, sink):
    with post_office(var, sink.port) as running:
        yield running


def waiting(office):
    return [path for box in ("inbox", "outbox", "late") for path in (office.folder / box).iterdir()]


def test_a_mail_is_answered_in_its_thread(office, sink):
    write(office.port, "Where is it?", Subject="Order NO482136", Message_ID="<one@example.com>")
    (mail,) = sink.wait()
    assert text_of(mail).startswith("You said: Order NO482136. Where is it?")
    assert (mail["Subject"], mail["To"], mail["From"]) == ("Re: Order NO482136", PRIYA, f"Northlight <{US}>")
    assert mail["In-Reply-To"] == mail["References"] == "<one@example.com>"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert sink.envelopes == [(US, [PRIYA])]
    until(lambda: not waiting(office))


def test_the_conversation_is_the_addresss_and_its_id_does_not_tell_it(office, sink):
    write(office.port, sender="Priya@Example.com")
    sink.wait()
    (message,) = office.agent.received
    assert message.sender_id == conversation_of("email", PRIYA)
    assert "priya" not in message.sender_id and message.input_channel == "email"
    assert address_book().address_of(message.sender_id) == PRIYA


def test_a_reply_goes_on_in_the_same_conversation(office, sink):
    write(office.port)
    reply(office.port, sink.wait()[0], "The second one please")
    second = sink.wait(2)[1]
    first, answer = office.agent.received
    assert answer.sender_id == first.sender_id and answer.text == "The second one please"
    assert second["References"].split()[1:2] == [sink.mails[0]["Message-ID"]]
    # A new mail could be anybody's, so only the reply goes on in the session.
    assert office.agent.begun == []
    write(office.port, "and another thing")
    sink.wait(3)
    assert office.agent.begun == [(first.sender_id, "action_session_start")]


def test_a_reference_of_ours_counts_for_its_recipient_alone(office, sink):
    write(office.port)
    mail = sink.wait()[0]
    reply(office.port, mail, "me too", sender="mallory@example.com", From="mallory@example.com")
    sink.wait(2)
    assert office.agent.received[1].sender_id == conversation_of("email", "mallory@example.com")
    forged = mail["Message-ID"].replace(conversation_of("email", PRIYA), conversation_of("email", "x@example.com"))
    assert references.conversation_in([forged], PRIYA) is None
    assert references.conversation_in([forged, mail["Message-ID"]], PRIYA) == conversation_of("email", PRIYA)


def test_an_old_reference_does_not_count(monkeypatch):
    conversation = conversation_of("email", PRIYA)
    made = references.new_id(conversation, PRIYA, "northlight.example")
    assert references.conversation_in([made], PRIYA) == conversation
    monkeypatch.setattr(references, "VALID_SECONDS", -1)
    assert references.conversation_in([made], PRIYA) is None


def test_a_turns_messages_make_one_mail_with_numbered_choices(office, sink):
    sources = {"metadata": {"sources": [{"title": "Orders & returns"}]}}
    office.agent.answer = lambda _: [{"text": "First <b>"}, {"text": "What next?", "buttons": BUTTONS} | sources]
    write(office.port)
    (mail,) = sink.wait()
    body = text_of(mail)
    assert body.startswith("First <b>\n\nWhat next?\n1 Track an order\n2 Return an order\nSource: Orders & returns\n")
    page = mail.get_body(("html",)).get_content()
    page = page.replace("\r\n", "\n")
    assert "<p>First &lt;b&gt;</p>" in page and "1 Track an order<br>\n2 Return" in page
    assert "Orders &amp; returns" in page
    assert "/track" not in body + page


def test_a_number_picks_a_choice(office, sink):
    office.agent.answer = lambda _: [{"text": "What next?", "buttons": BUTTONS}]
    write(office.port)
    reply(office.port, sink.wait()[0], "2")
    sink.wait(2)
    picked = office.agent.received[1]
    assert picked.text == "Return an order" and picked.parse_data["intent"]["name"] == "return"


def test_where_nothing_is_said_nothing_is_sent(office, sink):
    office.agent.answer = lambda _: []
    office.agent.processor.get_tracker = office.agent.tracker_store.get_or_create_tracker
    write(office.port, "first")
    until(lambda: office.agent.received)
    # The guard speaks up for a bot that had nothing to say; that is one mail, and no empty one.
    (mail,) = sink.wait()
    assert "something went wrong" in text_of(mail)


def test_what_the_guard_is_told_of_a_mail(var, sink):
    body = "--b\r\nContent-Type: image/png; name=a.png\r\n\r\nxx\r\n--b--"
    with post_office(var, sink.port, kind="_MailChannel") as office:
        write(office.port, body, Content_Type="multipart/mixed; boundary=b")
        sink.wait()
    (message,) = office.agent.received
    assert message.metadata["attachments"] == [{"kind": "image", "name": "a.png", "bytes": 2}]
    assert message.metadata["message_id"] == message.message_id and len(message.message_id) == 32
    assert message.output_channel.choices_are_typed


def test_an_agents_messages_of_a_moment_make_one_mail_in_the_thread(office, sink):
    write(office.port, Message_ID="<one@example.com>")
    first = sink.wait()[0]
    output = office.channel.get_output_channel()
    conversation = office.agent.received[0].sender_id
    for text in ("Hello Priya", "I have looked at it."):
        office.call(output.send_response(conversation, {"text": text, "author": "agent", "agent_name": "Sam"}))
    mail = sink.wait(2)[1]
    assert text_of(mail) == "Sam: Hello Priya\n\nSam: I have looked at it.\n"
    assert mail["Subject"] == "Re: My order" and mail["In-Reply-To"] == first["Message-ID"]
    assert mail["References"].split() == ["<one@example.com>", first["Message-ID"]]
    assert mail["Auto-Submitted"] is None
    until(lambda: not waiting(office))


def test_an_agents_message_without_an_address_is_an_error(office):
    output = office.channel.get_output_channel()
    with pytest.raises(AddressUnknown):
        office.call(output.send_response("email-" + "0" * 32, {"text": "Hello"}))


IGNORED = {
    "out of office": {"Auto_Submitted": "auto-replied"},
    "newsletter": {"List_Id": "<news.example.com>", "Precedence": "bulk"},
    "bounce": {"mail_from": ""},
    "ourselves": {"From": US},
}


@pytest.mark.parametrize("options", IGNORED.values(), ids=IGNORED.keys())
def test_automatic_mails_and_our_own_are_not_answered(office, sink, options):
    write(office.port, "I am away", **options)
    write(office.port, "a person's")
    sink.wait()
    assert [message.text.endswith("a person's") for message in office.agent.received] == [True]


def test_other_addresses_and_big_mails_are_refused(var, sink):
    with post_office(var, sink.port, max_bytes=2000, addresses=f"{US}, help@northlight.example") as office:
        for to in ("boss@northlight.example", "care@evil.example", "nobody", "x" * 300 + "@northlight.example"):
            with pytest.raises((smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)) as refused:
                write(office.port, to=to)
            assert refused.value.recipients[to][0] in (550, 553)
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            write(office.port, "x" * 3000)
        assert refused.value.smtp_code == 552
        write(office.port, to="care+orders@northlight.example")
        write(office.port, to="HELP@northlight.example")
        sink.wait(2)


def test_too_many_recipients_and_no_sender_are_refused(office):
    assert len(write(office.port, to=[f"care+{n}@northlight.example" for n in range(12)])) == 2
    with pytest.raises(smtplib.SMTPDataError) as refused:
        write(office.port, From="")
    assert refused.value.smtp_code == 554


def test_a_flood_from_one_address_is_put_off(office, sink, monkeypatch):
    office.channel.post.listener._rate._messages = 2
    write(office.port)
    write(office.port)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        write(office.port)
    assert refused.value.smtp_code == 450
    write(office.port, sender="tom@example.com")
    sink.wait(3)


def test_a_sender_must_be_proven_where_a_server_in_front_checks(var, sink):
    with post_office(var, sink.port, authserv_id="mx.northlight.example") as office:
        for header in ("", "mx.northlight.example; dmarc=fail", "evil.example; dmarc=pass"):
            with pytest.raises(smtplib.SMTPDataError) as refused:
                write(office.port, Authentication_Results=header)
            assert refused.value.smtp_code == 550
        genuine = "mx.northlight.example; dmarc=pass header.from=example.com"
        write(office.port, Authentication_Results=genuine)
        write(office.port, "again", Authentication_Results=genuine)
        sink.wait(2)
        assert len(office.agent.received) == 2 and office.agent.begun == []


def test_lmtp_answers_for_each_recipient(var, sink):
    with post_office(var, sink.port, protocol="lmtp") as office:
        with socket.create_connection(("127.0.0.1", office.port), 10) as wire:
            lines = wire.makefile("rwb", buffering=0)
            lines.readline()
            for command in (
                "LHLO mx",
                f"MAIL FROM:<{PRIYA}>",
                f"RCPT TO:<{US}>",
                "RCPT TO:<care+a@northlight.example>",
            ):
                lines.write(f"{command}\r\n".encode())
                while lines.readline()[3:4] == b"-":
                    pass
            lines.write(b"DATA\r\n")
            assert lines.readline().startswith(b"354")
            lines.write(f"From: {PRIYA}\r\n\r\nhello\r\n.\r\n".encode())
            assert [lines.readline()[:3], lines.readline()[:3]] == [b"250", b"250"]
            lines.write(b"QUIT\r\n")
            assert lines.readline().startswith(b"221")
        sink.wait()
        write(office.port, "by smtplib", kind=smtplib.LMTP)
        sink.wait(2)
        with pytest.raises(smtplib.SMTPException):
            write(office.port)


def test_no_more_than_so_many_connections(office, monkeypatch):
    monkeypatch.setattr(listener, "MAX_CONNECTIONS", 2)
    with socket.create_connection(("127.0.0.1", office.port), 10) as one:
        assert one.recv(100).startswith(b"220")
        with socket.create_connection(("127.0.0.1", office.port), 10) as two:
            assert two.recv(100).startswith(b"220")
            with socket.create_connection(("127.0.0.1", office.port), 10) as three:
                assert three.recv(100).startswith(b"421")
    until(lambda: not office.channel.post.listener._connections)
    write(office.port)


def test_a_delivery_is_tried_again(office, sink):
    sink.answers = ["451 later", "421 later"]
    write(office.port)
    sink.wait()
    assert sink.tries == 3
    until(lambda: not waiting(office))


@pytest.mark.parametrize("answers", [["550 no"], ["451 later"] * 3], ids=["refused", "never taken"])
def test_a_mail_that_cannot_be_delivered_is_kept_logged_and_told_to_the_desk(office, sink, answers, caplog):
    sink.answers = list(answers)
    with caplog.at_level(logging.INFO):
        write(office.port, "my secret words")
        until(lambda: list((office.folder / "failed").iterdir()))
        notices = []
        until(lambda: notices.extend(_notices(office)) or notices)
    assert "did not reach the customer" in notices[0].text and notices[0].metadata["notice"] == "undelivered"
    assert "given up" in caplog.text
    assert PRIYA not in caplog.text and "secret words" not in caplog.text
    assert sink.mails == []


def _notices(office):
    tracker = office.call(office.agent.tracker_store.retrieve(conversation_of("email", PRIYA)))
    return [event for event in tracker.events if getattr(event, "metadata", {}).get("author") == "system"]


def test_what_waits_is_sent_by_the_next_process(var, sink):
    agent = Agent()
    sink.stop()
    with post_office(var, sink.port, agent, waits=(60,)) as office:
        write(office.port)
        until(lambda: list((office.folder / "outbox").iterdir()) and not list((office.folder / "inbox").iterdir()))
    sink.start()
    with post_office(var, sink.port, agent):
        sink.wait()


def test_a_mail_that_was_taken_is_answered_by_the_next_process(var, sink, monkeypatch):
    monkeypatch.setattr("assistant.channels.email.FINISH_SECONDS", 0.1)
    agent = Agent()
    agent.hold = asyncio.Event()
    with post_office(var, sink.port, agent) as office:
        write(office.port, Message_ID="<one@example.com>")
        until(lambda: agent.received)
        assert list((office.folder / "inbox").iterdir())
    agent.hold = None
    with post_office(var, sink.port, agent) as office:
        sink.wait()
        assert agent.received[0].message_id == agent.received[1].message_id
        until(lambda: not waiting(office))


def test_files_hold_no_words_and_die_with_the_conversation(var, sink):
    agent = Agent()
    with post_office(var, sink.port, agent, waits=(60,)) as office:
        sink.answers = ["451 later"]
        write(office.port, "the secret words", Subject="the secret subject")
        until(lambda: sink.tries == 1)
        kept = [path for path in office.folder.rglob("*") if path.is_file()]
        assert len(kept) == 3  # the lock, the thread and the mail
        held = b"".join(path.read_bytes() + path.name.encode() for path in kept)
        assert b"secret" not in held and b"priya" not in held
        assert all(path.stat().st_mode & 0o077 == 0 for path in kept if path.name != "lock")
    shared_vault().forget(conversation_of("email", PRIYA))
    with post_office(var, sink.port, agent) as office:
        until(lambda: not waiting(office))
    assert sink.mails == []


def test_one_process_of_several_takes_the_mails(var, sink):
    with post_office(var, sink.port) as first, post_office(var, sink.port) as second:
        assert first.port and not second.port
        write(first.port)
        sink.wait()
        output = second.channel.get_output_channel()
        office_message = {"text": "Hello", "author": "agent"}
        second.call(output.send_response(conversation_of("email", PRIYA), office_message))
        assert "Hello" in text_of(sink.wait(2)[1])


def test_headers_cannot_be_injected(office, sink):
    write(office.port, Subject="=?utf-8?q?x=0D=0ABcc=3A_all=40example.com?=")
    (mail,) = sink.wait()
    assert mail["Bcc"] is None and sink.envelopes[0][1] == [PRIYA]


def test_a_busy_disk_is_a_later_try(office, monkeypatch):
    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(office.channel.post._files, "add", fail)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        write(office.port)
    assert refused.value.smtp_code == 451


def test_an_answer_that_finds_the_disk_full_is_sent_later(office, sink, monkeypatch):
    monkeypatch.setattr("assistant.channels.email.AGAIN_AFTER", (0.1, 0.1, 0.1))
    add, fails = office.channel.post._files.add, [OSError("no space left")] * 2

    def sometimes(box, *rest):
        if box == "outbox" and fails:
            raise fails.pop()
        return add(box, *rest)

    monkeypatch.setattr(office.channel.post._files, "add", sometimes)
    write(office.port)
    sink.wait()
    assert len(office.agent.received) == 1
    until(lambda: not waiting(office))


def test_a_turn_that_cannot_begin_is_tried_again(office, sink, monkeypatch):
    monkeypatch.setattr("assistant.channels.email.AGAIN_AFTER", (0.1, 0.1, 0.1))
    keep, fails = office.channel.post._files.keep_thread, [OSError("no space left")]

    def sometimes(*thread):
        if fails:
            raise fails.pop()
        keep(*thread)

    monkeypatch.setattr(office.channel.post._files, "keep_thread", sometimes)
    write(office.port)
    sink.wait()
    assert len(office.agent.received) == 1


SETTINGS = {
    "no sender": {"from": ""},
    "bad sender": {"from": "Northlight"},
    "no server": {"smtp_host": ""},
    "bad port": {"smtp_port": "many"},
    "bad protocol": {"protocol": "pop3"},
    "bad addresses": {"addresses": "care@northlight.example,,"},
}


@pytest.mark.parametrize("wrong", SETTINGS.values(), ids=SETTINGS.keys())
def test_settings_that_cannot_be_used_are_said(var, wrong):
    block = {"from": US, "smtp_host": "127.0.0.1"} | wrong
    with pytest.raises(settings.SettingMissing, match="EMAIL_"):
        settings.read(block)


def test_settings_come_from_the_environment(var, environment):
    for name, value in {"FROM": f"Northlight <{US}>", "SMTP_HOST": "mx", "LISTEN_PORT": "2525"}.items():
        environment.setenv(f"EMAIL_{name}", value)
    read = settings.read(None)
    assert (read.address, read.smtp_host, read.listen_port, read.listen_host) == (US, "mx", 2525, "127.0.0.1")
