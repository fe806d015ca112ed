"""Which expert speaks at which token, and what that costs.

Arrays have the experts on their first axis: `scores` (M, N) of the heads, `nats` (M, N) negative log-likelihoods of the
tokens that really came, N tokens of passages that follow each other; `starts` (P,) are the passages' first tokens.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import BoolArray, FloatArray, IntArray
from mendgraph.errors import DataError

MODES = ("soft", "hard", "lazy", "fusion")
"""Mixture of all; the best; one until it doubts; the best with a complement learned from all."""


def expert_weights(scores: ArrayLike, temperature: float = 1.0) -> FloatArray:
    """(M, N) softmax over the experts; columns sum to 1."""
    return np.exp(_log_weights(_matrix(scores), temperature))


def mixture_nats(scores: ArrayLike, nats: ArrayLike, temperature: float = 1.0) -> FloatArray:
    """(N,) -log sum_m w_m p_m."""
    joint = _log_weights(_matrix(scores), temperature) - _matrix(nats)
    top = joint.max(axis=0)
    return np.asarray(-(top + np.log(np.exp(joint - top).sum(axis=0))), dtype=np.float64)


def best_expert(scores: ArrayLike) -> IntArray:
    """(N,) the expert with the highest score; the first of equals."""
    return np.asarray(_matrix(scores).argmax(axis=0), dtype=np.int64)


def lazy_expert(trust: ArrayLike, starts: ArrayLike, threshold: float) -> tuple[IntArray, BoolArray]:
    """Who speaks if the active expert goes on while its own `trust` (M, N) reaches `threshold`.

    All experts are heard at the first token of a passage and wherever the active one doubts; the most trusted one is
    active from there.

    Returns:
        (N,) the expert of each token, (N,) whether all were heard there.
    """
    found, sure = best_expert(trust), np.asarray(trust, dtype=np.float64) >= threshold
    first = _starts(starts, len(found))
    active = found.copy()
    heard = np.zeros(len(found), dtype=np.bool_)
    heard[first] = True
    ends = np.append(first[1:], len(found))
    for step in range(1, int((ends - first).max(initial=1))):
        now = first[first + step < ends] + step
        before = active[now - 1]
        stays = sure[before, now]
        active[now] = np.where(stays, before, found[now])
        heard[now] = ~stays
    return active, heard


def spoken_nats(nats: ArrayLike, expert: ArrayLike) -> FloatArray:
    """(N,) nats of the expert that speaks at each token."""
    matrix, chosen = _matrix(nats), np.asarray(expert, dtype=np.int64)
    return np.asarray(matrix[chosen, np.arange(matrix.shape[1])], dtype=np.float64)


def switch_rate(expert: ArrayLike, starts: ArrayLike) -> float:
    """Share of the tokens, first tokens of passages aside, at which another expert speaks than before; NaN for none."""
    chosen = np.asarray(expert)
    inside = np.ones(len(chosen), dtype=np.bool_)
    inside[_starts(starts, len(chosen))] = False
    changed = np.r_[False, chosen[1:] != chosen[:-1]]
    return float(changed[inside].mean()) if inside.any() else float("nan")


def adequate(nats: ArrayLike, tolerance: float) -> BoolArray:
    """(M, N) whether an expert gives the token at least exp(-tolerance) of the best expert's probability."""
    matrix = _matrix(nats)
    return np.asarray(matrix <= matrix.min(axis=0) + tolerance, dtype=np.bool_)


def _log_weights(scores: FloatArray, temperature: float) -> FloatArray:
    shifted = scores / temperature
    shifted = shifted - shifted.max(axis=0)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=0)), dtype=np.float64)


def _matrix(values: ArrayLike) -> FloatArray:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or not matrix.shape[0]:
        raise DataError(f"expected an array of shape (experts, tokens), got {matrix.shape}")
    return matrix


def _starts(starts: ArrayLike, tokens: int) -> IntArray:
    first = np.asarray(starts, dtype=np.int64)
    if tokens and (not len(first) or first[0] != 0 or (np.diff(first) <= 0).any() or first[-1] >= tokens):
        raise DataError("passages must begin at token 0, in order, and each have a token")
    return first
