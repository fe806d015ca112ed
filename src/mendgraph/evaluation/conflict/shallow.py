"""Baselines that read nothing: regular expressions and bags of words.

They say how much of a data set can be had without understanding it.  On claim sets made to be read they must stay near
chance; a detector is worth what it adds to them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from mendgraph.adapters.conflict_types import set_text
from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.conflict import Document
from mendgraph.core.evidence import body_of

__all__ = ["REGEX_FEATURES", "bag_of_words", "regex_features", "regular_expression"]

Row = tuple[str, Sequence[Document]]
"""Question and documents."""

_NAME: Final = re.compile(r"\b[A-Z][\w&'-]+")
_NUMBER: Final = re.compile(r"\d[\d,.]*")
_YEAR: Final = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_DENIAL: Final = re.compile(
    r"\b(?:no|not|never|none|against|fails?|useless|without|less|fewer|worse)\b", re.I
)

REGEX_FEATURES: Final = (
    "documents",
    "documents that name the subject",
    "different numbers in those",
    "different years in those",
    "different names in those",
    "denials among those",
    "affirmations among those",
    "different numbers in all",
    "different names in all",
)


def regex_features(rows: Sequence[Row]) -> FloatArray:
    """(N, `REGEX_FEATURES`): counts of what regular expressions find in documents, headers left out."""
    return np.array([_counts(question, documents) for question, documents in rows], dtype=np.float64)


def regular_expression(train: Sequence[Row], labels: IntArray, test: Sequence[Row]) -> FloatArray:
    """(M, classes) probabilities of boosted trees over `regex_features`."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(random_state=0)
    model.fit(regex_features(train), labels)
    return np.asarray(model.predict_proba(regex_features(test)), dtype=np.float64)


def bag_of_words(train: Sequence[Row], labels: IntArray, test: Sequence[Row]) -> FloatArray:
    """(M, classes) probabilities of a logistic regression over TF-IDF of words and word pairs."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model: Any = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=60_000),
        LogisticRegression(max_iter=1000, C=4.0),
    )
    model.fit([set_text(*row) for row in train], labels)
    return np.asarray(model.predict_proba([set_text(*row) for row in test]), dtype=np.float64)


def _counts(question: str, documents: Sequence[Document]) -> list[float]:
    subject = set(_NAME.findall(question)[1:])  # the first capital is the sentence's
    bodies = [body_of(document.text) for document in documents]
    about = [body for body in bodies if subject and subject <= set(_NAME.findall(body))]
    denials = sum(bool(_DENIAL.search(body)) for body in about)
    return [
        len(bodies),
        len(about),
        _different(_NUMBER, about),
        _different(_YEAR, about),
        len({name for body in about for name in _NAME.findall(body)[1:]} - subject),
        denials,
        len(about) - denials,
        _different(_NUMBER, bodies),
        len({name for body in bodies for name in _NAME.findall(body)[1:]} - subject),
    ]


def _different(pattern: re.Pattern[str], bodies: Sequence[str]) -> int:
    return len({found.strip(".,").replace(",", "") for body in bodies for found in pattern.findall(body)})
