import logging
import os
import subprocess
import sys

from assistant.logs import LOGGERS, WithoutDetails, keep_customers_words_out


def test_the_kinds_of_errors_are_logged_and_their_texts_are_not(caplog):
    logger = logging.getLogger("test_logs")
    logger.addFilter(WithoutDetails())
    try:
        try:
            raise KeyError("my secret words")
        except KeyError as error:
            raise ValueError("more secret words") from error
    except ValueError:
        logger.exception("Action %s failed.", "action_balance")
    assert "Action action_balance failed. (ValueError from KeyError)" in caplog.text
    assert "secret" not in caplog.text


def test_other_records_pass(caplog):
    logger = logging.getLogger("test_logs_2")
    logger.addFilter(WithoutDetails())
    logger.error("50%% of %s", "it")
    assert "50% of it" in caplog.text


def test_rasas_loggers_get_one_filter_each():
    keep_customers_words_out()
    keep_customers_words_out()
    for name in LOGGERS:
        filters = logging.getLogger(name).filters
        assert [isinstance(present, WithoutDetails) for present in filters].count(True) == 1


LOUD = """
import structlog, logging
early = structlog.get_logger("rasa.early")
from assistant import logs
logs.configure()
logging.getLogger("rasa.core.processor").debug(f"Received {'Priya'}")
early.debug("processor.message.parse", text="Priya", parse_data={"x": "Priya"})
structlog.get_logger("rasa.x").warning("actions.failed", event_info=f"of {'Priya'}", reason="Priya")
try:
    raise ValueError("Priya")
except ValueError:
    early.exception("turn.failed", user_message="Priya")
"""


def test_structured_events_keep_their_names_alone(tmp_path):
    script = tmp_path / "loud.py"
    script.write_text(LOUD, encoding="utf-8")
    env = os.environ | {"LOG_LEVEL": "DEBUG", "PYTHONPATH": "."}
    output = subprocess.run([sys.executable, script], env=env, capture_output=True, text=True, check=True).stdout
    assert "Priya" not in output
    for event in ('event="Received …"', "event=processor.message.parse", "event=actions.failed", "event=turn.failed"):
        assert event in output
    assert "ValueError[" in output
