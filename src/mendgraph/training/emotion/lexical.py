"""Trains the lexical backup: logistic regression on hashed TF-IDF features, pruned and quantised."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mendgraph.core.lexical import LexicalModel, counts, weigh

MIN_DOCUMENTS = 3
"""Features seen in fewer training texts are noise."""


def fit_lexical(
    texts: Sequence[str],
    labels: npt.NDArray[np.int64],
    classes: int,
    *,
    keep: int = 60_000,
    c: float = 3.0,
) -> LexicalModel:
    """Fits on all features, keeps the `keep` most telling ones, and fits again on those.

    Args:
        texts: prepared texts.
        labels: (N,) class numbers.
        classes: number of classes C.
        keep: features that stay, by ``idf * max_c |w|``.
        c: inverse L2 strength.

    Class weights are ``(N / (C n_c)) ** 0.5``: rare classes count more, without drowning the frequent ones.
    """
    blocks = [counts(text) for text in texts]
    seen = Counter(key for pair in blocks for block in pair for key in block)
    keys = np.array(sorted(key for key, n in seen.items() if n >= MIN_DOCUMENTS), dtype=np.uint32)
    idf = _idf(keys, seen, len(texts))
    model = _fitted(blocks, labels, classes, keys, idf, c)
    if len(keys) > keep:
        telling = idf * np.abs(model.weights).max(axis=1)
        chosen = np.sort(np.argsort(telling)[-keep:])
        model = _fitted(blocks, labels, classes, keys[chosen], idf[chosen], c)
    return quantised(model)


def quantised(model: LexicalModel) -> LexicalModel:
    """The model as it will be stored: int8 weights with one scale per class, float16 idf."""
    weights, scale = int8(model.weights)
    return LexicalModel(
        keys=model.keys,
        idf=model.idf.astype(np.float16).astype(np.float32),
        weights=weights.astype(np.float32) * scale,
        bias=model.bias.astype(np.float32),
    )


def int8(weights: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Symmetric per-column quantisation: ``weights ~ int8 * scale``."""
    scale = (np.abs(weights).max(axis=0) / 127.0).astype(np.float32)
    scale[scale == 0.0] = 1.0
    return np.round(weights / scale).astype(np.int8), scale


def _idf(keys: npt.NDArray[np.uint32], seen: Counter[int], documents: int) -> npt.NDArray[np.float32]:
    """Smoothed inverse document frequency, ``log((1 + N) / (1 + df)) + 1``."""
    values = [math.log((1 + documents) / (1 + seen[int(key)])) + 1.0 for key in keys]
    return np.array(values, dtype=np.float32)


def _fitted(
    blocks: Sequence[tuple[Counter[int], Counter[int]]],
    labels: npt.NDArray[np.int64],
    classes: int,
    keys: npt.NDArray[np.uint32],
    idf: npt.NDArray[np.float32],
    c: float,
) -> LexicalModel:
    from sklearn.linear_model import LogisticRegression

    present = np.bincount(labels, minlength=classes)
    weight = {i: math.sqrt(len(labels) / (classes * n)) for i, n in enumerate(present) if n}
    fit = LogisticRegression(C=c, class_weight=weight, max_iter=400)
    fit.fit(_sparse(blocks, keys, idf), labels)
    weights = np.zeros((len(keys), classes), dtype=np.float32)
    bias = np.full(classes, -20.0, dtype=np.float32)
    weights[:, fit.classes_] = fit.coef_.T
    bias[fit.classes_] = fit.intercept_
    return LexicalModel(keys, idf, weights, bias)


def _sparse(
    blocks: Sequence[tuple[Counter[int], Counter[int]]],
    keys: npt.NDArray[np.uint32],
    idf: npt.NDArray[np.float32],
) -> Any:
    from scipy.sparse import csr_matrix

    columns, values, starts = [], [], [0]
    for pair in blocks:
        for block in pair:
            places, weights = weigh(block, keys, idf)
            columns.append(places)
            values.append(weights)
        starts.append(starts[-1] + sum(len(c) for c in columns[-len(pair) :]))
    shape = (len(blocks), len(keys))
    return csr_matrix((np.concatenate(values), np.concatenate(columns), starts), shape=shape)
