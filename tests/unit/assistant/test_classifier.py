import numpy as np
import pytest
from rasa.nlu.classifiers.fallback_classifier import undo_fallback_prediction
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message

from assistant.nlu.calibration import HELD_OUT, NEVER, REHEARSAL
from assistant.nlu.classifier import SVMIntentClassifier
from assistant.nlu.encoder import Encoder
from tests.unit.assistant.nlu_fixtures import EXAMPLES, OUTSIDE, Place, training_data

UNSEEN = {
    "my parcel is late": "order_status",
    "whats the sum that I need to pay": "balance",
    "could you send somebody to repair my line": "book_visit",
}


@pytest.fixture(scope="module")
def encoder():
    return Encoder.installed()


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "model")


def featurized(encoder, messages):
    for message in messages:
        if message.get("text"):
            vector = encoder.encode([message.get("text")])
            message.add_features(Features(vector, "sentence", "text", "encoder"))
    return messages


def train(place, encoder, examples, **config):
    data = training_data(examples)
    featurized(encoder, data.training_examples)
    place.create(SVMIntentClassifier, **config).train(data)
    return place.load(SVMIntentClassifier, **config)


def ask(classifier, encoder, *texts):
    return [m.as_dict() for m in classifier.process(featurized(encoder, [Message({"text": t}) for t in texts]))]


def names(parsed):
    return [entry["name"] for entry in parsed["intent_ranking"]]


def test_unseen_sentences_find_their_intent_and_the_ranking_is_as_rasas_are(place, encoder):
    classifier = train(place, encoder, EXAMPLES)
    for parsed, intent in zip(ask(classifier, encoder, *UNSEEN), UNSEEN.values(), strict=True):
        assert parsed["intent"] == parsed["intent_ranking"][0]
        assert parsed["intent"]["name"] == intent
        confidences = [entry["confidence"] for entry in parsed["intent_ranking"]]
        assert confidences == sorted(confidences, reverse=True)
        assert sum(confidences) == pytest.approx(1)
        assert sorted(names(parsed)) == sorted(EXAMPLES)


def test_a_loaded_model_says_what_the_trained_one_said_and_holds_no_pickle(place, encoder):
    data = training_data(EXAMPLES)
    featurized(encoder, data.training_examples)
    trained = place.create(SVMIntentClassifier)
    trained.train(data)
    texts = [*UNSEEN, *OUTSIDE]
    for before, after in zip(
        ask(trained, encoder, *texts), ask(place.load(SVMIntentClassifier), encoder, *texts), strict=True
    ):
        assert names(before) == names(after)
        assert after["intent"]["confidence"] == pytest.approx(before["intent"]["confidence"], abs=1e-5)
    assert {path.suffix for path in place.contents} == {".json", ".safetensors"}
    assert not any(path.read_bytes().startswith(b"\x80") for path in place.contents)


def test_what_is_about_something_else_falls_back_and_keeps_the_runners_up(place, encoder):
    classifier = train(place, encoder, EXAMPLES)
    strangers = ask(classifier, encoder, *OUTSIDE)
    assert [parsed["intent"]["name"] for parsed in strangers] == ["nlu_fallback"] * len(OUTSIDE)
    for parsed in strangers:
        assert sorted(names(parsed)[1:]) == sorted(EXAMPLES)
        assert undo_fallback_prediction(parsed)["intent"] == parsed["intent_ranking"][1]
        first, second = parsed["intent_ranking"][:2]
        assert first["confidence"] == pytest.approx(1 - second["confidence"])


def test_the_share_to_keep_sets_the_threshold_by_cross_validation(tmp_path, encoder):
    thresholds = {
        keep: train(Place(tmp_path / str(keep)), encoder, EXAMPLES, keep_in_scope=keep)._scope.threshold
        for keep in (0.5, 0.8, 0.97, 1)
    }
    assert thresholds[0.5] > thresholds[0.8] > thresholds[0.97] > thresholds[1] == NEVER


def test_nothing_is_rejected_when_everything_is_to_be_kept(place, encoder):
    classifier = train(place, encoder, EXAMPLES, keep_in_scope=1)
    assert not {parsed["intent"]["name"] for parsed in ask(classifier, encoder, *OUTSIDE)} - set(EXAMPLES)


def test_examples_of_what_is_out_of_scope_compete_as_an_intent(place, encoder):
    classifier = train(place, encoder, {**EXAMPLES, "out_of_scope": OUTSIDE})
    for parsed in ask(classifier, encoder, *OUTSIDE, "how is the weather", "what is a black hole made of"):
        assert parsed["intent"]["name"] == "out_of_scope"
        assert "nlu_fallback" not in names(parsed)
    assert len(classifier._known) == sum(map(len, EXAMPLES.values()))
    assert ask(classifier, encoder, "my parcel is late")[0]["intent"]["name"] == "order_status"


def test_the_rehearsal_of_a_tuned_encoder_calibrates_instead_of_cross_validation(place, encoder):
    data = training_data(EXAMPLES)
    for number, example in enumerate(featurized(encoder, data.training_examples)):
        # At its rehearsal this encoder could not tell anything from anything.
        example.set(REHEARSAL, np.full(384, 1.0, np.float32))
        example.set(HELD_OUT, number % 2 == 0)
    rehearsed = place.create(SVMIntentClassifier)
    rehearsed.train(data)
    plain = train(place, encoder, EXAMPLES)
    assert rehearsed._sharpness != pytest.approx(plain._sharpness)


def test_an_empty_message_is_out_of_scope(place, encoder):
    classifier = train(place, encoder, EXAMPLES)
    [empty, full] = classifier.process(featurized(encoder, [Message({"text": ""}), Message({"text": "my bill"})]))
    assert empty.get("intent") == {"name": "nlu_fallback", "confidence": 1.0}
    assert empty.get("intent_ranking") == [empty.get("intent")]
    assert full.get("intent")["name"] == "balance"


@pytest.mark.parametrize(
    "examples",
    [
        {"greet": ["hello"]},
        {"greet": ["hello", "hi", "good morning"]},
        {"greet": ["hello"], "goodbye": ["bye"]},
        {"greet": ["hello", "hi"], "goodbye": ["bye"], "out_of_scope": ["?", "!"]},
        {"out_of_scope": ["blue", "green"]},
        {"greet": ["😀", "!"], "goodbye": ["?", "..."]},
    ],
)
def test_very_little_data_trains_loads_and_classifies(place, encoder, examples):
    classifier = train(place, encoder, examples)
    for intent, texts in examples.items():
        [parsed] = ask(classifier, encoder, texts[0])
        assert parsed["intent"]["name"] == intent
        assert sum(entry["confidence"] for entry in parsed["intent_ranking"]) == pytest.approx(1)


def test_no_examples_at_all_give_no_intent(place, encoder):
    classifier = train(place, encoder, {})
    [parsed] = ask(classifier, encoder, "hello")
    assert parsed["intent"] == {"name": None, "confidence": 0.0}


def test_the_ranking_is_cut(place, encoder):
    classifier = train(place, encoder, EXAMPLES, ranking_length=2)
    assert len(names(ask(classifier, encoder, "my parcel is late")[0])) == 2


def test_a_message_without_a_vector_says_what_is_missing(place):
    with pytest.raises(InvalidConfigException, match=r"put MiniLMFeaturizer .* before it"):
        place.create(SVMIntentClassifier).train(training_data(EXAMPLES))


@pytest.mark.parametrize(
    ("option", "value", "demand"),
    [
        ("c", 0, "c must be a positive number, not 0"),
        ("tfidf_weight", -1, "tfidf_weight must be a number from 0"),
        ("max_ngrams", 0, "max_ngrams must be a whole number from 1"),
        ("keep_in_scope", 97, "keep_in_scope must be a share above 0 and at most 1, such as 0.97, not 97"),
        ("keep_in_scope", None, "keep_in_scope must be a share"),
        ("neighbours", 2.5, "neighbours must be a whole number from 1"),
        ("folds", 1, "folds must be a whole number from 2"),
        ("ranking_length", True, "ranking_length must be a whole number from 0"),
    ],
)
def test_an_option_out_of_range_is_named(place, option, value, demand):
    with pytest.raises(InvalidConfigException, match=demand):
        place.create(SVMIntentClassifier, **{option: value})


def test_no_words_lead_to_an_intent_that_only_another_service_triggers(place, encoder):
    external = {"EXTERNAL_handed_back": ["the desk says it", "the desk hands it back"]}
    classifier = train(place, encoder, EXAMPLES | external)
    [parsed] = ask(classifier, encoder, "the desk says it")
    assert "EXTERNAL_handed_back" not in names(parsed)
