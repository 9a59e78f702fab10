import numpy as np
import pytest
from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from assistant.nlu.encoder import DIMENSIONS, MAX_BATCH, Encoder, EncoderFileMissing, digest
from assistant.nlu.featurizer import MiniLMFeaturizer
from assistant.nlu.vectors import VectorFile, Vectors

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


def featurizer(encoder, **config):
    return MiniLMFeaturizer({**MiniLMFeaturizer.get_default_config(), **config}, "featurizer", encoder)


def features(message):
    sequence, sentence = message.get_dense_features("text")
    return sequence and sequence.features, sentence.features


def counted(encoder):
    batches = []

    def encode(texts):
        batches.append(list(texts))
        return encoder.encode(texts)

    return encode, batches


def test_sentence_vectors_have_the_length_of_the_scale(encoder):
    messages = featurizer(encoder).process([Message({"text": text}) for text in TEXTS])
    for message in messages:
        sequence, sentence = features(message)
        assert sequence is None
        assert sentence.shape == (1, DIMENSIONS)
        assert np.linalg.norm(sentence) == pytest.approx(10, abs=1e-4)


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


def test_training_uses_the_folder_of_the_run(encoder, tmp_path, monkeypatch):
    monkeypatch.setenv("TANDEM_VAR", str(tmp_path))
    data = TrainingData([Message({"text": text, "intent": "x"}) for text in TEXTS])
    featurizer(encoder).process_training_data(data)
    assert features(data.training_examples[2])[1].shape == (1, DIMENSIONS)
    assert (tmp_path / "cache" / f"vectors-{digest()}.db").is_file()


def test_sequence_features_on_request(encoder):
    message = Message({"text": "Unbelievably slow broadband!"})
    tokenizer = WhitespaceTokenizer(WhitespaceTokenizer.get_default_config())
    tokenizer.process([message])
    featurizer(encoder, sequence_features=True).process([message])
    sequence, sentence = features(message)
    assert sequence.shape == (3, DIMENSIONS)
    assert all(np.abs(row).sum() > 0 for row in sequence)
    assert sentence.shape == (1, DIMENSIONS)


@pytest.mark.parametrize("scale", [0, -1, "ten", None])
def test_a_scale_that_is_none_is_refused(encoder, scale):
    with pytest.raises(InvalidConfigException, match="scale must be a positive number"):
        featurizer(encoder, scale=scale)


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
