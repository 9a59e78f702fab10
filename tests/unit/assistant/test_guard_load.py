"""More customers at once than the assistant can serve, over real sockets, with turns that take their time."""

import asyncio
import os

import httpx
import psutil

from assistant.channels import sentences, turns
from tests.unit.assistant.test_rest import HEADERS

CUSTOMERS = 240
AT_ONCE = 40
TURN_SECONDS = 0.05
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

    async def begin():
        return asyncio.Event()

    all_have_come = server.call(begin())

    async def slow(_):
        nonlocal running, most_running
        running += 1
        most_running = max(most_running, running)
        await all_have_come.wait()
        await asyncio.sleep(TURN_SECONDS)
        running -= 1

    async def write(client, number):
        body = {"sender": f"load{number}", "message": f"{number} " + "x" * 900}
        answer = await client.post(f"{server.url}/webhooks/rest/webhook", json=body, headers=HEADERS)
        return number, [message["text"] for message in answer.json()]

    async def everybody():
        limits = httpx.Limits(max_connections=CUSTOMERS + 1)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:
            tasks = []
            for number in range(CUSTOMERS):
                tasks.append(asyncio.ensure_future(write(client, number)))
                if len(tasks) % AT_ONCE == 0:  # more connections at once than the socket takes are the network's matter
                    await has_come(client, len(tasks))
            server.call(release())
            return await asyncio.gather(*tasks)

    async def has_come(client, count):
        for _ in range(2_000):
            answer = await client.get(f"{server.url}/webhooks/rest/health/guard", headers=HEADERS)
            now = answer.json()["turns"]
            if now["running"] + now["waiting"] + now["refused"] - before["refused"] >= count:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"Not all of the first {count} messages have reached the guard.")

    async def release():
        all_have_come.set()

    server.agent.writing = slow
    before, memory = figures(server), psutil.Process(os.getpid()).memory_info().rss
    answers = asyncio.run(everybody())
    after, growth = figures(server), psutil.Process(os.getpid()).memory_info().rss - memory

    answered = [number for number, said in answers if said[-1].startswith(f"You said {number} ")]
    refused = [number for number, said in answers if said == [sentences.FULL]]
    assert len(answered) + len(refused) == CUSTOMERS, "nobody is left without a word"
    assert len(answered) == len(server.agent.received) == after["done"] - before["done"]
    # Who has just come and does not run yet counts as waiting: some of a burst may be refused a moment too early.
    most = turns.RUNNING + turns.WAITING
    assert most - AT_ONCE <= len(answered) <= most, "those who came first"
    assert len(refused) == after["refused"] - before["refused"]
    assert (most_running, after["most_waiting"]) == (turns.RUNNING, turns.WAITING)
    assert (after["running"], after["waiting"]) == (0, 0)
    assert growth < MAX_GROWTH
