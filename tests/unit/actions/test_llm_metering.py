"""What a language model has cost: counted or estimated, by conversation and by day, without any text."""

import asyncio
import json
from pathlib import Path

import llm_fixtures
import pytest
from llm_fixtures import Configure
from rasa_sdk import Action

from actions import metering
from actions.executor import SafeExecutor
from actions.llm import ModelUnavailable
from actions.logs import conversation_ref
from tests.model_server import ModelServer, Reply

server = llm_fixtures.server
configured = llm_fixtures.configured

PRICES = {"price_per_million_input": 1.0, "price_per_million_output": 10.0}


def lines() -> list[dict]:
    return [json.loads(line) for line in metering.usage_file().read_text().splitlines()]


def test_the_provider_s_counts_are_used(server: ModelServer, configured: Configure) -> None:
    server.script = [Reply("Some text.", usage=(1000, 200))]
    with metering.in_conversation("counted"):
        configured(**PRICES).complete("system", "user")
    (line,) = lines()
    assert (line["conversation"], line["input"], line["output"]) == ("counted", 1000, 200)
    assert line["cost"] == pytest.approx(0.003) and line["estimated"] is False
    assert metering.spent("counted") == metering.Usage(1, 1000, 200, line["cost"], 0)


def test_without_counts_there_is_an_estimate_that_says_so(server: ModelServer, configured: Configure) -> None:
    server.script = [Reply("x" * 400)]
    configured(**PRICES).complete("s" * 100, "u" * 300)
    (line,) = lines()
    assert (line["input"], line["output"], line["estimated"]) == (100, 100, True)


def test_a_call_that_was_cut_off_counts_and_a_refused_one_does_not(server: ModelServer, configured: Configure) -> None:
    model = configured(timeout_seconds=0.5, retries=0)
    server.script = [Reply("Some text.", drip=5, usage=(10, 10)), Reply(status=500)]
    for _ in range(2):
        with pytest.raises(ModelUnavailable):
            model.complete("system", "user")
    (line,) = lines()
    assert line["outcome"] == "timed_out" and line["estimated"] is True


def test_no_text_is_written_down(server: ModelServer, configured: Configure, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    server.script = [Reply("My reply names Priya.")]
    configured().complete("A prompt", "I am Priya")
    written = metering.usage_file().read_text() + " ".join(str(vars(r)) for r in caplog.records)
    assert "Priya" not in written and "prompt" not in written


def test_an_action_s_calls_belong_to_its_conversation(server: ModelServer, configured: Configure) -> None:
    model = configured()

    class ActionWrites(Action):
        def name(self) -> str:
            return "action_writes"

        async def run(self, dispatcher, tracker, domain):  # type: ignore[no-untyped-def]
            dispatcher.utter_message(text=model.complete("system", "user"))
            return []

    server.reply = "A text."
    executor = SafeExecutor(5)
    executor.register_action(ActionWrites)
    tracker = {"sender_id": "someone", "slots": {}, "events": [], "latest_message": {}, "paused": False}
    asyncio.run(executor.run({"next_action": "action_writes", "tracker": tracker, "domain": {}}))
    executor.shut_down()
    assert lines()[0]["conversation"] == conversation_ref("someone")


def test_a_file_that_cannot_be_written_costs_no_answer(
    server: ModelServer, configured: Configure, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "llm-usage.jsonl").mkdir()
    server.reply = "A text."
    assert configured().complete("system", "user") == "A text."
    assert [r for r in caplog.records if r.message == "llm_usage_not_kept"]


def test_the_report_adds_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TANDEM_VAR", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["metering"])
    assert metering.main() == 0
    assert "No call" in capsys.readouterr().out
    call = {"conversation": "aa", "model": "m", "input": 10, "output": 2, "estimated": False, "cost": 0.5, "ms": 3}
    written = [call | {"at": f"2026-11-{day}T10:00:00+00:00"} for day in (22, 22, 23)]
    written[2] |= {"conversation": "bb", "estimated": True, "cost": 2}
    text = "\n".join(json.dumps(line) for line in written) + '\n{"at": "2026-11-2'
    (tmp_path / "llm-usage.jsonl").write_text(text)
    assert metering.main() == 0
    out = capsys.readouterr().out
    assert "| 2026-11-22 | 2 | 20 | 4 | 0 | 1.0000 |" in out
    assert "| 2026-11-23 | 1 | 10 | 2 | 1 | 2.0000 |" in out
    assert out.index("| bb | 1 | 10 | 2 | 1 | 2.0000 |") < out.index("| aa | 2 | 20 | 4 | 0 | 1.0000 |")
