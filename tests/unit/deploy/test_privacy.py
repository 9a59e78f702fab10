"""The launcher of `make erase`, `make export` and `make retention`: order, reports, and what it does about failures.

The services' own commands are tested with their own stores; here scripts of ours stand in for their environments, and
write down what they were asked.
"""

from __future__ import annotations

import json
import stat
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from deploy.local import privacy
from deploy.local.privacy import Services, erase, main, retention
from deploy.local.privacy_search import holding

FOUND = {
    "accounts": ["NA204518"],
    "conversations": ["web-1"],
    "values": ["marked@example.com"],
    "names": ["Marked Person"],
}
LINE = {"store": "desk.db", "kind": "messages", "erased": 3, "kept": 0, "why": ""}
TALK = {
    "conversation": "web-1",
    "channel": "webchat",
    "last activity": "2026-11-22T15:00:00+00:00",
    "messages": [{"at": "2026-11-22T15:00:00+00:00", "from": "you", "text": "Hello Zoë"}],
    "handover": None,
    "notes": [{"at": "2026-11-22T15:05:00+00:00", "kind": "note", "text": "Kind"}],
    "call-backs and tasks": [],
    "wrap-ups": [],
}
SMS = {
    "conversation": "sms-2",
    "address": "+447700900123",
    "values": [],
    "events": [
        {"event": "action", "timestamp": 1.0, "name": "action_listen"},
        {"event": "user", "timestamp": 60.0, "text": "Hi", "input_channel": "sms"},
        {"event": "bot", "timestamp": 61.0, "text": "Hello"},
    ],
}
ANSWERS = {
    "actions find": FOUND,
    "assistant find": {"conversations": ["sms-2", "web-1"]},
    "assistant erase": {"conversations": 2, "tracker_events": 3, "vault_keys": 1, "old_bytes_gone": True},
    "desk erase": {"lines": [LINE], "left": []},
    "actions erase": {"lines": [LINE | {"store": "backend.db", "erased": 0, "kept": 2, "why": "by law"}], "left": []},
    "actions export": {"contacts": [{"name": "Marked Person"}]},
    "desk export": {"conversations": [TALK]},
    "actions rules": {"desk": 365, "audit": 1095, "conversations": 365, "events": 30},
    "assistant export": {"conversations": [{"conversation": "web-1", "events": []}, SMS]},
    "assistant purge": {"conversations": 0, "old_bytes_gone": True},
    "actions retention": {"lines": [], "left": []},
    "desk retention": {"lines": [LINE], "left": []},
}
SCRIPT = """#!/bin/sh
printf '%s|' "$@" >> {log}; cat >> {log}; echo >> {log}
file="{answers}/${{2%.privacy}} $3"
if [ -f "$file.sentence" ]; then cat "$file.sentence" >&2; exit 2; fi
cat "$file"
[ "$2" = assistant.privacy ] && exit 0
grep -q '"left": \\[\\]' "$file" || case "$3" in erase|retention) exit 1;; esac
"""


@pytest.fixture
def scripted(tmp_path, monkeypatch):
    """A folder with the answers that the services give; they can be changed."""
    answers = tmp_path / "answers"
    answers.mkdir()
    for name, answer in ANSWERS.items():
        (answers / name).write_text(json.dumps(answer))
    program = tmp_path / "python"
    program.write_text(SCRIPT.format(log=tmp_path / "asked.log", answers=answers))
    program.chmod(0o755)
    monkeypatch.setattr(privacy, "SERVICES", dict.fromkeys(privacy.SERVICES, program))
    monkeypatch.setenv("TANDEM_VAR", str(tmp_path / "var"))
    monkeypatch.delenv("PERSON", raising=False)
    (tmp_path / "var").mkdir()
    (tmp_path / "var/desk.db").write_bytes(b"nothing")
    return answers


def asked(scripted: Path) -> list[tuple[str, list[str], dict]]:
    """The calls: service and command, further arguments, standard input."""
    calls = []
    for line in (scripted.parent / "asked.log").read_text().splitlines():
        _, service, command, *arguments, given = line.split("|")
        calls.append((f"{service.removesuffix('.privacy')} {command}", arguments, json.loads(given)))
    return calls


def test_a_person_is_looked_for_everywhere_and_the_directory_goes_last(scripted, capsys):
    assert main(["erase", "NA204518"]) == 0
    calls = asked(scripted)
    theirs = FOUND | {"conversations": ["sms-2", "web-1"]}
    assert calls == [
        ("actions find", [], {"person": "NA204518"}),
        ("assistant find", ["--value", "NA204518"], {}),
        ("assistant find", ["--value", "marked@example.com"], {}),
        ("assistant erase", ["sms-2", "web-1"], {}),
        ("desk erase", [], theirs),
        ("actions erase", [], theirs),
    ]
    printed = capsys.readouterr().out
    assert "desk.db: messages" in printed and "3 erased" in printed and "2 kept (by law)" in printed
    assert "nothing of the person is left" in printed and "marked@example.com" not in printed


def test_a_service_that_fails_is_left_to_do_and_the_directory_stays(scripted, capsys):
    (scripted / "desk erase.sentence").write_text("The desk's database cannot be used: check DESK_DATABASE_URL.\n")
    assert main(["erase", "NA204518"]) == 1
    assert "actions erase" not in [name for name, *_ in asked(scripted)]
    printed = capsys.readouterr().out
    assert "LEFT TO DO: The desk has erased nothing: The desk's database cannot be used" in printed
    assert "The action server still knows the person" in printed and "nothing of the person is left" not in printed
    (scripted / "desk erase.sentence").unlink()
    assert main(["erase", "NA204518"]) == 0


def test_what_a_service_leaves_to_do_is_said(scripted, capsys):
    (scripted / "desk erase").write_text(json.dumps({"lines": [], "left": ["desk.db is read all the time."]}))
    assert main(["erase", "NA204518", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["left"] == ["desk.db is read all the time."] and len(report["lines"]) == 3


def test_what_is_found_afterwards_is_said_with_its_file(scripted, capsys):
    log = scripted.parent / "var/log"
    log.mkdir()
    (log / "actions.log").write_text("sent to MARKED@example.com")
    assert main(["erase", "NA204518"]) == 1
    assert "LEFT TO DO: log/actions.log still holds 1 of what names the person." in capsys.readouterr().out


@pytest.mark.parametrize("who", ["", "  "])
def test_nobody_is_erased_without_a_name(scripted, capsys, who):
    assert main(["erase", who]) == 2
    assert capsys.readouterr().err.startswith("Say whom: PERSON=")
    assert not (scripted.parent / "asked.log").exists()


def test_the_name_may_stand_in_the_environment(scripted, monkeypatch):
    monkeypatch.setenv("PERSON", "NA204518")
    assert main(["erase"]) == 0
    assert asked(scripted)[0] == ("actions find", [], {"person": "NA204518"})


def test_who_cannot_be_found_ends_it_with_the_services_own_sentence(scripted, capsys):
    (scripted / "actions find.sentence").write_text("This address belongs to NA1 and NA2: give the number instead.\n")
    assert main(["erase", "a@example.com"]) == 2
    assert capsys.readouterr().err == "This address belongs to NA1 and NA2: give the number instead.\n"


def test_retention_gives_the_days_of_the_policy_to_all(scripted, capsys):
    assert main(["retention", "--dry-run"]) == 0
    calls = {name: (arguments, given) for name, arguments, given in asked(scripted)[1:]}
    wanted = {"days": ANSWERS["actions rules"], "dry_run": True}
    assert calls["actions retention"] == calls["desk retention"] == ([], wanted)
    before, since, events, events_since, dry = calls["assistant purge"][0]
    assert (before, events, dry) == ("--before", "--events-before", "--dry-run")
    assert datetime.fromisoformat(events_since) - datetime.fromisoformat(since) == timedelta(days=335)
    assert capsys.readouterr().out.startswith("Would be deleted:\n")


def test_retention_goes_on_after_a_failure(scripted, tmp_path):
    (scripted / "assistant purge.sentence").write_text("The conversations cannot be read.\n")
    report = retention(Services(tmp_path / "var"), dry_run=False)
    assert len(report.lines) == 1
    [sentence] = report.left
    assert sentence.startswith("The assistant has deleted nothing: The conversations cannot be read.")


def test_a_command_that_does_not_exist_is_one_sentence(scripted, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(privacy, "SERVICES", dict.fromkeys(privacy.SERVICES, tmp_path / "missing"))
    assert main(["retention"]) == 2
    assert capsys.readouterr().err == "`python -m actions.privacy` did not work (FileNotFoundError).\n"


def test_the_export_is_a_zip_that_a_person_can_read(scripted, tmp_path, capsys):
    to = tmp_path / "out/person.zip"
    assert main(["export", "NA204518", "--to", str(to)]) == 0
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    with zipfile.ZipFile(to) as archive:
        assert sorted(archive.namelist()) == [
            "README.txt",
            "account.json",
            "conversations.json",
            "conversations/001.txt",
            "conversations/002.txt",
        ]
        assert (
            "1970-01-01 00:01  you: Hi\n1970-01-01 00:01  assistant: Hello"
            in archive.read("conversations/002.txt").decode()
        )
        text = archive.read("conversations/001.txt").decode()
        assert json.loads(archive.read("account.json")) == {"contacts": [{"name": "Marked Person"}]}
    assert "2026-11-22 15:00  you: Hello Zoë" in text and "2026-11-22 15:05  note, Kind" in text
    assert "2 conversations" in capsys.readouterr().out


def test_the_export_is_json_where_that_is_asked_for(scripted, tmp_path):
    to = tmp_path / "person.json"
    assert main(["export", "NA204518", "--to", str(to)]) == 0
    assert json.loads(to.read_text())["conversations"][0] == TALK


def test_an_export_without_its_values_says_what_is_missing(scripted, tmp_path, capsys):
    (scripted / "desk export").write_text(json.dumps({"conversations": [], "left": ["The vault cannot be read."]}))
    assert main(["export", "NA204518", "--to", str(tmp_path / "x.zip")]) == 1
    assert "MISSING: The vault cannot be read." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "mark"),
    [
        (b"sent to marked@EXAMPLE.com today", "Marked@example.com"),
        (json.dumps("Zoë Marked").encode(), "Zoë Marked"),
        ("Zoë Marked".encode(), "Zoë Marked"),
        (b"call 07700900123 back", "07700 900123"),
        (b"\x00\xff" * 5_000_000 + b"Marked Person" + b"\x00" * 10, "Marked Person"),
    ],
)
def test_the_search_reads_every_byte(tmp_path, content, mark):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/store.db").write_bytes(content)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/one.tar.gz").write_bytes(content)
    (tmp_path / "empty").touch()
    assert holding(tmp_path, [mark]) == ({"deep/store.db": 1}, 2)
    assert holding(tmp_path, ["not in there"])[0] == {}


def test_a_mark_across_two_pieces_is_found(tmp_path, monkeypatch):
    from deploy.local import privacy_search

    monkeypatch.setattr(privacy_search, "CHUNK", 8)
    (tmp_path / "store.db").write_bytes(b"abcdefMarked Personxyz")
    assert holding(tmp_path, ["Marked Person"])[0] == {"store.db": 1}


def test_erase_takes_a_conversation_of_which_only_the_assistant_knows(scripted, tmp_path):
    (scripted / "actions find").write_text(json.dumps({"accounts": [], "conversations": [], "values": [], "names": []}))
    report = erase(Services(tmp_path / "var"), "nobody@example.com", tmp_path / "var")
    assert report.left == []
    assert asked(scripted)[1:3] == [
        ("assistant find", ["--value", "nobody@example.com"], {}),
        ("assistant erase", ["sms-2", "web-1"], {}),
    ]


def test_files_of_the_assistant_that_were_too_busy_are_left_to_do(scripted, capsys):
    (scripted / "assistant erase").write_text(json.dumps({"tracker_events": 3, "old_bytes_gone": False}))
    assert main(["erase", "NA204518"]) == 1
    assert "LEFT TO DO: The assistant's files were too busy" in capsys.readouterr().out
