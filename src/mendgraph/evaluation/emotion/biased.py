"""Single tiers given what the combination has: a bias per class, fitted on dev.

Without these lines a cascade whose combination learns the class frequencies of the test set's own source would be
credited with healing for what a bias per class does for any single tier.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mendgraph.app import MendGraph
from mendgraph.core.arrays import FloatArray
from mendgraph.core.calibration import Vector
from mendgraph.core.values import Prediction
from mendgraph.evaluation.emotion.answers import Echo, System
from mendgraph.evaluation.emotion.datasets import Labelled
from mendgraph.nodes.call import call


def biased(graph: MendGraph, dev: Labelled, test: Labelled, echo: Echo) -> tuple[System, ...]:
    """Every tier that reads all rows, its scores moved by vector scaling (Guo et al. 2017) fitted on `dev`.

    Tiers that fail on any row are left out.
    """
    found = []
    for name in graph.tiers:
        if name == "emoji":
            continue
        echo(f"{name}: class biases fitted on {len(dev.texts):,} dev rows")
        fitted_on, asked = _scores(graph, name, dev.texts), _scores(graph, name, test.texts)
        if fitted_on is None or asked is None:
            continue
        scaling = Vector.fit(fitted_on, dev.labels)
        moved = scaling.transform(asked)
        said = scaling.classes(asked).astype(np.int64)
        found.append(System(f"{name} with class biases", said, moved[np.arange(len(said)), said], moved))
    return tuple(found)


def _scores(graph: MendGraph, name: str, texts: Sequence[str]) -> FloatArray | None:
    rows = [graph.context.prepare(text) for text in texts]
    outcomes = call(name, graph.tiers[name], rows, graph.labels).outcomes
    said = [o for o in outcomes if isinstance(o, Prediction)]
    if len(said) != len(rows):
        return None
    return np.array([[o.scores[label] for label in graph.labels] for o in said])
