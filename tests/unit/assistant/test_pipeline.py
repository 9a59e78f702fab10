"""config.yml trained on a few sentences: the real pipeline, policies and agent, with no action server to answer."""

import asyncio
import socket
from pathlib import Path

import pytest
import yaml

from assistant.channels import recovery, sentences
from assistant.channels.guard import Guard

ROOT = Path(__file__).parents[3]
POLICY = {"version": 1, "rules": [{"id": "escalate.fraud", "kind": "escalate", "patterns": [r"\bfraud\b"]}]}
DOMAIN = """
version: "3.1"
intents: [greet, balance, request_human, escalate]
entities: [order_number, policy_rule, PERSON, DATE, TIME]
slots:
  owner:
    type: categorical
    values: [bot, queue, agent]
    initial_value: bot
    influence_conversation: false
    mappings: [{type: custom}]
  handoff: {type: any, mappings: [{type: custom}]}
  offer: {type: categorical, values: [person], mappings: [{type: custom}]}
actions: [action_balance, action_handoff, action_waiting]
responses:
  utter_greet: [{text: "Hello!"}]
  utter_default: [{text: "Pardon?"}]
"""
DATA = r"""
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - good morning
    - hi there
- intent: balance
  examples: |
    - what's my balance
    - how much do I owe
    - what do I have to pay for [NO482136](order_number)
- intent: request_human
  examples: |
    - I want to talk to a person
    - get me an agent
    - a human please [NO111111](order_number)
- intent: escalate
  examples: |
    - I'll call the police
    - this is a crime
- regex: order_number
  examples: |
    - \bNO[ -]?\d{3}[ -]?\d{3}\b
rules:
- rule: greet
  steps: [{intent: greet}, {action: utter_greet}]
- rule: balance
  steps: [{intent: balance}, {action: action_balance}]
- rule: person
  steps: [{intent: request_human}, {action: action_handoff}]
- rule: escalate
  steps: [{intent: escalate}, {action: action_handoff}]
"""


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    from rasa.core.agent import Agent
    from rasa.model_training import train
    from rasa.utils.endpoints import EndpointConfig

    folder = tmp_path_factory.mktemp("project")
    (folder / "policy.yml").write_text(yaml.safe_dump(POLICY))
    (folder / "domain.yml").write_text(DOMAIN)
    (folder / "data.yml").write_text(DATA)
    (folder / "config.yml").write_text((ROOT / "config.yml").read_text())
    with pytest.MonkeyPatch.context() as patch, socket.socket() as taken:
        patch.chdir(folder)
        patch.setenv("TANDEM_SECRET", "a-secret-that-only-these-tests-know-0123")
        patch.setenv("RASA_TELEMETRY_ENABLED", "false")
        asyncio.set_event_loop(asyncio.new_event_loop())
        result = train("domain.yml", "config.yml", ["data.yml"], output=str(folder))
        # Bound and never listening: each connection is refused.
        taken.bind(("127.0.0.1", 0))
        endpoint = EndpointConfig(f"http://127.0.0.1:{taken.getsockname()[1]}/webhook")
        yield Agent.load(result.model, action_endpoint=endpoint)


def parse(agent, text):
    return asyncio.run(agent.parse_message(text))


def converse(agent, sender, *texts):
    """The texts that the customer reads, and the tracker at the end."""
    from types import SimpleNamespace

    from rasa.core.channels.channel import CollectingOutputChannel, UserMessage

    output = CollectingOutputChannel()
    guard = Guard(agent.handle_message)

    async def scene():
        await guard.attach(SimpleNamespace(ctx=SimpleNamespace(agent=agent)))
        for text in texts:
            await guard.handle(UserMessage(text, output, sender))
        return await agent.tracker_store.retrieve(sender)

    tracker = asyncio.run(scene())
    return [message["text"] for message in output.messages], tracker


def test_intents_and_entities(agent):
    parsed = parse(agent, "What do I owe for no 482-136 until next Tuesday?")
    entities = {entity["entity"]: entity["value"] for entity in parsed["entities"]}
    assert entities == {"order_number": "no 482-136", "DATE": "next Tuesday"}
    assert parse(agent, "hello there")["intent"]["name"] == "greet"


@pytest.mark.parametrize("text", ["😡", "?", "我的网络断了", "<script>alert(1)</script>", "a" * 1000])
def test_anything_can_be_parsed(agent, text):
    assert parse(agent, text)["intent"]["name"]


def test_the_policys_words_escalate(agent):
    parsed = parse(agent, "hello, there is FRAUD on my account")
    assert parsed["intent"] == {"name": "escalate", "confidence": 1.0}
    assert [e["value"] for e in parsed["entities"] if e["entity"] == "policy_rule"] == ["escalate.fraud"]


def test_a_turn_whose_action_fails_is_told(agent):
    said, tracker = converse(agent, "s1", "hello", "how much do I owe")
    assert said == ["Hello!", recovery.NOT_DONE["text"]]
    assert tracker.get_slot("owner") == "bot"


def test_who_asks_for_a_person_is_queued_without_the_action_server_and_the_bot_is_quiet_then(agent):
    said, tracker = converse(agent, "s2", "hello", "get me an agent", "hello", "/restart")
    assert said == ["Hello!", recovery.QUEUED["text"]]
    assert tracker.get_slot("owner") == "queue"
    assert "“get me an agent”" in str(tracker.get_slot("handoff")["summary"])
    texts = [event.text for event in tracker.events if event.type_name == "user"]
    assert texts == ["hello", "get me an agent", "hello", "\u2215restart"]


def test_when_the_action_server_stays_away_turns_are_kept_and_the_rest_goes_on(agent):
    said, tracker = converse(agent, "s5", *["how much do I owe"] * 4, "hello", "get me an agent")
    kept = recovery.KEPT["text"]
    assert said == [*[recovery.NOT_DONE["text"]] * 2, kept, kept, "Hello!", recovery.QUEUED["text"]]
    assert [event.metadata.get("kept") for event in tracker.events if event.type_name == "bot"][:4] == [None] * 2 + [
        True
    ] * 2
    assert tracker.get_slot("owner") == "queue"


def test_a_conversation_goes_on_after_a_failed_turn(agent):
    said, _ = converse(agent, "s3", "how much do I owe", "hello")
    assert said == [recovery.NOT_DONE["text"], "Hello!"]


def test_bad_input_leaves_the_conversation_as_it_is(agent):
    said, tracker = converse(agent, "s4", "hello", "", "x" * 10_000)
    assert said == ["Hello!", sentences.EMPTY, sentences.too_long(1_000)]
    assert [event.text for event in tracker.events if event.type_name == "user"] == ["hello"]
