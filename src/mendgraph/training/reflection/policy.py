"""Fits the reflection graph's policy on held-out prompts: calibration, combination, thresholds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from mendgraph.core.healing import HealingPolicy
from mendgraph.core.reflection import LABELS
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import DataError
from mendgraph.training.emotion.heldout import told, write_policy
from mendgraph.training.emotion.policy import Heard, fit_policy
from mendgraph.training.reflection.corpus import leak_free
from mendgraph.training.reflection.levels import TASK
from mendgraph.training.reflection.sources import read_pair

RULES = frozenset({"user"})


def train_policy(
    tiers: Mapping[str, Tier],
    data_dir: Path,
    folder: Path,
    *,
    risk: float = 0.1,
    echo: Callable[[str], None] = lambda line: None,
) -> HealingPolicy:
    """Fits the policy of a cascade on the prompts of ``pair_dev.parquet`` and writes it as an artefact.

    Raises:
        DataError: a file is missing or malformed, or a tier cannot answer its rows.
    """
    _, dev, _ = leak_free(read_pair(data_dir, "train"), read_pair(data_dir, "dev"))
    rows = [
        (Input(text, text, {"prompt": group.prompt}), level)
        for group in dev
        for text, level in group.responses
    ]
    heard = hear(tiers, [row for row, _ in rows], [level for _, level in rows], echo=echo)
    policy = fit_policy(heard, LABELS, risk=risk)
    for line in told(policy, heard):
        echo(line)
    write_policy(policy, folder, TASK)
    return policy


def hear(
    tiers: Mapping[str, Tier],
    rows: list[Input],
    levels: list[int],
    *,
    echo: Callable[[str], None] = lambda line: None,
) -> Heard:
    """Every tier's probabilities for every row, before calibration."""
    probabilities = {}
    for name, tier in tiers.items():
        if name in RULES:
            continue
        echo(f"{name}: {len(rows):,} held-out rows")
        outcomes = tier.predict(rows)
        failed = next((o for o in outcomes if isinstance(o, Failure)), None)
        if failed is not None:
            raise DataError(f"tier {name!r} cannot answer held-out rows: {failed.message}", hint=failed.hint)
        said = [o for o in outcomes if isinstance(o, Prediction)]
        probabilities[name] = np.array([[p.scores[level] for level in LABELS] for p in said])
    labels = np.array(levels, dtype=np.int64)
    return Heard(probabilities, labels, {name: tiers[name].fingerprint for name in probabilities})
