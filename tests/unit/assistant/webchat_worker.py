"""One of several server processes of the web chat: `python -m tests.unit.assistant.webchat_worker REDIS_URL`.

Its first line on stdout is its address. Each line on stdin is a command, answered by a line: {"to", "text"} sends an
agent's reply, {"end": true} ends the turn of a customer's message "slow", whose id stands in a line of its own.
"""

import asyncio
import json
import sys

from assistant.channels.webchat import WebChatInput
from tests.unit.assistant.server import serving


def say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    channel = WebChatInput.from_credentials(
        {
            "desk_url": "http://localhost:8080",
            "redis_url": sys.argv[1],
            "actions_token": "from-the-actions",
            "token": "from-the-desk",
        }
    )
    done = asyncio.Event()

    async def writing(message):
        if message.text == "slow":
            say(message.message_id)
            await done.wait()

    async def end():
        done.set()

    with serving([channel]) as running:
        running.agent.writing = writing
        running.agent.answer = lambda m: {"text": f"You said {m.text}", "metadata": {"reply_id": m.message_id}}
        say(running.url)
        for line in sys.stdin:
            command = json.loads(line)
            if command.get("end"):
                running.call(end())
            else:
                running.call(channel.get_output_channel().send_response(command.pop("to"), command))
            say("done")


if __name__ == "__main__":
    main()
