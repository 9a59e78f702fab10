import pytest
from rasa.core.policies.ensemble import DefaultPolicyPredictionEnsemble
from rasa.core.policies.policy import PolicyPrediction
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.policies.owner import OwnerPolicy

DOMAIN = Domain.from_yaml(
    """
    actions: [action_answer, action_waiting, action_callback]
    forms: {callback_form: {required_slots: []}, balance_form: {required_slots: []}}
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


def action_after(*events):
    """The action that the policy is certain of; None where it has no opinion."""
    _, prediction = predict(*events)
    return DOMAIN.action_names_or_texts[prediction.max_confidence_index] if prediction.max_confidence else None


AGENT, QUEUE = SlotSet("owner", "agent"), SlotSet("owner", "queue")
LISTEN, WAITING = ActionExecuted("action_listen"), ActionExecuted("action_waiting")
MESSAGE = UserUttered("hello", {"name": "greet"})
FORM = [ActiveLoop("callback_form"), ActionExecuted("callback_form")]


@pytest.mark.parametrize("events", [[], [LISTEN, MESSAGE], [*FORM, LISTEN, MESSAGE], [WAITING]])
def test_the_bot_listens_while_an_agent_owns_the_conversation(events):
    assert action_after(AGENT, *events) == "action_listen"


def test_each_message_in_the_queue_is_looked_at_once():
    assert action_after(QUEUE, ActionExecuted("action_handoff")) == "action_listen"
    assert action_after(QUEUE, LISTEN, MESSAGE) == "action_waiting"
    assert action_after(QUEUE, LISTEN, MESSAGE, WAITING) == "action_listen"
    assert action_after(QUEUE, LISTEN, MESSAGE, WAITING, LISTEN, MESSAGE) == "action_waiting"


def test_a_form_of_the_queue_asks_is_answered_and_ends():
    assert action_after(QUEUE, LISTEN, MESSAGE, WAITING, *FORM) == "action_listen"
    answered = [QUEUE, LISTEN, MESSAGE, WAITING, *FORM, LISTEN, MESSAGE]
    assert action_after(*answered) == "callback_form"
    complete = [*answered, ActionExecuted("callback_form"), ActiveLoop(None)]
    assert action_after(*complete) is None  # RulePolicy runs the form's task
    assert action_after(*complete, ActionExecuted("action_callback")) == "action_listen"


def test_a_message_that_the_form_does_not_take_is_looked_at_and_the_form_asks_again():
    rejected = [QUEUE, *FORM, LISTEN, MESSAGE, ActionExecutionRejected("callback_form")]
    assert action_after(*rejected) == "action_waiting"
    assert action_after(*rejected, WAITING) == "callback_form"
    assert action_after(*rejected, WAITING, ActionExecuted("callback_form")) == "action_listen"
    assert action_after(*rejected, WAITING, ActiveLoop(None)) == "action_listen"


def test_no_other_form_runs_in_the_queue():
    assert action_after(QUEUE, ActiveLoop("balance_form"), LISTEN, MESSAGE) == "action_waiting"


@pytest.mark.parametrize("events", [[], [SlotSet("owner", "agent"), SlotSet("owner", "bot")], [SlotSet("owner", None)]])
def test_other_policies_decide_while_the_bot_owns_it(events):
    _, prediction = predict(*events)
    assert prediction.max_confidence == 0.0


@pytest.mark.parametrize("owner", ["queue", "agent"])
def test_an_active_form_does_not_speak_over_a_person(owner):
    _, mine = predict(SlotSet("owner", owner), ActiveLoop("balance_form"), LISTEN, MESSAGE)
    # What RulePolicy says of an active form: it runs, whatever the customer wrote.
    form = [float(name == "balance_form") for name in DOMAIN.action_names_or_texts]
    rules = PolicyPrediction(form, "RulePolicy", policy_priority=6, is_no_user_prediction=True)
    tracker = DialogueStateTracker.from_events("c", [LISTEN, MESSAGE], domain=DOMAIN, slots=DOMAIN.slots)
    best = DefaultPolicyPredictionEnsemble().combine_predictions([mine, rules], tracker, DOMAIN)
    assert best.policy_name == mine.policy_name


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
