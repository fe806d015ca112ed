"""Losses of router heads, each the expected cost of the way of decoding it trains for.

Tensors have the experts first: `scores` (M, N) of the heads, `nats` (M, N) negative log-likelihoods of the next tokens.
"""

from __future__ import annotations

from math import log

import torch
from torch import Tensor
from torch.nn import functional


def mixture(scores: Tensor, nats: Tensor) -> Tensor:
    """-log sum_m w_m p_m: what a soft mixture pays."""
    return -torch.logsumexp(torch.log_softmax(scores, dim=0) - nats, dim=0).mean()


def expected(scores: Tensor, nats: Tensor) -> Tensor:
    """sum_m w_m nats_m: what one expert pays, drawn by the weights.  Least where all weight is on the best."""
    return (torch.softmax(scores, dim=0) * nats).sum(dim=0).mean()


def doubt(scores: Tensor, nats: Tensor, tolerance: float) -> Tensor:
    """Cross-entropy of each head's own sigmoid(score) against its expert being within `tolerance` nats of the best.

    A lazy expert hears nobody else, so that its score must mean something by itself.
    """
    good = (nats <= nats.min(dim=0).values + tolerance).to(scores.dtype)
    return functional.binary_cross_entropy_with_logits(scores, good)


def switches(scores: Tensor, follows: Tensor) -> Tensor:
    """Expected share of changes of expert: 1 - sum_m w_m(t) w_m(t-1).

    Args:
        follows: (N,) whether the token before belongs to the same passage.
    """
    weights = torch.softmax(scores, dim=0)
    same = (weights[:, 1:] * weights[:, :-1]).sum(dim=0)
    return (1 - same)[follows[1:]].sum() / follows[1:].sum().clamp_min(1)


def entropy(scores: Tensor) -> Tensor:
    """Mean entropy of the weights, in nats."""
    logs = torch.log_softmax(scores, dim=0)
    return -(logs.exp() * logs).sum(dim=0).mean()


def imbalance(scores: Tensor) -> Tensor:
    """KL divergence of the batch's mean weights from equal shares, in nats: 0 where all experts get as much.

    Unlike an entropy bonus it leaves each token free to have one expert alone.
    """
    mean = torch.softmax(scores, dim=0).mean(dim=1)
    return log(len(mean)) + (mean * mean.clamp_min(1e-12).log()).sum()
