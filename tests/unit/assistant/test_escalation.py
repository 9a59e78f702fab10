from pathlib import Path

import pytest
import yaml
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from assistant.nlu.escalation import PolicyEscalation, PolicyFileError, read_rules

RULES = [
    {"id": "escalate.legal", "kind": "escalate", "patterns": [r"\bsue you\b", r"\bsolicitor\b"]},
    {"id": "escalate.fraud", "kind": "escalate", "patterns": [r"\bfraud\b"]},
    {"id": "block.weather", "kind": "block", "patterns": ["weather"]},
]


@pytest.fixture
def policy(tmp_path, monkeypatch):
    def write(content):
        path = tmp_path / "policy.yml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        monkeypatch.setenv("TANDEM_POLICY", str(path))
        return path

    return write


def trained(tmp_path):
    (tmp_path / "model").mkdir(exist_ok=True)
    storage, resource = LocalModelStorage.create(tmp_path / "model"), Resource("escalation")
    context = ExecutionContext(GraphSchema({}))
    PolicyEscalation.create({}, storage, resource, context).train(TrainingData())
    return PolicyEscalation.load({}, storage, resource, context)


def message(text):
    greet = {"name": "greet", "confidence": 0.9}
    return Message({"text": text, "intent": greet, "intent_ranking": [greet, {"name": "escalate", "confidence": 0.1}]})


def test_a_rule_overrules_the_classifier_and_names_itself(tmp_path, policy):
    policy({"version": 1, "rules": RULES})
    [hit] = trained(tmp_path).process([message("I will SUE YOU, says my solicitor")])
    assert hit.get("intent") == {"name": "escalate", "confidence": 1.0}
    assert [other["name"] for other in hit.get("intent_ranking")] == ["escalate", "greet"]
    [entity] = hit.get("entities")
    assert (entity["entity"], entity["value"]) == ("policy_rule", "escalate.legal")
    assert hit.get("text")[entity["start"] : entity["end"]] == "SUE YOU"


def test_other_messages_and_other_kinds_of_rules_change_nothing(tmp_path, policy):
    policy({"version": 1, "rules": RULES})
    [plain, blocked] = trained(tmp_path).process([message("I use you"), message("What's the weather?")])
    for kept in (plain, blocked):
        assert kept.get("intent")["name"] == "greet"
        assert not kept.get("entities")


def test_rules_over_several_turns_are_left_to_the_action_server(policy):
    angry = {"id": "escalate.anger", "kind": "escalate", "signal": "anger", "patterns": ["joke"]}
    failing = {"id": "escalate.failure", "kind": "escalate", "signal": "failures"}
    read = read_rules(policy({"version": 1, "rules": [angry, failing, *RULES]}))
    assert [rule["id"] for rule in read] == ["escalate.legal", "escalate.fraud"]


def test_the_model_keeps_the_rules_that_it_was_trained_with(tmp_path, policy):
    path = policy({"version": 1, "rules": RULES})
    component = trained(tmp_path)
    path.unlink()
    assert component.process([message("fraud!")])[0].get("intent")["name"] == "escalate"


def test_changed_escalation_rules_mean_another_training(policy):
    policy({"version": 1, "rules": RULES})
    before = PolicyEscalation.fingerprint_addon({})
    policy({"version": 2, "rules": RULES[:2]})
    assert PolicyEscalation.fingerprint_addon({}) == before
    policy({"version": 3, "rules": RULES[:1]})
    assert PolicyEscalation.fingerprint_addon({}) != before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("rules: [", "is not valid YAML"),
        ("version: 1", "needs a list named `rules`"),
        ("- a", "needs a list named `rules`"),
        ({"rules": ["words"]}, "each rule needs an `id`"),
        ({"rules": [{"kind": "escalate", "patterns": ["a"]}]}, "each rule needs an `id`"),
        ({"rules": [{"id": "e", "kind": "escalate"}]}, "rule e needs a list of `patterns`"),
        ({"rules": [{"id": "e", "kind": "escalate", "patterns": "a"}]}, "rule e needs a list of `patterns`"),
        (
            {"rules": [{"id": "e", "kind": "escalate", "patterns": ["(a"]}]},
            r"rule e has the pattern '\(a', which is not",
        ),
        ({"rules": [{"id": "e", "kind": "escalate", "patterns": [7]}]}, "rule e has the pattern 7, which is not"),
    ],
)
def test_a_malformed_file_is_named_with_what_is_wrong(policy, content, sentence):
    path = policy(content)
    with pytest.raises(PolicyFileError, match=sentence) as error:
        PolicyEscalation.fingerprint_addon({})
    assert str(path) in str(error.value)


def test_a_missing_file_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("TANDEM_POLICY", str(tmp_path / "none.yml"))
    with pytest.raises(PolicyFileError, match=r"none\.yml cannot be read .* point TANDEM_POLICY to one"):
        PolicyEscalation.fingerprint_addon({})


def test_the_projects_policy_escalates_its_own_examples(tmp_path, monkeypatch):
    path = Path(__file__).parents[3] / "policy.yml"
    monkeypatch.setenv("TANDEM_POLICY", str(path))
    component = trained(tmp_path)
    rules = yaml.safe_load(path.read_text())["rules"]
    examples = [rule for rule in rules if rule["kind"] == "escalate" and "signal" not in rule]
    assert {rule["id"] for rule in read_rules(path)} == {rule["id"] for rule in examples}
    for rule in examples:
        for text in rule["examples"]["match"]:
            assert component.process([message(text)])[0].get("entities")[0]["value"] == rule["id"], text
        for text in rule["examples"]["pass"]:
            values = [e["value"] for e in component.process([message(text)])[0].get("entities", [])]
            assert rule["id"] not in values, text
