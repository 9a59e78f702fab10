"""The action server's log: what `common.logs` says of a line, and where to get a logger.

What a customer wrote or who they are never goes into a log: pass conversation ids through `conversation_ref`
and free text through `fingerprint`.
"""

import logging

from common import logs
from common.logs import LogSettingWrong, conversation_ref, fingerprint, stack_of

__all__ = ["LogSettingWrong", "configure", "conversation_ref", "fingerprint", "get_logger", "stack_of"]


def configure() -> None:
    """Send every log record to standard output, one line each; libraries only from WARNING up.

    Raises LogSettingWrong.
    """
    logs.configure("actions")


def get_logger(name: str) -> logging.Logger:
    """The logger `name` under `actions`; give fields by `extra={"key": value}`."""
    return logging.getLogger(name if name == "actions" or name.startswith("actions.") else f"actions.{name}")
