"""The trivial lines beside the result: the best constant answer, and TF-IDF with logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mendgraph.core.arrays import IntArray
from mendgraph.core.preprocess import prepare
from mendgraph.errors import MendError
from mendgraph.evaluation.emotion.answers import System
from mendgraph.evaluation.emotion.datasets import Labelled
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.tables import TRAIN_EXTRA

NAME = "TF-IDF + logistic regression"


def majority(labels: IntArray) -> System:
    """Always the most frequent class of the test set itself: no constant answer is more accurate."""
    shares = np.bincount(labels, minlength=len(LABELS)) / len(labels)
    said = np.full(len(labels), int(shares.argmax()), dtype=np.int64)
    return System(
        "majority class", said, np.full(len(labels), shares.max()), np.tile(shares, (len(labels), 1))
    )


class TfIdf:
    """Words and word pairs seen in two texts or more, sublinear counts, balanced class weights."""

    def __init__(self, train: Labelled) -> None:
        try:
            from sklearn.feature_extraction.text import TfidfVectorizer
            from sklearn.linear_model import LogisticRegression
        except ImportError as error:
            raise MendError("the TF-IDF baseline needs scikit-learn", hint=TRAIN_EXTRA) from error
        self._features: Any = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        self._model: Any = LogisticRegression(class_weight="balanced", max_iter=1000)
        self._model.fit(self._features.fit_transform(_clean(train.texts)), train.labels)

    def answer(self, texts: Sequence[str]) -> System:
        probabilities = np.zeros((len(texts), len(LABELS)))
        probabilities[:, self._model.classes_] = self._model.predict_proba(
            self._features.transform(_clean(texts))
        )
        said = probabilities.argmax(axis=1).astype(np.int64)
        return System(NAME, said, probabilities.max(axis=1), probabilities)


def _clean(texts: Sequence[str]) -> list[str]:
    """What the tiers read, so that the baseline is not beaten by preprocessing alone."""
    return [prepare(text).text for text in texts]
