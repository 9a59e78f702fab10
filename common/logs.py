"""Log lines that hold nobody's words: `time level logger event=... key=value ...`, or JSON with LOG_FORMAT=json.

A service's own records are written with care: fixed words, and fields by `extra`. All others (Rasa, Sanic, SQLAlchemy,
httpx ...) may hold a customer's words in any of their values. Of these a line has the constant words of the source code
that logged it, with `…` for each value, and the place. Of an exception every line has the types and the places alone.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from common.source import words_at

FORMATS = ("plain", "json")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
OWN = ("actions", "desk", "common")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_EXCEPTION = re.compile(r"[A-Z]\w*(Error|Exception|Exit|Interrupt|Timeout|Refused|Missing|Unknown|Problem|Warning)")
_CONVERSATION = re.compile(r"\b(?:[a-z][a-z0-9_]*-)?[0-9a-f]{32}\b")


class LogSettingWrong(Exception):
    """LOG_FORMAT or LOG_LEVEL cannot be used; the text is one sentence that says what to do."""


def conversation_ref(conversation_id: str) -> str:
    """A short, stable stand-in for a conversation id (10 hex digits)."""
    return hashlib.sha256(conversation_id.encode("utf-8", "replace")).hexdigest()[:10]


def fingerprint(text: str) -> str:
    """A short, stable stand-in for any text that must not be logged (12 hex digits)."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def stack_of(error: BaseException) -> str:
    """Where `error` was raised, on one line and without its text, which may quote the customer's data."""
    links: list[str] = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        links.append(f"{type(cause).__name__}[{_frames(cause.__traceback__)}]")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return " caused by ".join(links)


def _frames(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)[-12:]
    return " > ".join(f"{_short(f.filename)}:{f.lineno}:{f.name}" for f in frames)


def _short(path: str) -> str:
    return "/".join(path.split("/")[-2:])


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What may be said of a record: `event` and its fields, in the order in which they are printed."""
    if record.name.split(".")[0] in OWN:
        fields = {"event": _without_ids(record.getMessage()), **_extra(record)}
    elif record.name.startswith("assistant"):
        fields = {"event": _filled(record, conversation_ref), **_extra(record)}
    else:
        place = f"{_short(record.pathname)}:{record.lineno}:{record.funcName}"
        fields = {"event": _filled(record, lambda _: "…") or "record", "place": place}
    if record.exc_info and record.exc_info[1]:
        fields["stack"] = stack_of(record.exc_info[1])
    return fields


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    found = {k: v for k, v in vars(record).items() if k not in _STANDARD and not k.startswith("_")}
    return {k: _without_ids(v) if isinstance(v, str) else v for k, v in found.items()}


def _without_ids(text: str) -> str:
    return _CONVERSATION.sub(lambda found: conversation_ref(found.group()), text)


def _filled(record: logging.LogRecord, stand_in: Any) -> str:
    """The words of the source code, with those of the values that cannot be anybody's: numbers and kinds of errors."""
    words = words_at(record.pathname, record.lineno)
    if words != record.msg or not record.args:
        return words
    if isinstance(record.args, Mapping):
        return words
    try:
        return words % tuple(_harmless(value, stand_in) for value in record.args)
    except (TypeError, ValueError):
        return words


def _harmless(value: object, stand_in: Any) -> object:
    if isinstance(value, int | float) or value is None:
        return value
    if isinstance(value, str) and _EXCEPTION.fullmatch(value):
        return value
    return stand_in(str(value))


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    text = str(value)
    plain = text and all(c.isprintable() and c not in ' "=' for c in text)
    return text if plain else json.dumps(text, ensure_ascii=False)


def _stamp(record: logging.LogRecord) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"


class LineFormatter(logging.Formatter):
    """A record as one readable line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = fields_of(record)
        parts = [_stamp(record), record.levelname, record.name]
        return " ".join(parts + [f"{key}={_value(value)}" for key, value in fields.items()])


class JSONFormatter(logging.Formatter):
    """A record as one JSON object with `time`, `level`, `service`, `logger`, `event` and its fields."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        head = {"time": _stamp(record), "level": record.levelname, "service": self._service, "logger": record.name}
        return json.dumps(head | fields_of(record), ensure_ascii=False, default=str)


def configure(service: str, level: str = "INFO", env: Mapping[str, str] = os.environ) -> None:
    """Send every record of the process to standard output, uncaught exceptions as well.

    LOG_LEVEL (default `level`) is for the service's own records, LOG_LEVEL_LIBRARIES (WARNING) for all others.
    Raises LogSettingWrong.
    """
    chosen = _choice(env, "LOG_FORMAT", "plain", FORMATS)
    own = _choice(env, "LOG_LEVEL", level, LEVELS)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JSONFormatter(service) if chosen == "json" else LineFormatter())
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_choice(env, "LOG_LEVEL_LIBRARIES", "WARNING", LEVELS))
    for name in (service, "common"):
        logging.getLogger(name).setLevel(own)
    _catch_the_uncaught(logging.getLogger("common.logs"))


def take_over() -> None:
    """Take the handlers of their own from all loggers: what libraries install prints whatever it is given."""
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def _choice(env: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    value = env.get(name, "").strip() or default
    found = next((choice for choice in choices if choice.lower() == value.lower()), None)
    if not found:
        raise LogSettingWrong(f"{name} is {value!r}: set it to one of {', '.join(choices)}.")
    return found


def _catch_the_uncaught(logger: logging.Logger) -> None:
    def process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        logger.critical("uncaught", exc_info=(kind, error, trace))

    def thread(found: threading.ExceptHookArgs) -> None:
        if found.exc_value and not isinstance(found.exc_value, SystemExit):
            logger.error("uncaught_in_thread", exc_info=found.exc_value)

    sys.excepthook = process
    threading.excepthook = thread
    sys.unraisablehook = lambda found: logger.error("unraisable", exc_info=found.exc_value or False)
