import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from assistant.nlu.language import OtherLanguage

EXAMPLES = [
    ("where is my order", "order_status"),
    ("how do i change my wifi password", "ask_question"),
    ("my internet is not working", "report_problem"),
    ("dónde está mi pedido", "other_language"),
]


@pytest.fixture(scope="module")
def component(tmp_path_factory):
    storage = LocalModelStorage.create(tmp_path_factory.mktemp("model"))
    resource, context = Resource("language"), ExecutionContext(GraphSchema({}))
    config = OtherLanguage.get_default_config()
    examples = [Message({"text": text, "intent": intent}) for text, intent in EXAMPLES]
    OtherLanguage.create(config, storage, resource, context).train(TrainingData(examples))
    return OtherLanguage.load(config, storage, resource, context)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("¿Dónde está mi pedido?", "es"),
        ("quiero cancelar mi contrato", "es"),
        ("wo ist meine Bestellung", "de"),
        ("gdzie jest moje zamówienie", "pl"),
        ("je voudrais parler à quelqu'un", "fr"),
        ("where is my order", None),
        ("how do i change my wifi password", None),  # an identifier alone takes this for Polish
        ("where on earth is my blinking order", None),
        ("flat 3, 27 Queen Street, Cardiff", None),
        ("LS1 4AP", None),
        ("hola", None),
        ("", None),
        ("🙂🙂🙂", None),
    ],
)
def test_two_signs_must_agree(component, text, language):
    assert component.language(text) == language


def test_it_overrules_the_classifier_and_names_the_language(component):
    order = {"name": "order_status", "confidence": 0.6}
    message = Message({"text": "wo ist meine Bestellung", "intent": order, "intent_ranking": [order]})
    [seen] = component.process([message])
    assert seen.get("intent") == {"name": "other_language", "confidence": 1.0}
    assert [other["name"] for other in seen.get("intent_ranking")] == ["other_language", "order_status"]
    assert [(e["entity"], e["value"]) for e in seen.get("entities")] == [("language", "de")]


def test_an_unknown_language_code_is_a_clear_error():
    config = OtherLanguage.get_default_config() | {"languages": ["es", "klingon"]}
    with pytest.raises(InvalidConfigException, match="klingon"):
        OtherLanguage(config, None, None, frozenset())
