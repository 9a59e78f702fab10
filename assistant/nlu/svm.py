"""A linear support vector machine on a sentence's vector beside its words and letters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

ARRAYS_FILE = "svm.safetensors"
WORDS_FILE = "svm.json"
# Character n-grams within words bear misspellings; word pairs bear order.
NGRAMS = ({"analyzer": "char_wb", "ngram_range": (1, 4)}, {"analyzer": "word", "ngram_range": (1, 2)})


def unit(vectors: np.ndarray) -> np.ndarray:
    """The rows at length 1; a row of zeros stays."""
    return vectors / np.clip(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12, None)


@dataclass
class HybridSVM:
    """One-against-rest linear SVMs over [vector ‖ weight × TF-IDF of character 1–4-grams and word 1–2-grams].

    The vector knows paraphrases, TF-IDF the words that decide between near intents.
    """

    labels: list[str]
    coefficients: np.ndarray  # float32 (features, labels), in this order: a transposed view costs a copy a message
    intercepts: np.ndarray  # float32 (labels,)
    readers: list[TfidfVectorizer]
    tfidf_weight: float

    @classmethod
    def fit(
        cls,
        vectors: np.ndarray,
        texts: Sequence[str],
        intents: np.ndarray,
        *,
        c: float,
        tfidf_weight: float,
        max_ngrams: int,
    ) -> HybridSVM:
        """Trains.

        Args:
            vectors: unit length, float32 of shape (texts, dimensions).
            texts: the examples.
            intents: the intent of each, shape (texts,).
            c: inverse strength of the regularisation.
            tfidf_weight: what the TF-IDF features count beside the vector.
            max_ngrams: the most frequent n-grams of each kind that are kept, which bounds the model's size.
        """
        options = {"sublinear_tf": True, "dtype": np.float32, "max_features": max_ngrams}
        readers = [_fitted(TfidfVectorizer(**kind, **options), texts) for kind in NGRAMS]
        labels = sorted(set(intents))
        model = cls(labels, np.zeros((0, 1)), np.zeros(1), readers, tfidf_weight)
        if len(labels) == 1:
            width = vectors.shape[1] + sum(len(reader.vocabulary_) for reader in readers)
            model.coefficients, model.intercepts = np.zeros((width, 1), np.float32), np.zeros(1, np.float32)
            return model
        trained = LinearSVC(C=c, random_state=0).fit(model._features(vectors, texts), intents)
        coefficients, intercepts = trained.coef_, trained.intercept_
        if len(labels) == 2:  # scikit-learn gives the second label's row alone
            coefficients, intercepts = np.vstack([-coefficients, coefficients]), np.r_[-intercepts, intercepts]
        model.coefficients = np.ascontiguousarray(coefficients.T, np.float32)
        model.intercepts = intercepts.astype(np.float32)
        return model

    def margins(self, vectors: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        """Signed distances to each label's plane, in units of its margin: shape (texts, labels)."""
        return np.asarray(self._features(vectors, texts) @ self.coefficients) + self.intercepts

    def _features(self, vectors: np.ndarray, texts: Sequence[str]) -> csr_matrix:
        words = [self.tfidf_weight * reader.transform(texts) for reader in self.readers]
        return hstack([csr_matrix(vectors), *words]).tocsr()

    def save(self, folder: Path) -> None:
        """Writes two files into `folder`."""
        arrays = {"coefficients": self.coefficients, "intercepts": self.intercepts}
        arrays |= {f"idf_{i}": np.asarray(reader.idf_, np.float32) for i, reader in enumerate(self.readers)}
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, str(folder / ARRAYS_FILE))
        ngrams = [reader.get_feature_names_out().tolist() for reader in self.readers]
        words = {"labels": list(map(str, self.labels)), "ngrams": ngrams, "tfidf_weight": self.tfidf_weight}
        (folder / WORDS_FILE).write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> HybridSVM:
        """Reads what save() wrote.

        Raises:
            OSError: a file is missing.
        """
        arrays = load_file(str(folder / ARRAYS_FILE))
        words = json.loads((folder / WORDS_FILE).read_text(encoding="utf-8"))
        readers = []
        for i, (kind, ngrams) in enumerate(zip(NGRAMS, words["ngrams"], strict=True)):
            vocabulary = {ngram: column for column, ngram in enumerate(ngrams)}
            reader = TfidfVectorizer(**kind, sublinear_tf=True, dtype=np.float32, vocabulary=vocabulary)
            reader.idf_ = arrays[f"idf_{i}"]
            readers.append(reader)
        return cls(words["labels"], arrays["coefficients"], arrays["intercepts"], readers, words["tfidf_weight"])


def _fitted(reader: TfidfVectorizer, texts: Sequence[str]) -> TfidfVectorizer:
    try:
        return reader.fit(texts)
    except ValueError:  # no text has a word of two letters; a made-up n-gram stands for none
        reader.vocabulary = {"\0": 0}
        return reader.fit(["\0"])
