"""The assistant's log: Rasa's records, its structlog and its libraries, without customers' words."""

from __future__ import annotations

import logging
import os
from typing import Any

import structlog

from common import logs
from common.logs import LogSettingWrong

__all__ = ["LogSettingWrong", "configure", "keep_customers_words_out"]


def configure() -> None:
    """Every record of the process becomes one line of `common.logs`; by default from WARNING up.

    Raises LogSettingWrong.
    """
    os.environ.setdefault("LOG_LEVEL_LIBRARIES", "ERROR")  # as Rasa's own default
    logs.configure("assistant", "WARNING")
    level = logging.getLogger("assistant").level
    logging.getLogger("rasa").setLevel(level)
    logging.getLogger("common").setLevel(level)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.dev.set_exc_info, _without_values],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


def _without_values(_logger: Any, _method: str, event: structlog.typing.EventDict) -> tuple[tuple[str], dict[str, Any]]:
    """The name of a structured event and its exception; the values may be what a customer wrote."""
    return (str(event["event"]),), {"exc_info": event.get("exc_info")}


def keep_customers_words_out() -> None:
    """Takes tracebacks out of the records of whoever starts Rasa without `python -m assistant`.

    Calling it again changes nothing.
    """
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(present, WithoutDetails) for present in logger.filters):
            logger.addFilter(WithoutDetails())


# Rasa's loggers that print exceptions of a turn.
LOGGERS = (
    "asyncio",
    "rasa.core.actions.action",
    "rasa.core.agent",
    "rasa.core.channels.rest",
    "rasa.core.processor",
    "rasa.core.tracker_store",
)


class WithoutDetails(logging.Filter):
    """Replaces a traceback by the names of its exceptions.

    The text of an exception can hold a whole conversation: an action server's answer, a statement's values.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True: the record stays, its traceback goes."""
        if record.exc_info and record.exc_info[1]:
            record.msg = f"{record.getMessage()} ({_names(record.exc_info[1])})"
            record.args = None
        record.exc_info = None
        record.exc_text = None
        return True


def _names(error: BaseException | None) -> str:
    names: list[str] = []
    while error is not None and len(names) < 5:
        names.append(type(error).__name__)
        error = error.__cause__ or error.__context__
    return " from ".join(names)
