import logging

import numpy as np
import pytest
from onnx import load as load_graph
from rasa.shared.nlu.training_data.message import Message

import assistant.nlu.finetune as finetune
import assistant.nlu.tuned as tuned_module
from assistant.nlu.calibration import HELD_OUT, REHEARSAL
from assistant.nlu.encoder import MODEL, TOKENIZER, Encoder, find_file
from assistant.nlu.featurizer import DIGEST_FILE, MiniLMFeaturizer
from assistant.nlu.transformer import Transformer
from assistant.nlu.tuned import TuningSettings, key
from assistant.nlu.weights import UnknownEncoder, read_weights, write_weights
from tests.unit.assistant.nlu_fixtures import EXAMPLES, Place, training_data

STEPS = {"fine_tune": True, "max_steps": 6, "frozen_layers": 5, "learning_rate": 2e-4}
TEXTS = [text for texts in EXAMPLES.values() for text in texts]
INTENTS = [intent for intent, texts in EXAMPLES.items() for _ in texts]


@pytest.fixture(scope="module")
def base():
    return Encoder.installed()


@pytest.fixture(scope="module")
def tuned_place(tmp_path_factory):
    """A featurizer that was fine-tuned for six steps; the folder of the run is beside it."""
    folder = tmp_path_factory.mktemp("tuned")
    place = Place(folder / "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TANDEM_VAR", str(folder / "var"))
        place.create(MiniLMFeaturizer, **STEPS).train(training_data(EXAMPLES))
    return place


def vectors(featurizer, texts):
    messages = featurizer.process([Message({"text": text}) for text in texts])
    return np.concatenate([message.get_dense_features("text")[1].features for message in messages])


def by_tensorflow(weights, texts, frozen_layers):
    import tensorflow as tf

    transformer = Transformer(weights, frozen_layers)
    batch = finetune.Pieces(texts, find_file(*TOKENIZER)).batch(np.arange(len(texts)))
    ids, mask = map(tf.constant, batch)
    return transformer.upper(transformer.lower(ids, mask), mask).numpy()


def spread(rows):
    """How much nearer examples of one intent are to one another than to the others."""
    cosines, intents = rows @ rows.T, np.array(INTENTS)
    same = intents[:, None] == intents[None, :]
    return cosines[same].mean() - cosines[~same].mean()


def test_training_sees_the_texts_as_the_onnx_graph_does(base):
    weights = read_weights(find_file(*MODEL))
    for frozen_layers in (0, 4):
        cosines = (by_tensorflow(weights, TEXTS[:8], frozen_layers) * base.encode(TEXTS[:8])).sum(axis=1)
        assert cosines.min() > 0.9999


def test_written_weights_give_the_vectors_that_were_trained(tmp_path):
    weights = read_weights(find_file(*MODEL))
    rng = np.random.default_rng(0)
    changed = {
        name: values + rng.normal(0, 0.02, values.shape).astype(np.float32)
        for name, values in weights.items()
        if name.startswith("encoder.layer.5.")
    }
    write_weights(find_file(*MODEL), changed, tmp_path / "tuned.onnx")
    exported = Encoder(tmp_path / "tuned.onnx", find_file(*TOKENIZER)).encode(TEXTS[:8])
    assert (by_tensorflow({**weights, **changed}, TEXTS[:8], 0) * exported).sum(axis=1).min() > 0.9999
    assert (by_tensorflow(weights, TEXTS[:8], 0) * exported).sum(axis=1).min() < 0.999


def test_another_graph_is_named_with_what_to_do(tmp_path):
    graph = load_graph(str(find_file(*MODEL)))
    del graph.graph.initializer[:]
    (tmp_path / "other.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(UnknownEncoder, match=r"other\.onnx has no weight .* set `fine_tune: false`"):
        read_weights(tmp_path / "other.onnx")


def test_tuning_brings_an_intents_examples_together_and_lasts(tuned_place, base):
    loaded = tuned_place.load(MiniLMFeaturizer, **STEPS)
    assert spread(vectors(loaded, TEXTS)) > spread(base.encode(TEXTS)) + 0.005
    assert {path.suffix for path in tuned_place.contents} == {".onnx", ".safetensors", ".sha256"}


def test_the_rehearsal_reaches_the_training_messages(tuned_place):
    data = training_data(EXAMPLES)
    tuned_place.load(MiniLMFeaturizer, **STEPS).process_training_data(data)
    held_out = np.array([example.get(HELD_OUT) for example in data.training_examples])
    assert held_out.sum() == pytest.approx(len(TEXTS) / 5, abs=2)
    for intent in EXAMPLES:
        assert 0 < held_out[np.array(INTENTS) == intent].sum() < 4
    rehearsal = np.stack([example.get(REHEARSAL) for example in data.training_examples])
    final = np.concatenate([example.get_dense_features("text")[1].features for example in data.training_examples])
    cosines = (rehearsal * final).sum(axis=1)
    assert 0.5 < cosines.min() < 0.9999


def test_the_same_examples_are_tuned_once(tuned_place, tmp_path, monkeypatch):
    monkeypatch.setenv("TANDEM_VAR", str(tuned_place.folder.parent / "var"))
    monkeypatch.setattr(finetune, "fine_tune", None)
    again = Place(tmp_path / "again")
    again.create(MiniLMFeaturizer, **STEPS).train(training_data(EXAMPLES))
    assert [path.read_bytes() for path in again.contents] == [path.read_bytes() for path in tuned_place.contents]


def test_other_examples_or_settings_are_other_encoders():
    settings = TuningSettings()
    keys = {
        key(TEXTS, INTENTS, settings),
        key(TEXTS[1:], INTENTS[1:], settings),  # what cross-validation trains a fold on
        key([*TEXTS[:-1], "changed"], INTENTS, settings),
        key(TEXTS, INTENTS[::-1], settings),
        key(TEXTS, INTENTS, TuningSettings(max_steps=7)),
    }
    assert len(keys) == 5


def test_a_fold_is_not_served_from_the_cache_of_the_whole(tuned_place, tmp_path, monkeypatch):
    monkeypatch.setenv("TANDEM_VAR", str(tuned_place.folder.parent / "var"))
    calls = []

    def counted(*arguments):
        calls.append(arguments[0])
        return real(*arguments)

    real = finetune.fine_tune
    monkeypatch.setattr(finetune, "fine_tune", counted)
    fold = {intent: texts[:-2] for intent, texts in EXAMPLES.items()}
    Place(tmp_path / "fold").create(MiniLMFeaturizer, **STEPS).train(training_data(fold))
    assert calls == [[text for texts in fold.values() for text in texts]]


def test_an_unwritable_cache_costs_time_only(tmp_path, monkeypatch, caplog):
    (tmp_path / "var").write_text("a file, not a folder")
    monkeypatch.setenv("TANDEM_VAR", str(tmp_path / "var"))
    place = Place(tmp_path / "model")
    place.create(MiniLMFeaturizer, **{**STEPS, "max_steps": 1}).train(training_data(EXAMPLES))
    assert "could not be cached" in caplog.text
    assert place.contents


def test_without_fine_tuning_the_encoder_stays(tmp_path, base, monkeypatch):
    monkeypatch.setattr(tuned_module, "_tune", None)
    place = Place(tmp_path / "model")
    place.create(MiniLMFeaturizer, fine_tune=False).train(training_data(EXAMPLES))
    loaded = place.load(MiniLMFeaturizer, fine_tune=False)
    assert np.allclose(vectors(loaded, TEXTS[:3]), base.encode(TEXTS[:3]), atol=1e-5)
    data = training_data(EXAMPLES)
    loaded.process_training_data(data)
    assert data.training_examples[0].get(REHEARSAL) is None


def test_so_many_examples_that_it_would_not_help_are_not_tuned(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tuned_module, "_tune", None)
    place = Place(tmp_path / "model")
    with caplog.at_level(logging.INFO):
        place.create(MiniLMFeaturizer, **STEPS, max_examples=20).train(training_data(EXAMPLES))
    assert [path.name for path in place.contents] == [DIGEST_FILE]  # an empty folder would not be archived
    assert "24 examples are more than max_examples (20)" in caplog.text


@pytest.mark.parametrize("examples", [{}, {"greet": ["hello", "hi"]}])
def test_there_is_nothing_to_tune_without_two_intents(tmp_path, examples):
    place = Place(tmp_path / "model")
    place.create(MiniLMFeaturizer, **STEPS).train(training_data(examples))
    assert [path.name for path in place.contents] == [DIGEST_FILE]  # an empty folder would not be archived
    assert vectors(place.load(MiniLMFeaturizer, **STEPS), ["hello"]).shape == (1, 384)


def test_one_example_an_intent_is_enough(tmp_path):
    place = Place(tmp_path / "model")
    data = training_data({"greet": ["hello"], "goodbye": ["bye"]})
    place.create(MiniLMFeaturizer, **STEPS).train(data)
    place.load(MiniLMFeaturizer, **STEPS).process_training_data(data)
    assert not any(example.get(HELD_OUT) for example in data.training_examples)


def test_time_is_bounded_and_said(base, caplog):
    settings = TuningSettings(max_seconds=1e-6, frozen_layers=5)
    with caplog.at_level(logging.WARNING):
        tuned = finetune.fine_tune(TEXTS, INTENTS, base.encode, find_file(*MODEL), find_file(*TOKENIZER), settings)
    assert "Fine-tuning stopped after 0 of 8 steps" in caplog.text
    assert caplog.text.count("Fine-tuning stopped") == 1
    assert tuned.rehearsal.shape == (len(TEXTS), 384)
