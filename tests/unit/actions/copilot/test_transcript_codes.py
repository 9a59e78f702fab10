import pytest

from actions.copilot.transcript import as_text, turns
from tests.unit.actions.chat_events import Event, bot, user


def asked(slot: str | None) -> Event:
    return {"event": "slot", "name": "requested_slot", "value": slot}


@pytest.mark.parametrize("answer", ["482915", "it's 482 915, thanks", "4-8-2-9-1-5"])
def test_no_summary_and_no_model_reads_a_one_time_code(answer: str) -> None:
    events = [user("change my email", "change_email"), asked("code"), bot("What is it?"), user(answer, "inform")]
    text = as_text(turns(events))
    assert "[code removed]" in text and "9" not in text


def test_other_answers_keep_their_numbers() -> None:
    events = [asked("code"), user("482915", "inform"), asked(None), user("I get 482915 kB", "inform")]
    assert "482915 kB" in as_text(turns(events))
