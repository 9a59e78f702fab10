import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Restarted, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.policies.owner import OwnerPolicy

DOMAIN = Domain.from_yaml(
    """
    actions: [action_answer]
    slots:
      owner: {type: categorical, values: [bot, queue, agent], initial_value: bot, mappings: [{type: custom}]}
    session_config: {session_expiration_time: 60, carry_over_slots_to_new_session: true}
    """
)


def predict(*events):
    policy = OwnerPolicy.load(
        OwnerPolicy.get_default_config(), None, Resource("owner"), ExecutionContext(GraphSchema({}))
    )
    tracker = DialogueStateTracker.from_events("c", list(events), domain=DOMAIN, slots=DOMAIN.slots)
    return policy, policy.predict_action_probabilities(tracker, DOMAIN)


@pytest.mark.parametrize("owner", ["queue", "agent"])
def test_the_bot_listens_while_a_person_owns_the_conversation(owner):
    _, prediction = predict(SlotSet("owner", owner))
    assert prediction.max_confidence == 1.0
    assert DOMAIN.action_names_or_texts[prediction.max_confidence_index] == "action_listen"


@pytest.mark.parametrize("events", [[], [SlotSet("owner", "agent"), SlotSet("owner", "bot")], [SlotSet("owner", None)]])
def test_other_policies_decide_while_the_bot_owns_it(events):
    _, prediction = predict(*events)
    assert prediction.max_confidence == 0.0


def test_a_new_session_does_not_bring_the_bot_back():
    _, prediction = predict(SlotSet("owner", "agent"), SessionStarted(), SlotSet("owner", "agent"))
    assert prediction.max_confidence == 1.0


def test_only_a_restart_does():
    # Which no customer can cause: see test_text.py.
    _, prediction = predict(SlotSet("owner", "agent"), Restarted())
    assert prediction.max_confidence == 0.0


def test_it_stands_above_the_policies_of_rasa():
    policy, _ = predict()
    assert policy.priority == 10
