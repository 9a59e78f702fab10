import os

import numpy as np
import pytest
from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from assistant.nlu.encoder import DIMENSIONS, MAX_BATCH, Encoder, EncoderFileMissing, digest
from assistant.nlu.featurizer import MiniLMFeaturizer
from assistant.nlu.vectors import VectorFile, Vectors, keep_newest
from tests.unit.assistant.nlu_fixtures import Place

TEXTS = [
    "Where is my order?",
    "hi",
    "My internet has been dropping out every evening for a week, and restarting the router does not help at all",
    "Can I talk to a person please",
    "😡",
    "我的网络断了",
]


@pytest.fixture(scope="module")
def encoder():
    return Encoder.installed()


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "model")


def features(message):
    sequence, sentence = message.get_dense_features("text")
    return sequence and sequence.features, sentence.features


def counted(encoder):
    batches = []

    def encode(texts):
        batches.append(list(texts))
        return encoder.encode(texts)

    return encode, batches


def test_sentence_vectors_have_length_1(place):
    messages = place.create(MiniLMFeaturizer).process([Message({"text": text}) for text in TEXTS])
    for message in messages:
        sequence, sentence = features(message)
        assert sequence is None
        assert sentence.shape == (1, DIMENSIONS)
        assert np.linalg.norm(sentence) == pytest.approx(1, abs=1e-5)


def test_a_batch_gives_what_single_texts_give_in_their_order(encoder):
    texts = [f"{text} {n}" for n in range(MAX_BATCH) for text in TEXTS[:3]]
    batched = Vectors(encoder.encode).get(texts)
    assert len(batched) == len(texts)
    for text, vector in list(zip(texts, batched, strict=True))[::17]:
        assert vector @ encoder.encode([text])[0] == pytest.approx(1, abs=1e-4)


def test_like_meanings_are_near(encoder):
    order, parcel, lunch = encoder.encode(["Where is my order?", "When will my parcel come?", "I had soup for lunch"])
    assert order @ parcel > order @ lunch + 0.2


def test_batches_are_small_and_sorted_by_length(encoder):
    encode, batches = counted(encoder)
    Vectors(encode).get_for_training([f"{'word ' * (n % 7)}{n}" for n in range(100)])
    assert [len(batch) for batch in batches] == [MAX_BATCH, 100 - MAX_BATCH]
    lengths = [len(text) for batch in batches for text in batch]
    assert lengths == sorted(lengths)


def test_a_text_is_encoded_once(encoder):
    encode, batches = counted(encoder)
    vectors = Vectors(encode, capacity=2)
    vectors.get(["a", "b", "a"])
    vectors.get(["b"])
    assert batches == [["a", "b"]]
    vectors.get(["c", "d"])
    vectors.get(["a"])
    assert batches[1:] == [["c", "d"], ["a"]]


def test_the_next_training_reads_the_file_and_customers_words_are_not_in_it(encoder, tmp_path):
    file = VectorFile(tmp_path / "cache" / "vectors.db")
    first = Vectors(encoder.encode, file).get_for_training(TEXTS)
    encode, batches = counted(encoder)
    again = Vectors(encode, file)
    assert np.allclose(again.get_for_training([*TEXTS, "new"])[: len(TEXTS)], first)
    assert batches == [["new"]]
    size = (tmp_path / "cache" / "vectors.db").stat().st_size
    again.get(["my name is Priya Sharma"])
    assert (tmp_path / "cache" / "vectors.db").stat().st_size == size
    assert b"Where is my order" not in (tmp_path / "cache" / "vectors.db").read_bytes()


def test_a_broken_cache_costs_time_only(encoder, tmp_path, caplog):
    (tmp_path / "vectors.db").write_text("this is no database")
    vectors = Vectors(encoder.encode, VectorFile(tmp_path / "vectors.db")).get_for_training(["hi"])
    assert vectors[0].shape == (DIMENSIONS,)
    assert "cannot be read" in caplog.text


def test_training_uses_the_folder_of_the_run(place, tmp_path, monkeypatch):
    monkeypatch.setenv("TANDEM_VAR", str(tmp_path))
    data = TrainingData([Message({"text": text, "intent": "x"}) for text in TEXTS])
    place.create(MiniLMFeaturizer).process_training_data(data)
    assert features(data.training_examples[2])[1].shape == (1, DIMENSIONS)
    assert (tmp_path / "cache" / f"vectors-{digest()}.db").is_file()


def test_sequence_features_on_request(place):
    message = Message({"text": "Unbelievably slow broadband!"})
    tokenizer = WhitespaceTokenizer(WhitespaceTokenizer.get_default_config())
    tokenizer.process([message])
    place.create(MiniLMFeaturizer, sequence_features=True).process([message])
    sequence, sentence = features(message)
    assert sequence.shape == (3, DIMENSIONS)
    assert all(np.abs(row).sum() > 0 for row in sequence)
    assert sentence.shape == (1, DIMENSIONS)


@pytest.mark.parametrize(
    ("option", "value", "demand"),
    [
        ("fine_tune", "yes", "fine_tune must be true or false, not 'yes'"),
        ("max_steps", 0, "max_steps must be a whole number of at least 1, not 0"),
        ("max_seconds", -5, "max_seconds must be a number of at least 1"),
        ("epochs", "many", "epochs must be a number of at least 0.1"),
        ("frozen_layers", 6, "frozen_layers must be a whole number from 0 to 5, not 6"),
        ("learning_rate", None, "learning_rate must be a number from 1e-07 to 1"),
        ("batch_size", 1.5, "batch_size must be a whole number from 2 to 512"),
    ],
)
def test_an_option_out_of_range_is_named(place, option, value, demand):
    with pytest.raises(InvalidConfigException, match=demand):
        place.create(MiniLMFeaturizer, **{option: value})


@pytest.mark.parametrize("variable", ["MINILM_MODEL", "MINILM_TOKENIZER"])
def test_a_missing_file_says_what_to_do(monkeypatch, tmp_path, variable):
    monkeypatch.setenv(variable, str(tmp_path / "none"))
    with pytest.raises(EncoderFileMissing, match=rf"none is missing: run `uv sync`.*point {variable} to a copy"):
        Encoder.installed()
    with pytest.raises(EncoderFileMissing):
        MiniLMFeaturizer.fingerprint_addon({})


def test_other_weights_mean_another_training(monkeypatch, tmp_path):
    before = MiniLMFeaturizer.fingerprint_addon({})
    (tmp_path / "model.onnx").write_bytes(b"other weights")
    monkeypatch.setenv("MINILM_MODEL", str(tmp_path / "model.onnx"))
    assert MiniLMFeaturizer.fingerprint_addon({}) != before


def test_the_files_that_were_used_last_stay(tmp_path):
    for age, name in enumerate(["a", "b", "c", "d"]):
        path = tmp_path / f"vectors-{name}.db"
        path.touch()
        os.utime(path, (1000 - age, 1000 - age))
    (tmp_path / "other.db").touch()
    keep_newest(tmp_path, "vectors-*.db", 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.db", "vectors-a.db", "vectors-b.db"]
