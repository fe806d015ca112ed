"""The fitted policy of one cascade: how sure each tier is, how attempts are weighed, what is sure enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mendgraph.core.calibration import Calibrator, calibrator_from_dict
from mendgraph.core.calibration.vector import Vector
from mendgraph.core.combine import CombinerSet
from mendgraph.core.values import Prediction
from mendgraph.errors import ArtifactError

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class IronyRule:
    """When and how an irony signal voids a literal reading.

    Attributes:
        threshold: irony probability from which a literal answer is doubted, chosen on held-out irony labels.
        labels: the answers an ironic text does not mean literally.
        tier: whose signal the threshold was chosen for; another tier's head is on another scale.
    """

    threshold: float
    labels: tuple[str, ...]
    tier: str = "primary"

    def applies(self, irony: float, label: str) -> bool:
        return irony >= self.threshold and label in self.labels

    def discounted(self, scores: Mapping[str, float], irony: float) -> dict[str, float]:
        """Mixture of both readings: ``(1 - irony) p(c) + irony p(c | c is not a literal label)``."""
        rest = sum(p for label, p in scores.items() if label not in self.labels)
        if rest <= 0.0:
            return dict(scores)
        return {
            label: (1.0 - irony) * p + (0.0 if label in self.labels else irony * (p / rest))
            for label, p in scores.items()
        }


@dataclass(frozen=True, slots=True)
class HealingPolicy:
    """Everything a cascade learned on held-out data.

    Attributes:
        labels: the label space, in order.
        calibrators: tier -> calibrator, valid only for the weights its `fingerprint` names.
        combiners: weighs the attempts of several tiers; None when never fitted.
        combined: calibrator of the combination, by the sorted names it weighs joined with ``+``.
        fingerprints: tier -> weights the combination was fitted with; a tier with other weights is left out.
        thresholds: stage -> confidence to accept there; ``default`` for stages not listed.
        irony: the irony check; None switches it off.
        mass: probability mass the options offered to a user should hold.
        target: what the thresholds were chosen for, e.g. ``{"risk": 0.1}``; for people to read.
    """

    labels: tuple[str, ...]
    calibrators: Mapping[str, Calibrator] = field(default_factory=dict)
    combiners: CombinerSet | None = None
    combined: Mapping[str, Calibrator] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    irony: IronyRule | None = None
    mass: float = 0.9
    target: Mapping[str, float] = field(default_factory=dict)

    def threshold(self, stage: str) -> float:
        return self.thresholds.get(stage, self.thresholds.get("default", 0.5))

    def calibrator(self, tier: str, fingerprint: str, own: Calibrator | None = None) -> Calibrator | None:
        """The calibrator that was fitted for these weights: this policy's, else the tier's `own`; None if neither."""
        for candidate in (self.calibrators.get(tier), own):
            if candidate is not None and candidate.fingerprint == fingerprint:
                return candidate
        return None

    def calibrate(
        self,
        tier: str,
        fingerprint: str,
        predictions: Sequence[Prediction],
        own: Calibrator | None = None,
    ) -> list[Prediction]:
        """Fills in `confidence`, and the label and scores as calibration sees them.

        Predictions stay as they are when no calibrator was fitted for these weights; see `calibrator`.
        """
        calibrator = self.calibrator(tier, fingerprint, own)
        if calibrator is None or not predictions:
            return list(predictions)
        given = _matrix([p.scores for p in predictions], self.labels)
        scores = calibrator.transform(given).tolist()
        labels = calibrator.classes(given).tolist()
        return [
            # A calibrator's confidence is the calibrated probability of the class it speaks of.
            Prediction(
                self.labels[label],
                dict(zip(self.labels, row, strict=True)),
                p.raw,
                row[label],
                p.signals,
                p.value,
            )
            for p, label, row in zip(predictions, labels, scores, strict=True)
        ]

    def combine(self, attempts: Sequence[Mapping[str, Prediction]]) -> list[Prediction | None]:
        """One prediction per row from what its tiers said; None where no learned weights cover them.

        Args:
            attempts: per row, tier -> that tier's calibrated prediction.
        """
        results: list[Prediction | None] = [None] * len(attempts)
        if self.combiners is None:
            return results
        groups: dict[tuple[str, ...], list[int]] = {}
        for row, tiers in enumerate(attempts):
            groups.setdefault(tuple(sorted(tiers)), []).append(row)
        for names, rows in groups.items():
            combiner = self.combiners.for_tiers(names)
            if combiner is None:
                continue
            used = sorted(combiner.tiers)
            calibrator = self.combined.get("+".join(used))
            stacked = {
                tier: _matrix([attempts[row][tier].scores for row in rows], self.labels) for tier in used
            }
            pooled = combiner.combine(stacked)
            sure = calibrator.confidence(pooled) if calibrator else pooled.max(axis=1)
            for row, probabilities, confidence in zip(rows, pooled, sure, strict=True):
                best = int(probabilities.argmax())
                results[row] = Prediction(
                    label=self.labels[best],
                    scores=dict(zip(self.labels, map(float, probabilities), strict=True)),
                    raw=float(probabilities[best]),
                    confidence=float(confidence) if calibrator else None,
                )
        return results

    def over(self, labels: Sequence[str]) -> HealingPolicy:
        """The same policy for other labels.  Calibrators go by their weights' fingerprints, not by labels.

        Raises:
            ArtifactError: it holds what was learned label by label.
        """
        if self.labels == tuple(labels):
            return self
        if self.combiners or self.irony or any(isinstance(c, Vector) for c in self.calibrators.values()):
            raise ArtifactError(
                f"the policy is for the labels {', '.join(self.labels)}, and was learned label by label",
                hint=f"fit it again for {', '.join(labels)}",
            )
        return replace(self, labels=tuple(labels))

    def to_dict(self) -> dict[str, Any]:
        return {
            "labels": list(self.labels),
            "calibrators": {tier: c.to_dict() for tier, c in self.calibrators.items()},
            "combiners": self.combiners.to_dict() if self.combiners else None,
            "combined": {key: c.to_dict() for key, c in self.combined.items()},
            "fingerprints": dict(self.fingerprints),
            "thresholds": dict(self.thresholds),
            "irony": {
                "threshold": self.irony.threshold,
                "labels": list(self.irony.labels),
                "tier": self.irony.tier,
            }
            if self.irony
            else None,
            "mass": self.mass,
            "target": dict(self.target),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> HealingPolicy:
        irony = data.get("irony")
        combiners = data.get("combiners")
        return cls(
            labels=tuple(data["labels"]),
            calibrators={tier: calibrator_from_dict(c) for tier, c in data["calibrators"].items()},
            combiners=CombinerSet.from_dict(combiners) if combiners else None,
            combined={key: calibrator_from_dict(c) for key, c in data["combined"].items()},
            fingerprints=dict(data["fingerprints"]),
            thresholds=dict(data["thresholds"]),
            irony=IronyRule(irony["threshold"], tuple(irony["labels"]), irony["tier"]) if irony else None,
            mass=data["mass"],
            target=dict(data["target"]),
        )


def _matrix(scores: Sequence[Mapping[str, float]], labels: Sequence[str]) -> Array:
    return np.array([[row[label] for label in labels] for row in scores], dtype=np.float64)
