"""What a log line holds: the words of the source code, no value that could be somebody's."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from common.logs import JSONFormatter, LineFormatter, LogSettingWrong, configure, conversation_ref
from deploy.local.environment import ROOT

NAME = "Priya Sharma"
library = logging.getLogger("some.library")
ours = logging.getLogger("assistant.channels.some")
desk = logging.getLogger("desk.some")


def line(caplog) -> str:
    return LineFormatter().format(caplog.records[-1])


@pytest.mark.parametrize(
    ("call", "event"),
    [
        (lambda: library.warning(f"The turn of {NAME} has {len(NAME)} letters."), "The turn of … has … letters."),
        (
            lambda: library.warning("The turn of %s took %d ms (%s).", NAME, 12, "ValueError"),
            "The turn of … took 12 ms (ValueError).",
        ),
        (lambda: library.warning("The turn of " + NAME), "The turn of …"),
        (lambda: library.warning("The turn of {}".format(NAME)), "The turn of {}"),  # noqa: UP032
        (lambda: library.log(30, "From %(x)s", {"x": NAME}), "From %(x)s"),
        (lambda: library.warning(NAME), "record"),
        (lambda: library.warning("100 %"), "100 %"),
    ],
)
def test_of_a_library_only_the_words_of_its_source_are_said(caplog, call, event):
    call()
    said = line(caplog)
    assert f'event="{event}"' in said or f"event={event} " in said
    assert "Priya" not in said and "test_log_lines.py:" in said


def test_a_channel_names_conversations_by_their_stand_in(caplog):
    ours.error("A turn of %s failed: %s.", "priya@example.com", "KeyError")
    assert f"A turn of {conversation_ref('priya@example.com')} failed: KeyError." in line(caplog)


def test_ids_that_slip_into_our_own_lines_become_stand_ins(caplog):
    session = "0123456789abcdef" * 2
    for sender in (session, f"slack-{session}"):
        desk.warning("Left out %s", sender, extra={"where": f"/chat/{sender}/x"})
        assert session not in line(caplog) and line(caplog).count(conversation_ref(sender)) == 2


def test_an_exception_is_its_kind_and_places_in_every_line(caplog):
    for logger in (library, ours, desk):
        try:
            raise ValueError(NAME)
        except ValueError:
            logger.exception("failed")
        assert "ValueError[" in line(caplog) and "test_log_lines.py" in line(caplog) and "Priya" not in line(caplog)


def test_fields_of_libraries_are_left_out_and_ours_are_kept(caplog):
    library.warning("request", extra={"url": f"/?name={NAME}"})
    assert "Priya" not in line(caplog)
    desk.warning("request", extra={"status": 404})
    assert line(caplog).endswith("desk.some event=request status=404")


def test_json_has_the_same_in_fields(caplog):
    desk.warning("two words", extra={"ms": 3, "note": 'a "quote"\nand more'})
    text = JSONFormatter("desk").format(caplog.records[-1])
    found = json.loads(text)
    assert "\n" not in text and found.pop("time").endswith("Z")
    assert found == {
        "level": "WARNING",
        "service": "desk",
        "logger": "desk.some",
        "event": "two words",
        "ms": 3,
        "note": 'a "quote"\nand more',
    }


@pytest.mark.parametrize("setting", ["LOG_FORMAT", "LOG_LEVEL", "LOG_LEVEL_LIBRARIES"])
def test_a_wrong_setting_is_one_sentence(setting):
    with pytest.raises(LogSettingWrong, match=f"{setting} is 'loud': set it to one of"):
        configure("desk", env={setting: "loud"})


UNCAUGHT = """
import asyncio, gc, sys, threading, warnings
from common import logs
logs.configure("desk")
class Broken:
    def __del__(self): raise ValueError("Priya")
Broken(); gc.collect()
def fail(): raise ValueError("Priya")
thread = threading.Thread(target=fail, name="Priya"); thread.start(); thread.join()
async def main(): asyncio.ensure_future(forgotten("Priya")); await asyncio.sleep(0.01)
async def forgotten(name): raise ValueError(name)
asyncio.run(main()); gc.collect()
warnings.warn("Priya")
fail()
"""


def test_uncaught_exceptions_and_warnings_hold_no_values_either():
    result = subprocess.run(
        [sys.executable, "-c", UNCAUGHT], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 1 and result.stderr == ""
    assert "Priya" not in result.stdout
    for event in ("uncaught", "uncaught_in_thread", "unraisable", "py.warnings", "asyncio"):
        assert event in result.stdout
    assert result.stdout.count("ValueError[") == 4
