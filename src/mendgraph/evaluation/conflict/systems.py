"""What says of documents how they conflict: the classifier, and baselines that read less."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from mendgraph.adapters.conflict_types import ConflictTypesTier
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.core.arrays import FloatArray
from mendgraph.core.conflict import LEVELS
from mendgraph.core.evidence import FEATURES, evidence
from mendgraph.core.pairing import combined, compared, pairs_among
from mendgraph.evaluation.conflict.datasets import Sample
from mendgraph.training.conflict.pairs import LabelledPair

__all__ = [
    "System",
    "bag_of_pairs",
    "classifier",
    "comparison",
    "embeddings",
    "key_of",
    "least_overlap",
    "remembered",
]

System = Callable[[Sequence[Sample]], FloatArray]
"""N samples to (N, levels) probabilities before calibration, "none" first."""

Triple = tuple[str, str, str]
PairSystem = Callable[[Sequence[Triple]], FloatArray]
"""N of (question, document, document) to (N, levels)."""

_SHARED: Final = FEATURES.index("words shared")


def classifier(tier: ConflictTypesTier) -> System:
    """The types classifier."""
    return _over_pairs(tier.pair_chances)


def comparison(train: Sequence[LabelledPair]) -> System:
    """Boosted trees over what needs no model: which dates, quantities, names and words of two documents agree."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=100, max_depth=5, random_state=0)
    model.fit(_evidence([_triple(pair) for pair in train]), [pair.level for pair in train])
    return _over_pairs(lambda triples: _ordered(model, model.predict_proba(_evidence(triples))))


def embeddings(train: Sequence[LabelledPair], vectors: SentenceVectors) -> System:
    """Logistic regression over sentence vectors of two documents: u, v, |u - v|, u * v (Conneau et al. 2017)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model: Any = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, C=0.1))
    model.fit(_embedded([_triple(pair) for pair in train], vectors), [pair.level for pair in train])
    return _over_pairs(lambda triples: _ordered(model, model.predict_proba(_embedded(triples, vectors))))


def bag_of_pairs(train: Sequence[LabelledPair]) -> System:
    """Logistic regression over TF-IDF of words and word pairs of question and two documents."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model: Any = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=60_000),
        LogisticRegression(max_iter=1000, C=4.0),
    )
    model.fit([" [SEP] ".join(_triple(pair)) for pair in train], [pair.level for pair in train])
    return _over_pairs(
        lambda triples: _ordered(model, model.predict_proba([" [SEP] ".join(one) for one in triples]))
    )


def least_overlap(samples: Sequence[Sample]) -> FloatArray:
    """The fewer words two documents share, the more they conflict; of no level in particular."""

    def judged(triples: Sequence[Triple]) -> FloatArray:
        apart = 1.0 - _evidence(triples)[:, _SHARED : _SHARED + 1]
        return np.hstack([1.0 - apart, np.repeat(apart / 4, 4, axis=1)])

    return _over_pairs(judged)(samples)


def remembered(system: System) -> System:
    """A sample that occurs in several sets is judged once."""
    known: dict[tuple[str, ...], FloatArray] = {}

    def judged(samples: Sequence[Sample]) -> FloatArray:
        keys = [key_of(one) for one in samples]
        new = {key: one for key, one in zip(keys, samples, strict=True) if key not in known}
        if new:
            known.update(zip(new, system(list(new.values())), strict=True))
        return np.stack([known[key] for key in keys])

    return judged


def key_of(sample: Sample) -> tuple[str, ...]:
    """What a system reads of a sample."""
    return sample.question, *(document.text for document in sample.documents)


def _over_pairs(judge: PairSystem) -> System:
    def system(samples: Sequence[Sample]) -> FloatArray:
        triples: list[Triple] = []
        sizes = []
        for one in samples:
            texts = [document.text for document in one.documents]
            pairs = pairs_among(compared(one.question, texts))
            triples += [(one.question, texts[a], texts[b]) for a, b in pairs]
            sizes.append(len(pairs))
        parts = np.split(judge(triples), np.cumsum(sizes)[:-1])
        return np.stack([combined(part)[0] for part in parts])

    return system


def _evidence(triples: Sequence[Triple]) -> FloatArray:
    return np.array([evidence(*one) for one in triples], dtype=np.float64)


def _embedded(triples: Sequence[Triple], vectors: SentenceVectors) -> FloatArray:
    texts = list(dict.fromkeys(text for one in triples for text in one[1:]))
    place = {text: number for number, text in enumerate(texts)}
    known = vectors.encoder.encode(texts).double().numpy()
    first, second = (known[[place[one[side]] for one in triples]] for side in (1, 2))
    return np.hstack([first, second, np.abs(first - second), first * second])


def _ordered(model: Any, chances: Any) -> FloatArray:
    """Columns in the order of `LEVELS`; a level that was never seen has none of the probability."""
    found = np.zeros((len(chances), len(LEVELS)))
    for column, level in enumerate(model.classes_):
        found[:, LEVELS.index(level)] = chances[:, column]
    return found


def _triple(pair: LabelledPair) -> Triple:
    return pair.question, pair.first, pair.second
