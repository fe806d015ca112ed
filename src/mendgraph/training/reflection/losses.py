"""Losses on sigmoid scores of high (H), medium (M) and low (L) responses and of mismatches (X)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from mendgraph.core.reflection import LABELS, WORTH
from mendgraph.training.reflection.levels import HIGH, LOW, MEDIUM

MISMATCH: Final = -1
"""Level of a reflection that belongs to another prompt."""

GAPS: Final = (
    (HIGH, MEDIUM, 0.5),
    (MEDIUM, LOW, 0.5),
    (HIGH, LOW, 1.0),
    (HIGH, MISMATCH, 1.0),
    (MEDIUM, MISMATCH, 0.5),
)
"""(better, worse, margin) of Min et al., EMNLP 2022."""  # fmt: skip


def margin_loss(
    scores: Tensor,
    levels: Sequence[int],
    owners: Sequence[int],
    *,
    complex_weight: float = 1.0,
    one_gap: bool = False,
) -> Tensor:
    """Sum over `GAPS` of mean ``max(0, m - (s_better - s_worse))``, over all pairs of one prompt.

    Args:
        scores: (B,) in [0, 1].
        levels: (B,) 0, 1, 2 or `MISMATCH`.
        owners: (B,) which prompt each was scored with; only rows of one prompt are compared.
        complex_weight: how much complex against simple reflections count, the hardest of the comparisons.
        one_gap: the margin .5 everywhere.
    """
    level = torch.tensor(levels, device=scores.device)
    owner = torch.tensor(owners, device=scores.device)
    together = owner[:, None] == owner[None, :]
    lead = scores[:, None] - scores[None, :]  # (B, B)
    total = scores.new_zeros(())
    for better, worse, margin in GAPS:
        pairs = together & (level[:, None] == better) & (level[None, :] == worse)
        short = (0.5 if one_gap else margin) - lead
        # mean over the pairs, zero where there are none, without a look at the data from the host
        weight = complex_weight if (better, worse) == (HIGH, MEDIUM) else 1.0
        total = total + weight * (short.clamp(min=0) * pairs).sum() / pairs.sum().clamp(min=1)
    return total


def likelihood_loss(logits: Tensor, levels: Sequence[int]) -> Tensor:
    """Cross-entropy of the classes, each weighing the same in the batch.

    A response without reflection may answer the prompt or not: ``none`` and ``mismatch`` are both right for it.

    Args:
        logits: (B, 4), in the order of `mendgraph.modules.level_head.CLASSES`.
    """
    level = torch.tensor(levels, device=logits.device)
    classes = torch.where(level == MISMATCH, logits.shape[1] - 1, level)
    chances = logits.log_softmax(-1)
    said = chances.gather(1, classes[:, None]).squeeze(1)
    said = torch.where(level == LOW, torch.logaddexp(chances[:, LOW], chances[:, -1]), said)
    weight = 1.0 / torch.bincount(classes, minlength=logits.shape[1]).clamp(min=1)
    return -(said * weight[classes]).sum() / weight[classes].sum()


def regression_loss(scores: Tensor, levels: Sequence[int]) -> Tensor:
    """Mean over levels of the mean squared distance to 1, .5 and 0; mismatches should score 0."""
    level = torch.tensor(levels, device=scores.device)
    total = scores.new_zeros(())
    for kind in (HIGH, MEDIUM, LOW, MISMATCH):
        mine = level == kind
        target = WORTH[LABELS[kind]] if kind != MISMATCH else 0.0
        total = total + ((scores - target).square() * mine).sum() / mine.sum().clamp(min=1)
    return total
