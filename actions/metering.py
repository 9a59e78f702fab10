"""What language models cost: tokens and money of each call, by conversation and by day.

Each call that a provider may bill is one line of JSON in `llm-usage.jsonl` in the run-time folder, without any text:
time (UTC), conversation (its stand-in of the log), model, tokens, cost at the price of that moment, outcome.
`python -m actions.metering` adds them up.
"""

import argparse
import fcntl
import json
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from actions.llm_config import LLMConfig
from actions.logs import get_logger
from actions.settings import MissingSetting, var_dir

CHARACTERS = 4  # to a token, where the provider doesn't count: a rule of thumb for English
KEPT = 10_000  # conversations in memory
BILLED = ("ok", "timed_out", "abandoned", "empty")  # outcomes of calls that reached the model

log = get_logger(__name__)
_conversation: ContextVar[str] = ContextVar("conversation", default="")
_lock = threading.Lock()


@dataclass
class Usage:
    """Calls, tokens and cost; `estimated` calls have tokens that nobody counted."""

    calls: int = 0
    input: int = 0
    output: int = 0
    cost: float = 0.0
    estimated: int = 0

    def add(self, line: dict[str, Any]) -> None:
        """Add one call."""
        self.calls += 1
        self.input += int(line["input"])
        self.output += int(line["output"])
        self.cost += float(line["cost"])
        self.estimated += bool(line["estimated"])


_spent: OrderedDict[str, Usage] = OrderedDict()
_total = Usage()


@contextmanager
def in_conversation(reference: str) -> Iterator[None]:
    """Calls within belong to the conversation with this `logs.conversation_ref`."""
    token = _conversation.set(reference)
    try:
        yield
    finally:
        _conversation.reset(token)


def spent(reference: str) -> Usage:
    """What a conversation has used since the start of this process."""
    with _lock:
        return _spent.get(reference) or Usage()


def total() -> Usage:
    """What all conversations have used since the start of this process."""
    with _lock:
        return replace(_total)


class Call:
    """Counts one call: `add` each chunk of the reply, `end` it once."""

    def __init__(self, config: LLMConfig, messages: Iterable[tuple[str, str]]) -> None:
        self.text = ""
        self._config = config
        self._asked = sum(len(text) for _, text in messages)
        self._conversation = _conversation.get()
        self._counted = {"input": 0, "output": 0}
        self._started = time.monotonic()
        self._first: int | None = None
        self._ended = False

    def add(self, chunk: Any) -> None:
        """A piece of the reply (LangChain's AIMessageChunk); counts stand in the first, the last or both."""
        text = str(chunk.text)
        if text and self._first is None:
            self._first = self._ms()
        self.text += text
        usage = getattr(chunk, "usage_metadata", None) or {}
        self._counted["input"] += usage.get("input_tokens") or 0
        self._counted["output"] += usage.get("output_tokens") or 0

    def end(self, outcome: str) -> None:
        """Log the call and write its cost down; only the first call of this counts."""
        if self._ended:
            return
        self._ended = True
        fields: dict[str, Any] = {"outcome": outcome, "ms": self._ms(), "characters": len(self.text)}
        if self._first is not None:
            fields["first_ms"] = self._first
        if self._conversation:
            fields["conversation"] = self._conversation
        if outcome in BILLED or self.text:
            line = self._line(outcome)
            fields |= {name: line[name] for name in ("input", "output", "estimated", "cost")}
            _keep(line)
        log.log(20 if outcome in ("ok", "abandoned") else 30, "llm_call", extra=fields)

    def _line(self, outcome: str) -> dict[str, Any]:
        tokens = dict(self._counted)
        estimated = outcome != "ok" or not all(tokens.values())
        if estimated:  # a reply that was cut off has at most the counts of its beginning
            tokens["input"] = max(tokens["input"], -(-self._asked // CHARACTERS))
            tokens["output"] = max(tokens["output"], -(-len(self.text) // CHARACTERS))
        prices = self._config.price_per_million_input, self._config.price_per_million_output
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "conversation": self._conversation,
            "model": self._config.model,
            **tokens,
            "estimated": estimated,
            "cost": round((tokens["input"] * prices[0] + tokens["output"] * prices[1]) / 1e6, 8),
            "outcome": outcome,
            "ms": self._ms(),
        }

    def _ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)


def _keep(line: dict[str, Any]) -> None:
    """In memory and in the file; a file that cannot be written costs no answer."""
    with _lock:
        _spent.setdefault(line["conversation"], Usage()).add(line)
        _total.add(line)
        _spent.move_to_end(line["conversation"])
        while len(_spent) > KEPT:
            _spent.popitem(last=False)
        try:
            with usage_file().open("a", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # actions.privacy may be rewriting the file
                file.write(json.dumps(line) + "\n")
        except (OSError, MissingSetting) as error:
            log.error("llm_usage_not_kept", extra={"reason": type(error).__name__})


def usage_file() -> Path:
    """Where the calls are written down."""
    return var_dir() / "llm-usage.jsonl"


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The calls in a file; a line that was cut off by a crash is left out."""
    with path.open(encoding="utf-8") as file:
        for text in file:
            try:
                line = json.loads(text)
                Usage().add(line)
                yield {"at": str(line["at"]), "conversation": str(line["conversation"]), **line}
            except (ValueError, KeyError, TypeError):
                continue


def by(lines: Iterable[dict[str, Any]], key: str) -> dict[str, Usage]:
    """The usage by `day` or by `conversation`."""
    found: dict[str, Usage] = {}
    for line in lines:
        name = line["at"][:10] if key == "day" else line["conversation"] or "(none)"
        found.setdefault(name, Usage()).add(line)
    return found


def table(title: str, usage: dict[str, Usage]) -> str:
    """A Markdown table of usage."""
    head = f"| {title} | calls | input tokens | output tokens | calls with an estimate | cost |\n" + "|---" * 6 + "|"
    rows = [
        f"| {name} | {u.calls} | {u.input} | {u.output} | {u.estimated} | {u.cost:.4f} |" for name, u in usage.items()
    ]
    return "\n".join([head, *rows])


def main() -> int:
    """Print the usage per day and of the conversations that cost most; 2 when there is nothing to read."""
    parser = argparse.ArgumentParser(prog="python -m actions.metering", description="What the language model has cost.")
    parser.add_argument("--conversations", type=int, default=20, help="how many conversations to list (20)")
    options = parser.parse_args()
    try:
        lines = list(read(usage_file()))
    except FileNotFoundError:
        print("No call of a language model was written down yet.")
        return 0
    except (OSError, MissingSetting) as problem:
        print(problem, file=sys.stderr)
        return 2
    print(table("day (UTC)", dict(sorted(by(lines, "day").items()))), end="\n\n")
    most = sorted(by(lines, "conversation").items(), key=lambda item: (-item[1].cost, -item[1].input - item[1].output))
    print(table("conversation", dict(most[: options.conversations])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
