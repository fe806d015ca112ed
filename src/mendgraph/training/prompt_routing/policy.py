"""Fits the prompt routing graph's policy on held-out prompts: how sure each tier is, and when to go on asking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mendgraph.core import metrics
from mendgraph.core.arrays import BoolArray, FloatArray, IntArray
from mendgraph.core.calibration.platt import Platt
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.routing import Catalog, tokens_in
from mendgraph.core.thresholds import NEVER
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import DataError
from mendgraph.training.emotion.heldout import write_policy
from mendgraph.training.prompt_routing.outcomes import Outcomes

__all__ = ["fit_policy", "train_policy"]

TOLERANCE = 0.05
"""A choice is good when its score is at most this much below the best that could be chosen."""

EARLY_EXIT_LOSS = 0.005
"""Share of all prompts whose good choice may be lost by not asking the later tiers."""

FOLDS = 5


def train_policy(
    tiers: Mapping[str, Tier],
    catalog: Catalog,
    table: Outcomes,
    folder: Path,
    *,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    echo: Callable[[str], None] = lambda line: None,
) -> HealingPolicy:
    """Fits the policy on the prompts of `table` on which every LLM of the catalog was tried, and writes it.

    Raises:
        DataError: there are none, or a tier cannot answer them.
    """
    table = table.of_models(catalog.names)
    table = table.take(~np.isnan(table.scores).any(axis=1))
    if len(table) < FOLDS:
        raise DataError(
            f"{len(table)} held-out prompts have an outcome of every configured LLM",
            hint="configure LLMs that were tried on the same prompts, or label more prompts",
        )
    rows, known = _rows(table, catalog, seed)
    outcomes = {name: _answered(name, tier, rows, echo) for name, tier in tiers.items()}
    policy = fit_policy(
        {name: _top(said, catalog) for name, said in outcomes.items()},
        {name: _good(said, known, catalog, tolerance) for name, said in outcomes.items()},
        {name: tier.fingerprint for name, tier in tiers.items()},
        catalog.names,
        tolerance=tolerance,
        seed=seed,
        echo=echo,
    )
    write_policy(policy, folder, "prompt_routing")
    return policy


def fit_policy(
    chances: Mapping[str, FloatArray],
    good: Mapping[str, BoolArray],
    fingerprints: Mapping[str, str],
    labels: Sequence[str],
    *,
    tolerance: float,
    seed: int = 0,
    echo: Callable[[str], None] = lambda line: None,
) -> HealingPolicy:
    """The policy of a cascade that in the end takes its surest tier; its last tier always settles.

    Args:
        chances: tier -> (N, M) chances, of held-out prompts.
        good: tier -> (N,) whether its choice, the greatest chance, was good.

    Calibrators are fitted on all rows, thresholds on cross-fitted confidences, so that no row judges a fit it took
    part in.
    """
    fitted = {name: _platt(chances[name], good[name], fingerprints[name]) for name in chances}
    count = len(next(iter(good.values())))
    fold = np.random.default_rng(seed).permutation(count) % FOLDS
    sure = {name: _crossed(chances[name], good[name], fold) for name in chances}
    names = list(chances)
    for name in names:
        top = chances[name].max(axis=1)
        echo(
            f"{name}: good on {good[name].mean():.3f} of {count:,}, "
            f"ECE {metrics.ece(top, good[name]):.3f} -> {metrics.ece(sure[name], good[name]):.3f}"
        )
    thresholds = _thresholds(names, sure, good)
    echo("thresholds: " + ", ".join(f"{name} {value:.3f}" for name, value in thresholds.items()))
    return HealingPolicy(
        labels=tuple(labels),
        calibrators=fitted,
        fingerprints=dict(fingerprints),
        thresholds=thresholds,
        target={"tolerance": tolerance, "early_exit_loss": EARLY_EXIT_LOSS},
    )


def _rows(table: Outcomes, catalog: Catalog, seed: int) -> tuple[list[Input], FloatArray]:
    """Every prompt twice, once with all LLMs and once with some of them down, and the (2N, M) known scores.

    Confidences must hold whichever LLMs a budget leaves.
    """
    random = np.random.default_rng(seed)
    rows = [Input(prompt, facts={"tokens": tokens_in(prompt)}) for prompt in table.prompts]
    known = [table.scores, table.scores.copy()]
    for place, prompt in enumerate(table.prompts):
        down = random.permutation(len(catalog.names))[: random.integers(0, max(len(catalog.names) - 1, 1))]
        names = [catalog.names[number] for number in down]
        rows.append(Input(prompt, facts={"tokens": tokens_in(prompt), "down": names}))
        known[1][place, down] = -np.inf
    return rows, np.concatenate(known)


def _answered(name: str, tier: Tier, rows: Sequence[Input], echo: Callable[[str], None]) -> list[Prediction]:
    echo(f"{name}: {len(rows):,} held-out rows")
    found = tier.predict(rows)
    failed = next((o for o in found if isinstance(o, Failure)), None)
    if failed is not None:
        raise DataError(f"tier {name!r} cannot answer held-out rows: {failed.message}", hint=failed.hint)
    return [o for o in found if isinstance(o, Prediction)]


def _top(said: Sequence[Prediction], catalog: Catalog) -> FloatArray:
    return np.array([[p.scores[name] for name in catalog.names] for p in said])


def _good(said: Sequence[Prediction], known: FloatArray, catalog: Catalog, tolerance: float) -> BoolArray:
    chosen = [catalog.names.index(p.label) for p in said]
    reached = known[np.arange(len(known)), chosen]
    return np.asarray(reached >= known.max(axis=1) - tolerance - 1e-9, dtype=np.bool_)


def _platt(chances: FloatArray, good: BoolArray, fingerprint: str = "") -> Platt:
    """Platt scaling asks whether the top class is right; any other class stands for a choice that was not good."""
    top = chances.argmax(axis=1)
    return Platt.fit(chances, np.where(good, top, (top + 1) % chances.shape[1]), fingerprint=fingerprint)


def _crossed(chances: FloatArray, good: BoolArray, fold: IntArray) -> FloatArray:
    sure = np.zeros(len(good))
    for number in range(FOLDS):
        held = fold == number
        sure[held] = _platt(chances[~held], good[~held]).confidence(chances[held])
    return sure


def _thresholds(
    names: Sequence[str], sure: Mapping[str, FloatArray], good: Mapping[str, BoolArray]
) -> dict[str, float]:
    """Each early tier's least threshold at which the prompts that leave lose little against asking on."""
    stacked, right = np.array([sure[name] for name in names]), np.array([good[name] for name in names])
    count = right.shape[1]
    best = right[stacked.argmax(axis=0), np.arange(count)]
    open_ = np.ones(count, dtype=np.bool_)
    chosen: dict[str, float] = {}
    for place, name in enumerate(names[:-1]):
        so_far = stacked[: place + 1].argmax(axis=0)
        confidence = stacked[so_far, np.arange(count)]
        now = right[so_far, np.arange(count)]
        order = np.flatnonzero(open_)[np.argsort(-confidence[open_], kind="stable")]
        lost = np.maximum.accumulate(np.cumsum(best[order].astype(int) - now[order].astype(int)))
        last = np.append(np.diff(confidence[order]) < 0, True)[: len(order)]
        fine = order[(lost <= EARLY_EXIT_LOSS * count) & last]
        chosen[name] = float(confidence[fine[-1]]) if len(fine) else NEVER
        open_ &= confidence < chosen[name]
    return {**chosen, names[-1]: 0.0, "default": 0.0}
