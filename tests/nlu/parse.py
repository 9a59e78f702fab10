"""What the trained assistant takes a message for: `python -m tests.nlu.parse where is my order`."""

from __future__ import annotations

import asyncio
import sys

from rasa.core.agent import Agent
from rasa.model import get_latest_model

RUNNERS_UP = 4


async def parse(text: str) -> list[str]:
    """The intent, the runners-up with their confidences, and the entities, a line each."""
    model = get_latest_model("var/models")
    if model is None:
        raise SystemExit("There is no trained model yet: run `make train` first.")
    parsed = await Agent.load(model).parse_message(text)
    ranking = [one for one in parsed["intent_ranking"] if one["name"] != parsed["intent"]["name"]]
    lines = [f"{one['confidence']:6.0%}  {one['name']}" for one in [parsed["intent"], *ranking[:RUNNERS_UP]]]
    return lines + [f"        {one['entity']}: {one['value']}" for one in parsed["entities"]]


def main() -> None:
    """Print it; exits with 2 without a message."""
    if not sys.argv[1:]:
        raise SystemExit('Say what to parse, for example: make parse TEXT="where is my order"')
    print("\n".join(asyncio.run(parse(" ".join(sys.argv[1:])))))


if __name__ == "__main__":
    main()
