"""One line a log record: `time level logger event key=value ...`, to standard output.

What a customer wrote or who they are never goes into a log: pass conversation ids through `conversation_ref`
and free text through `fingerprint`.
"""

import hashlib
import json
import logging
import sys
import time
import traceback
from types import TracebackType
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


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
    return " > ".join(f"{'/'.join(f.filename.split('/')[-2:])}:{f.lineno}:{f.name}" for f in frames)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    text = str(value)
    plain = text and all(c.isprintable() and c not in ' "=' for c in text)
    return text if plain else json.dumps(text, ensure_ascii=False)


class LineFormatter(logging.Formatter):
    """Formats a record and its `extra` fields as one line; an exception as its types and frames only."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields = {k: v for k, v in vars(record).items() if k not in _STANDARD and not k.startswith("_")}
        if record.exc_info and record.exc_info[1]:
            fields["stack"] = stack_of(record.exc_info[1])
        message = record.getMessage()
        event = message if message.isidentifier() else _value(message)
        parts = [f"{stamp}.{int(record.msecs):03d}Z", record.levelname, record.name, f"event={event}"]
        return " ".join(parts + [f"{key}={_value(value)}" for key, value in fields.items()])


def configure(level: int = logging.INFO) -> None:
    """Send every log record to standard output, one line each; libraries only from WARNING up."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter())
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("actions").setLevel(level)


def get_logger(name: str) -> logging.Logger:
    """The logger `name` under `actions`; give fields by `extra={"key": value}`."""
    return logging.getLogger(name if name == "actions" or name.startswith("actions.") else f"actions.{name}")
