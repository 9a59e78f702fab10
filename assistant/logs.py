"""Logs without customers' words."""

from __future__ import annotations

import logging

# Rasa's loggers that print exceptions of a turn.
LOGGERS = (
    "asyncio",
    "rasa.core.actions.action",
    "rasa.core.agent",
    "rasa.core.channels.rest",
    "rasa.core.processor",
    "rasa.core.tracker_store",
)


def keep_customers_words_out() -> None:
    """Takes the tracebacks out of Rasa's logs; calling it again changes nothing."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(present, WithoutDetails) for present in logger.filters):
            logger.addFilter(WithoutDetails())


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
