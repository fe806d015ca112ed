"""The training loss: eight classes, 28 fine-grained labels, and irony on one forward pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name every torch user reads

CLASS_WEIGHT_POWER = 0.5
"""1 weighs each class alike in all, 0 each row alike."""


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Factors of the three losses, each a sum over the rows that have the label, divided by the batch's rows.

    A batch thus pulls on a head in proportion to how many of its rows know that label.
    """

    emotion: float = 1.0
    fine: float = 0.25
    irony: float = 1.2


def class_weights(counts: Sequence[int], power: float = CLASS_WEIGHT_POWER) -> Tensor:
    """(C,) weights ``(N / (C n_c)) ** power``, scaled to mean 1 over the N rows.

    Absent classes count as one row.  The scaling leaves the balance between the losses to `LossWeights`.
    """
    rows = torch.tensor(counts, dtype=torch.float32).clamp(min=1.0)
    weights = (rows.sum() / (len(counts) * rows)) ** power
    return weights * rows.sum() / (weights * rows).sum()


@dataclass(frozen=True, slots=True)
class MultiTaskLoss:
    """Weighted sum of the three losses.

    Args:
        class_weights: (C,) factor of each row of the eight-class loss, by its true class.
        label_smoothing: share of the target spread over all eight classes (Szegedy et al. 2016).
    """

    class_weights: Tensor
    weights: LossWeights = LossWeights()
    label_smoothing: float = 0.0

    def __call__(self, logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        """`logits`: ``emotion`` (B, C), ``fine`` (B, 28), ``irony`` (B,); `targets`: as from `Collate`."""
        rows = len(targets["emotion"])
        total = self.weights.emotion * self._emotion(logits["emotion"].float(), targets["emotion"])
        total = total + self.weights.fine * _fine(
            logits["fine"].float(), targets["fine"], targets["has_fine"]
        )
        total = total + self.weights.irony * _irony(logits["irony"].float(), targets["irony"])
        return total / rows

    def _emotion(self, logits: Tensor, labels: Tensor) -> Tensor:
        known = labels >= 0
        labels = labels.clamp(min=0)
        losses = F.cross_entropy(
            logits, labels, reduction="none", label_smoothing=self.label_smoothing
        )  # (B,)
        return (losses * self.class_weights.to(losses)[labels] * known).sum()


def _fine(logits: Tensor, labels: Tensor, known: Tensor) -> Tensor:
    losses = F.binary_cross_entropy_with_logits(logits, labels, reduction="none").sum(1)  # (B,)
    return (losses * known).sum()


def _irony(logits: Tensor, labels: Tensor) -> Tensor:
    targets = labels.clamp(min=0).to(logits)
    losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")  # (B,)
    return (losses * (labels >= 0)).sum()
