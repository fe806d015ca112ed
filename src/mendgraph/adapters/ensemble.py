"""A backup of several adapters, trained apart, that answer together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mendgraph.adapters.adapter_tier import AdapterTier
from mendgraph.adapters.hashing import sha256_of_json
from mendgraph.adapters.outcomes import outcome
from mendgraph.core.arrays import clipped_log, softmax
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import BadOutput, ShapeMismatch


class EnsembleTier:
    """The normalised geometric mean of its members' probabilities (a logarithmic opinion pool)."""

    def __init__(self, name: str, members: Sequence[AdapterTier]) -> None:
        """
        Raises:
            ShapeMismatch: the members have different labels.
        """
        self.name = name
        self.labels = members[0].labels
        self.members = tuple(members)
        if odd := next((m for m in members if set(m.labels) != set(self.labels)), None):
            raise ShapeMismatch(
                f"members of tier {name!r} have different labels: {list(self.labels)} and {list(odd.labels)}",
                hint="train them on the same label space",
            )
        self.fingerprint = sha256_of_json({"members": [member.fingerprint for member in members]})[:16]

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        """A row that any member cannot answer fails; the others are unharmed."""
        said = list(zip(*(member.predict(rows) for member in self.members), strict=True))
        return [self._one(outcomes) for outcomes in said]

    def _one(self, outcomes: Sequence[Prediction | Failure]) -> Prediction | Failure:
        predictions = [o for o in outcomes if isinstance(o, Prediction)]
        if len(predictions) < len(outcomes):
            failed = next(o for o in outcomes if isinstance(o, Failure))
            return Failure.of(BadOutput(f"a member of tier {self.name!r} failed: {failed.message}"))
        logs = clipped_log(np.array([[p.scores[label] for label in self.labels] for p in predictions]))
        scores = softmax(logs.mean(axis=0, keepdims=True))[0].tolist()
        signals = {
            name: sum(p.signals[name] for p in predictions) / len(predictions)
            for name in predictions[0].signals
            if all(name in p.signals for p in predictions)
        }
        return outcome(self.name, self.labels, scores, signals)
