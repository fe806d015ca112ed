"""A tier for texts that are only emoji: Dirichlet posteriors over labels, one per emoji."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mendgraph.core import emojis
from mendgraph.core.calibration import Temperature
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactError, ArtifactMissing, TierError

# Words in an emoji's own name, for emoji with neither prior nor data.  First match wins, so "broken" stands
# before "heart"; KEYWORD_PRIOR is the probability of the label they name.
KEYWORDS = (
    ("broken", "sadness"), ("crying", "sadness"), ("tear", "sadness"), ("sad", "sadness"),
    ("frowning", "sadness"), ("weary", "sadness"), ("angry", "anger"), ("pouting", "anger"),
    ("enraged", "anger"), ("fear", "fear"), ("scream", "fear"), ("anxious", "fear"), ("nauseated", "disgust"),
    ("vomiting", "disgust"), ("kiss", "love"), ("heart", "love"), ("love", "love"), ("astonished", "surprise"),
    ("surprise", "surprise"), ("exploding", "surprise"), ("grin", "joy"), ("laugh", "joy"), ("smil", "joy"),
    ("joy", "joy"), ("party", "joy"), ("celebrat", "joy"),
)  # fmt: skip
KEYWORD_PRIOR = 0.5


class EmojiTier:
    """Answers rows whose facts say ``emoji_only``; every other row is a `Failure`.

    The probability of a label given one emoji is the posterior mean of a Dirichlet-multinomial: the prior as
    ``prior_strength`` pseudo-counts plus the counts of training rows.  Several emoji are joined by the
    logarithmic opinion pool with equal weights (Genest and Zidek, Statistical Science 1986): the normalised
    geometric mean, so that ten times the same emoji says no more than once.

    The prediction's value is ``{"basis": "data" | "prior", "examples": n}``: "data" when every emoji used was
    seen in at least ``min_examples`` training rows; n is the number of rows of the rarest.
    """

    name = "emoji"

    def __init__(self, path: Path) -> None:
        """
        Args:
            path: JSON with ``labels``, ``counts`` {emoji: {label: rows}}, ``priors`` {emoji: {label:
                probability}}, ``prior_strength`` (pseudo-rows, > 0) and ``min_examples`` (rows).
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ArtifactMissing(
                f"the emoji table {str(path)!r} cannot be read: {error.strerror}",
                hint="run `mend train emotion`",
            ) from error
        self.fingerprint = hashlib.sha256(content).hexdigest()
        # The identity: a posterior mean is a probability already, and says so.
        self.calibrator = Temperature(1.0, self.fingerprint)
        try:
            data = json.loads(content)
            self.labels: tuple[str, ...] = tuple(data["labels"])
            self._counts = _rows(data["counts"], self.labels)
            self._priors = _rows(data["priors"], self.labels)
            self._strength = float(data["prior_strength"])
            self._min_examples = int(data["min_examples"])
            _check(self.labels, self._priors, self._counts, self._strength)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ArtifactError(
                f"the emoji table {str(path)!r} is malformed: {error}", hint="run `mend train emotion`"
            ) from error

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        return [self._answer(row) for row in rows]

    def _answer(self, row: Input) -> Prediction | Failure:
        if not row.facts.get("emoji_only"):
            return Failure.of(TierError("the text is not only emoji"))
        # One posterior per different emoji would ignore emphasis; one per occurrence lets the majority win.
        clusters = [emojis.canonical(cluster) for cluster in row.facts.get("emoji", ())]
        known = {
            cluster: found for cluster in set(clusters) if (found := self._posterior(cluster)) is not None
        }
        used = [cluster for cluster in clusters if cluster in known]
        if not used:
            return Failure.of(
                TierError(
                    f"no emotion known for {' '.join(dict.fromkeys(clusters)) or 'this text'}",
                    hint="add a word or two",
                )
            )
        logs = [
            math.fsum(math.log(known[cluster][index]) for cluster in used) / len(used)
            for index in range(len(self.labels))
        ]
        peak = max(logs)
        weights = [math.exp(value - peak) for value in logs]
        total = math.fsum(weights)
        scores = {label: weight / total for label, weight in zip(self.labels, weights, strict=True)}
        label = max(scores, key=scores.__getitem__)
        examples = min(self._examples(cluster) for cluster in known)
        basis = "data" if examples >= self._min_examples else "prior"
        return Prediction(label, scores, scores[label], value={"basis": basis, "examples": examples})

    def _examples(self, cluster: str) -> int:
        return int(sum(self._counts.get(cluster, ())))

    def _posterior(self, cluster: str) -> tuple[float, ...] | None:
        """Probability per label, in label order, each > 0; None where nothing is known."""
        prior = self._priors.get(cluster) or self._by_name(cluster)
        if prior is None:
            if self._examples(cluster) < self._min_examples:
                return None
            prior = (1.0 / len(self.labels),) * len(self.labels)
        counts = self._counts.get(cluster, (0.0,) * len(self.labels))
        total = math.fsum(counts) + self._strength
        return tuple(
            (count + self._strength * share) / total for count, share in zip(counts, prior, strict=True)
        )

    def _by_name(self, cluster: str) -> tuple[float, ...] | None:
        words = emojis.name(cluster)
        for word, label in KEYWORDS:
            if word in words and label in self.labels:
                rest = (1.0 - KEYWORD_PRIOR) / (len(self.labels) - 1)
                return tuple(KEYWORD_PRIOR if other == label else rest for other in self.labels)
        return None


def _rows(table: Mapping[str, Mapping[str, Any]], labels: Sequence[str]) -> dict[str, tuple[float, ...]]:
    for cluster, row in table.items():
        outside = sorted(set(row) - set(labels))
        if outside:
            raise ValueError(f"{cluster}: label {outside[0]!r} is outside {', '.join(labels)}")
    return {cluster: tuple(float(row.get(label, 0.0)) for label in labels) for cluster, row in table.items()}


def _check(
    labels: Sequence[str],
    priors: Mapping[str, Sequence[float]],
    counts: Mapping[str, Sequence[float]],
    strength: float,
) -> None:
    if len(labels) < 2 or len(set(labels)) != len(labels):
        raise ValueError(f"expected two or more different labels, got {list(labels)}")
    if not (math.isfinite(strength) and strength > 0):
        raise ValueError(f"prior_strength must be a positive number, got {strength}")
    for cluster, row in priors.items():
        if min(row) <= 0 or not math.isclose(math.fsum(row), 1.0, abs_tol=1e-3):
            raise ValueError(
                f"the prior of {cluster} must be positive and sum to 1, got {math.fsum(row):.3f}"
            )
    for cluster, row in counts.items():
        if min(row) < 0 or not all(math.isfinite(count) for count in row):
            raise ValueError(f"the counts of {cluster} must be finite and not negative")
