"""Losses on scores of high (H), medium (M) and low (L) responses and of mismatches (X).

Levels are compared by the responses' own scores, whatever the prompt; mismatches by the scores of whole pairs.
Compared by the latter, a poor response is told from a good one by a guess at whether it answers the prompt, which a
few hundred prompts do not teach.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name every torch user reads

from mendgraph.core.reflection import LABELS, WORTH
from mendgraph.modules.level_head import match_logits
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
    alone: Tensor,
    levels: Sequence[int],
    owners: Sequence[int],
    *,
    complex_weight: float = 1.0,
    one_gap: bool = False,
) -> Tensor:
    """Sum over `GAPS` of mean ``max(0, m - (s_better - s_worse))``, over all pairs of one prompt.

    Args:
        scores: (B,) in [0, 1], of the pairs.
        alone: (B,) in [0, 1], of the responses by themselves.
        levels: (B,) 0, 1, 2 or `MISMATCH`.
        owners: (B,) which prompt each was scored with; only rows of one prompt are compared.
        complex_weight: how much complex against simple reflections count, the hardest of the comparisons.
        one_gap: the margin .5 everywhere.
    """
    level = torch.tensor(levels, device=scores.device)
    owner = torch.tensor(owners, device=scores.device)
    together = owner[:, None] == owner[None, :]
    leads = [found[:, None] - found[None, :] for found in (alone, scores)]  # (B, B) each
    total = scores.new_zeros(())
    for better, worse, margin in GAPS:
        pairs = together & (level[:, None] == better) & (level[None, :] == worse)
        short = (0.5 if one_gap else margin) - leads[worse == MISMATCH]
        # mean over the pairs, zero where there are none, without a look at the data from the host
        weight = complex_weight if (better, worse) == (HIGH, MEDIUM) else 1.0
        total = total + weight * (short.clamp(min=0) * pairs).sum() / pairs.sum().clamp(min=1)
    return total


def likelihood_loss(logits: Tensor, levels: Sequence[int]) -> Tensor:
    """Cross-entropy of the levels, each weighing the same in the batch, and of the match, both sides weighing the same.

    A response without reflection may answer the prompt or not: it teaches its level alone.  Complex and simple
    reflections weigh by their number in the match, as they do among the mismatches: how a response is put must not
    say whether it answers the prompt.

    Args:
        logits: (B, 4), in the order of `mendgraph.modules.level_head.CLASSES`.
    """
    level = torch.tensor(levels, device=logits.device)
    known = logits[:, :-1].log_softmax(-1)
    weight = _balanced(level, (LOW, MEDIUM, HIGH))
    said = known.gather(1, level.clamp(min=0)[:, None]).squeeze(1)
    fits = match_logits(logits)
    good, wrong = level > LOW, level == MISMATCH
    matched = F.logsigmoid(torch.where(wrong, -fits, fits))
    return -(said * weight).sum() - (matched * _balanced(good.long() - wrong.long(), (1, -1))).sum()


def _balanced(kinds: Tensor, among: Sequence[int]) -> Tensor:
    """(B,) weights summing to 1, the same for each kind of `among` that occurs; 0 for rows of others."""
    each = [(kinds == kind).float() for kind in among]
    weight = torch.stack([mine / mine.sum().clamp(min=1) for mine in each]).sum(0)
    return weight / weight.sum().clamp(min=1e-9)


def regression_loss(scores: Tensor, alone: Tensor, levels: Sequence[int]) -> Tensor:
    """Sum over levels of the mean squared distance to 1, .5 and 0; mismatches should score 0."""
    level = torch.tensor(levels, device=scores.device)
    total = scores.new_zeros(())
    for kind in (HIGH, MEDIUM, LOW, MISMATCH):
        mine = level == kind
        missed = scores if kind == MISMATCH else alone - WORTH[LABELS[kind]]
        total = total + (missed.square() * mine).sum() / mine.sum().clamp(min=1)
    return total
