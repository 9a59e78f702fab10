"""The help desk: the built-in one over HTTP, and another one in its place."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from desk_server import DeskServer

from actions.helpdesk import BuiltInDesk, Estimate, HelpDeskDown, helpdesk
from actions.settings import MissingSetting

AT = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


def call_back(text: str = "Asks about a bill", request: str = "r1") -> str:
    return helpdesk().callback("c1", "billing", AT, "07700 900123", text, request)


def test_an_estimate_names_queue_and_conversation(desk: DeskServer) -> None:
    desk.estimates["billing"] = {"waiting": 3, "position": 2, "wait_minutes": 6, "agents": 1, "open": True}
    assert helpdesk().estimate("billing", "c/1 x") == Estimate(3, 2, 6, 1, True)
    assert desk.asked == [{"queue": "billing", "conversation": "c/1 x"}]


def test_a_call_is_noted_once_for_a_request(desk: DeskServer) -> None:
    assert (call_back(), call_back(), call_back(request="r2")) == ("CB001", "CB001", "CB002")
    assert desk.calls["r1"] == {
        "conversation": "c1",
        "queue": "billing",
        "at": "2026-11-24T15:00:00+00:00",
        "phone": "07700 900123",
        "text": "Asks about a bill",
        "request": "r1",
    }


@pytest.mark.parametrize("found", [{"waiting": 1}, {}, [], "x"])
def test_an_answer_that_is_not_as_agreed_is_a_desk_that_is_down(desk: DeskServer, found: Any) -> None:
    desk.estimates["billing"] = found
    with pytest.raises(HelpDeskDown):
        helpdesk().estimate("billing", "c1")


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_an_error_tells_nothing_of_the_customer(desk: DeskServer, status: int) -> None:
    desk.status = status
    with pytest.raises(HelpDeskDown) as raised:
        call_back()
    assert "07700" not in str(raised.value) and "/api/callbacks" in str(raised.value)


def test_nobody_waits_for_a_slow_desk(desk: DeskServer) -> None:
    desk.delay = 3
    started = time.monotonic()
    with pytest.raises(HelpDeskDown):
        helpdesk().estimate("billing", "c1")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9"])
def test_a_desk_that_is_not_there(url: str) -> None:
    with pytest.raises(HelpDeskDown):
        BuiltInDesk(url, "t").estimate("billing", "c1")


class Elsewhere:
    """Another help desk, as an operator would write it."""

    name = "elsewhere"
    placed: list[dict[str, Any]] = []

    def estimate(self, queue: str, conversation: str) -> Estimate:
        return Estimate(0, 1, None, 1, True)

    def callback(self, conversation: str, queue: str, at: datetime, phone: str, text: str, request: str) -> str:
        return "E1"

    def place(self, conversation: str, packet: dict[str, Any]) -> None:
        self.placed.append(packet)


def test_another_help_desk_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELP_DESK", f"{__name__}:Elsewhere")
    assert helpdesk().name == "elsewhere" and call_back() == "E1"


@pytest.mark.parametrize("name", ["no.such.module:X", "json:NoSuchThing", "os:path", ".."])
def test_a_wrong_name_says_what_to_write(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HELP_DESK", name)
    with pytest.raises(MissingSetting, match="HELP_DESK must be desk or a class"):
        helpdesk()
