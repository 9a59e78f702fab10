"""The constant words of a log call, read from the source code that made it."""

from __future__ import annotations

import ast
from functools import lru_cache

_METHODS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log"})
_MAX_BYTES = 1_000_000


def words_at(path: str, line: int) -> str:
    """The message of the log call at this line of the file `path`, with `…` for what an f-string fills in.

    Empty when the message is a variable, or the source cannot be read.
    """
    calls = [call for call in _calls(path) if call[0] <= line <= call[1]]
    return min(calls, key=lambda call: call[1] - call[0])[2] if calls else ""


@lru_cache(maxsize=64)
def _calls(path: str) -> tuple[tuple[int, int, str], ...]:
    """First line, last line and words of each log call in a file."""
    try:
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read(_MAX_BYTES))
    except (OSError, SyntaxError, ValueError):
        return ()
    return tuple(
        (node.lineno, node.end_lineno or node.lineno, _words(node))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS
    )


def _words(call: ast.Call) -> str:
    """The first argument that is a text: `log` has a level before it, `structlog` and `msg=` have it by name."""
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg in ("msg", "event"))]
    return next((words for words in map(_text, given) if words), "")


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "…" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return f"{_text(node.left) or '…'}{_text(node.right) or '…'}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return _text(node.func.value)
    return ""
