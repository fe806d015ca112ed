"""Two models, a strong and a weak one: how much of the gap between them a router recovers with few strong calls.

Definitions of Ong et al., RouteLLM, 2024, section 3.2: PGR is the share of the gap recovered; APGR its mean over all
shares of strong calls; CPT(x) the least share of strong calls that recovers x of the gap.  The curve is exact, not
binned; prompts with equal signals are called in random order, which makes the curve straight between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import FloatArray

WANTED = (0.5, 0.8)
"""Shares of the gap that CPT asks for."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """Under each of B weightings of the prompts; NaN where the strong model is no better than the weak.

    Attributes:
        apgr: (B,), 0.5 for random calls.
        cpt: (B, len(WANTED)), equal to WANTED for random calls.
    """

    apgr: FloatArray
    cpt: FloatArray


def curve(signal: FloatArray, gain: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Share of strong calls and share of the gap recovered, each (B, K), from (0, 0) to (1, 1).

    Args:
        signal: (N,) the higher, the sooner a prompt goes to the strong model.
        gain: (N,) score of the strong model minus score of the weak one.
        weights: (B, N) how often each prompt counts.
    """
    order = np.argsort(-signal, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(signal[order]) != 0, True))
    counts = weights[:, order]
    calls = counts.cumsum(axis=1)[:, ends]
    gains = (counts * gain[order]).cumsum(axis=1)[:, ends]
    gap = np.where(gains[:, -1:] > 0, gains[:, -1:], np.nan)
    start = np.zeros((len(weights), 1))
    return np.hstack([start, calls / calls[:, -1:]]), np.hstack([start, gains / gap])


def recovered(signal: FloatArray, gain: FloatArray, weights: FloatArray) -> Recovered:
    """Arguments as in `curve`."""
    calls, share = curve(signal, gain, weights)
    apgr = (np.diff(calls, axis=1) * (share[:, 1:] + share[:, :-1])).sum(axis=1) / 2
    return Recovered(apgr, np.stack([_least(calls, share, wanted) for wanted in WANTED], axis=1))


def _least(calls: FloatArray, share: FloatArray, wanted: float) -> FloatArray:
    """(B,) where the curve first reaches `wanted`."""
    rows = np.arange(len(share))
    after = np.maximum((share >= wanted).argmax(axis=1), 1)
    low, high = share[rows, after - 1], share[rows, after]
    part = np.divide(wanted - low, high - low, out=np.full(len(rows), np.nan), where=high > low)
    return np.asarray(calls[rows, after - 1] + part * (calls[rows, after] - calls[rows, after - 1]))
