"""The circuit of the action server, with Rasa's own remote action and a server on loopback that comes and goes."""

import asyncio
import socket
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from aiohttp import web
from rasa.core.actions.action import RemoteAction
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.lock_store import InMemoryLockStore
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.shared.core.events import BotUttered, SlotSet, UserUttered
from rasa.utils.endpoints import EndpointConfig

from assistant.channels import outage, recovery
from assistant.channels.guard import Guard
from assistant.channels.outage import Outage
from tests.unit.assistant.test_recovery import DOMAIN

CUSTOMER = "c0ffee"


class Actions:
    """An action server that answers each call with one sentence; `hangs` lets calls wait for ever."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.calls = 0
        self.hangs = False

    @asynccontextmanager
    async def up(self):
        async def call(request):
            self.calls += 1
            if self.hangs:
                await asyncio.sleep(60)
            body = await request.json()
            said = body["tracker"]["latest_message"]["text"]
            return web.json_response({"events": [], "responses": [{"text": f"Done: {said}"}]})

        async def health(_):
            if self.hangs:
                await asyncio.sleep(60)
            return web.json_response({"status": "ok"})

        app = web.Application()
        app.add_routes([web.post("/webhook", call), web.get("/health", health)])
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield
        finally:
            await runner.cleanup()


class Scene:
    """A guard before what Rasa does: it stores the message, runs the action, and goes on without it if it fails."""

    def __init__(self, channel="webchat"):
        self.actions = Actions()
        store = InMemoryTrackerStore(DOMAIN)
        self.processor = SimpleNamespace(
            get_tracker=store.get_or_create_tracker,
            fetch_tracker_and_update_session=store.get_or_create_tracker,
            save_tracker=store.save,
            action_endpoint=EndpointConfig(f"http://127.0.0.1:{self.actions.port}/webhook"),
        )
        agent = SimpleNamespace(
            is_ready=lambda: True,
            domain=DOMAIN,
            lock_store=InMemoryLockStore(),
            tracker_store=store,
            processor=self.processor,
        )
        self.page = CollectingOutputChannel()
        page = {"get_output_channel": lambda: self.page}
        channels = [SimpleNamespace(name=lambda: "webchat", **page)]
        channels.append(SimpleNamespace(name=lambda: "voice", writes_first=False, **page))
        self.channel = channel
        self.outage = Outage()
        self.guard = Guard(self.turn, outage=self.outage)
        self.guard._app = SimpleNamespace(ctx=SimpleNamespace(agent=agent, input_channels=channels))

    async def turn(self, message):
        tracker = await self.processor.get_tracker(message.sender_id)
        intent = "request_human" if "person" in message.text else "greet"
        tracker.update(UserUttered(message.text, {"name": intent}), DOMAIN)
        if message.text != "hello":
            try:
                action = RemoteAction("action_order", self.processor.action_endpoint)
                for event in await action.run(message.output_channel, None, tracker, DOMAIN):
                    await message.output_channel.send_response(message.sender_id, {"text": event.text})
            except Exception:
                pass
        else:
            await message.output_channel.send_response(message.sender_id, {"text": "Hello!"})
        await self.processor.save_tracker(tracker)

    async def say(self, text, sender=CUSTOMER):
        """What the customer reads in answer."""
        output = CollectingOutputChannel()
        await self.guard.handle(UserMessage(text, output, sender, input_channel=self.channel))
        return [message["text"] for message in output.messages]

    async def break_down(self):
        """Three turns of other customers, so that the circuit opens."""
        for number in range(3):
            await self.say("where is it", f"other{number}")
        assert not self.outage.circuit.is_closed
        self.outage._kept.clear()

    async def until(self, condition):
        for _ in range(400):
            if condition():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("It did not happen within four seconds.")

    async def events(self, sender=CUSTOMER):
        return [event.as_dict() for event in (await self.processor.get_tracker(sender)).events]


def play(scene, story):
    async def whole():
        try:
            await story(scene)
        finally:
            await scene.guard.detach(None)

    asyncio.run(whole())


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(outage, "TRIAL_EVERY", 0.05)


def test_the_first_failures_are_ordinary_ones_then_the_turn_is_kept_and_marked():
    async def story(scene):
        assert await scene.say("where is my order") == [recovery.NOT_DONE["text"]]
        assert await scene.say("where is my order") == [recovery.NOT_DONE["text"]]
        assert await scene.say("where is my order") == [recovery.KEPT["text"]]
        kept = [event["metadata"].get("kept") for event in await scene.events() if event["event"] == "bot"]
        assert kept == [None, None, True]
        assert scene.guard.health()["action_server"] == {"state": "open", "opened": 1, "kept": 1, "told": 0}

    play(Scene(), story)


def test_while_it_is_open_nothing_waits_and_what_needs_no_action_still_works(monkeypatch):
    monkeypatch.setattr(outage, "ACTION_SECONDS", 0.2)
    monkeypatch.setattr(outage, "HEALTH_SECONDS", 0.05)
    monkeypatch.setattr(outage, "TRIAL_EVERY", 60)

    async def story(scene):
        scene.actions.hangs = True
        async with scene.actions.up():
            await scene.break_down()
            called = scene.actions.calls
            assert await scene.say("where is my order") == [recovery.KEPT["text"]]
            assert await scene.say("hello") == ["Hello!"]
            assert scene.actions.calls == called == 3

    play(Scene(), story)


def test_a_person_is_reached_while_it_is_open():
    async def story(scene):
        await scene.break_down()
        assert await scene.say("a person please") == [recovery.QUEUED["text"]]
        slots = {event["name"]: event["value"] for event in await scene.events() if event["event"] == "slot"}
        assert slots["owner"] == "queue"
        assert scene.guard.health()["action_server"]["kept"] == 0, "a person has it now"

    play(Scene(), story)


def test_a_kept_turn_is_asked_about_once_and_yes_carries_it_on():
    async def story(scene):
        await scene.break_down()
        await scene.say("where is my order NO482136")
        async with scene.actions.up():
            await scene.until(lambda: scene.page.messages)
            [question] = scene.page.messages
            assert "working again" in question["text"] and "“where is my order NO482136”" in question["text"]
            assert [button["title"] for button in question["buttons"]] == ["Carry on", "No, thanks"]
            assert (await scene.events())[-1]["text"] == question["text"]
            assert await scene.say("Yes, please.") == ["Done: where is my order NO482136"]
            assert await scene.say("yes") == ["Done: yes"], "the question was answered"
            assert len(scene.page.messages) == 1
        assert scene.guard.health()["action_server"] == {"state": "closed", "opened": 1, "kept": 0, "told": 1}

    play(Scene(), story)


def test_no_thanks_leaves_it_and_anything_else_is_a_new_turn():
    async def story(scene):
        await scene.break_down()
        await scene.say("where is it", "one"), await scene.say("where is it", "two")
        async with scene.actions.up():
            await scene.until(lambda: len(scene.page.messages) == 2)
            assert await scene.say("No, thanks", "one") == [outage.LEFT["text"]]
            assert [event.get("text") for event in await scene.events("one")][-2:] == [
                "No, thanks",
                outage.LEFT["text"],
            ]
            assert await scene.say("what's my balance", "two") == ["Done: what's my balance"]
            assert await scene.say("yes", "two") == ["Done: yes"]

    play(Scene(), story)


@pytest.mark.parametrize("since", ["a person has taken over", "a person has asked something"])
def test_yes_to_a_person_is_theirs(since):
    async def story(scene):
        await scene.break_down()
        await scene.say("where is it")
        async with scene.actions.up():
            await scene.until(lambda: scene.page.messages)
            tracker = await scene.processor.get_tracker(CUSTOMER)
            event = BotUttered("Are you there?", metadata={"author": "agent"})
            tracker.update(SlotSet("owner", "agent") if since == "a person has taken over" else event, DOMAIN)
            await scene.processor.save_tracker(tracker)
            await scene.say("yes")
        assert [event["text"] for event in await scene.events() if event["event"] == "user"][-1] == "yes"

    play(Scene(), story)


def test_the_first_turn_after_the_outage_is_an_ordinary_one(monkeypatch):
    monkeypatch.setattr(outage, "TRIAL_EVERY", 60)

    async def story(scene):
        await scene.break_down()
        async with scene.actions.up():
            assert await scene.say("where is it") == ["Done: where is it"]

    play(Scene(), story)


@pytest.mark.parametrize(
    "why", ["it is long ago", "a person has it", "they wrote again", "their channel cannot", "they rang"]
)
def test_nobody_is_disturbed_without_need(why, monkeypatch):
    if why == "it is long ago":
        monkeypatch.setattr(outage, "KEPT_FOR", -1)

    async def story(scene):
        await scene.break_down()
        await scene.say("where is it")
        if why == "a person has it":
            tracker = await scene.processor.get_tracker(CUSTOMER)
            tracker.update(SlotSet("owner", "agent"), DOMAIN)
            await scene.processor.save_tracker(tracker)
        if why == "they wrote again":
            await scene.say("hello")
        async with scene.actions.up():
            await scene.until(lambda: scene.outage.circuit.is_closed and scene.outage._watching.done())
        assert scene.page.messages == []
        assert scene.guard.health()["action_server"]["told"] == 0

    play(Scene({"their channel cannot": "rest", "they rang": "voice"}.get(why, "webchat")), story)


def test_the_memory_of_kept_turns_is_bounded(monkeypatch):
    monkeypatch.setattr(outage, "MAX_KEPT", 3)
    kept = Outage()
    for number in range(10):
        kept.keep(str(number), "hi", "hi", "webchat")
    assert list(kept._kept) == ["7", "8", "9"]


def test_an_error_of_one_action_says_nothing_about_the_server():
    async def story(scene):
        async def fails(_):
            return web.json_response({"error": "This action failed."}, status=500)

        app = web.Application()
        app.add_routes([web.post("/webhook", fails)])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", scene.actions.port).start()
        try:
            for _ in range(5):
                assert await scene.say("where is it") == [recovery.NOT_DONE["text"]]
        finally:
            await runner.cleanup()
        assert scene.outage.circuit.is_closed

    play(Scene(), story)


def test_a_long_message_is_quoted_in_short():
    question = outage.Kept("x " * 400, "x " * 400, "webchat", 0.0).question()["text"]
    assert len(question) < 160 and "…”" in question
