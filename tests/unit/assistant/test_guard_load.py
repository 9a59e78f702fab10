"""More customers at once than the assistant can serve, over real sockets, with turns that take their time."""

import asyncio
import os

import httpx
import psutil

from assistant.channels import sentences, turns
from tests.unit.assistant.test_rest import HEADERS

CUSTOMERS = 400
TURN_SECONDS = 0.3
MAX_GROWTH = 64 * 2**20  # bytes, of server and clients together


def figures(server):
    answer = httpx.get(f"{server.url}/webhooks/rest/health/guard", headers=HEADERS, timeout=10)
    return answer.json()["turns"]


def test_the_figures_need_the_token(server):
    url = f"{server.url}/webhooks/rest/health/guard"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert set(httpx.get(url, headers=HEADERS).json()) == {"turns", "action_server"}


def test_under_load_the_queue_and_the_memory_are_bounded_and_nobody_is_left_without_a_word(server):
    running, most_running = 0, 0

    async def slow(_):
        nonlocal running, most_running
        running += 1
        most_running = max(most_running, running)
        await asyncio.sleep(TURN_SECONDS)
        running -= 1

    async def write(client, number):
        body = {"sender": f"load{number}", "message": f"{number} " + "x" * 900}
        answer = await client.post(f"{server.url}/webhooks/rest/webhook", json=body, headers=HEADERS)
        return number, [message["text"] for message in answer.json()]

    async def everybody():
        limits = httpx.Limits(max_connections=CUSTOMERS)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:
            return await asyncio.gather(*(write(client, number) for number in range(CUSTOMERS)))

    server.agent.writing = slow
    before, memory = figures(server), psutil.Process(os.getpid()).memory_info().rss
    answers = asyncio.run(everybody())
    after, growth = figures(server), psutil.Process(os.getpid()).memory_info().rss - memory

    answered = [number for number, said in answers if said[-1].startswith(f"You said {number} ")]
    refused = [number for number, said in answers if said == [sentences.FULL]]
    assert len(answered) + len(refused) == CUSTOMERS, "nobody is left without a word"
    assert len(answered) == len(server.agent.received) == after["done"] - before["done"]
    assert len(refused) == after["refused"] - before["refused"] > 0
    assert len(answered) >= turns.RUNNING + turns.WAITING
    assert most_running <= turns.RUNNING
    assert after["most_waiting"] <= turns.WAITING
    assert (after["running"], after["waiting"]) == (0, 0)
    assert growth < MAX_GROWTH
