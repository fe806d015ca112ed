"""The one place that decides what becomes of a row."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mendgraph.core.values import Verdict
from mendgraph.errors import ConfigError


def judge(confidence: float | None, threshold: float, *, tiers_left: bool, may_ask: bool) -> Verdict:
    """Accept a confidence >= `threshold`; else defer while a tier is left, else ask if allowed, else abstain.

    Args:
        confidence: calibrated, in [0, 1]; None (tier failed or uncalibrated) and NaN are never accepted.
    """
    if confidence is not None and not math.isnan(confidence) and confidence >= threshold:
        return "accept"
    if tiers_left:
        return "defer"
    return "ask" if may_ask else "abstain"


def plausible(scores: Mapping[str, float], *, mass: float = 0.9, most: int = 3) -> tuple[str, ...]:
    """Labels worth asking about, likeliest first; equal scores keep the order of `scores`.

    The fewest labels whose probabilities reach `mass`, but at least two, since a question needs a choice, and
    at most `most`.
    """
    if most < 1:
        raise ConfigError(f"most: must be at least 1, got {most!r}")
    ranked = sorted(scores, key=lambda label: -scores[label])
    total, needed = 0.0, 0
    for label in ranked:
        if total >= mass - 1e-12:
            break
        total += scores[label]
        needed += 1
    return tuple(ranked[: min(max(needed, 2), most)])
