"""From written exercises to real sessions: levels of AnnoMI, before and after recalibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.metrics import accuracy, bootstrap_interval, macro_f1
from mendgraph.core.ordinal import OrdinalModel
from mendgraph.core.reflection import LABELS, level_value
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import DataError
from mendgraph.evaluation.report import Section, Table, between
from mendgraph.training.reflection.sources import PROVENANCE, Turn, read_annomi

SEED = 0
EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Heard:
    """A tier on turns of real sessions: levels (N,), scores (N,) in [0, 1], sessions (N,), and its own levels."""

    levels: IntArray
    scores: FloatArray
    sessions: IntArray
    said: IntArray


def transfer_section(
    tiers: Mapping[str, Tier], data_dir: Path, resamples: int
) -> tuple[Section | None, dict[str, Heard]]:
    """Each tier on AnnoMI dev, as it is and with borders between levels fitted on AnnoMI train; None without it."""
    if not all((data_dir / f"annomi_{split}.parquet").is_file() for split in ("train", "dev")):
        return None, {}
    train, dev = read_annomi(data_dir, "train"), read_annomi(data_dir, "dev")
    rows: dict[str, tuple[Heard, IntArray]] = {}
    heard: dict[str, Heard] = {}
    truth = np.array([turn.level for turn in dev], dtype=np.int64)
    sessions = np.array([turn.transcript_id for turn in dev], dtype=np.int64)
    constant = np.full(len(dev), int(np.bincount([turn.level for turn in train]).argmax()), dtype=np.int64)
    rows["always the most frequent level"] = (Heard(truth, np.zeros(len(dev)), sessions, constant), constant)
    for name, tier in tiers.items():
        before = hear(name, tier, train)
        now = hear(name, tier, dev)
        fitted = OrdinalModel.fit(_logits(before.scores), before.levels, len(LABELS))
        again = fitted.probabilities(_logits(now.scores)).argmax(axis=1).astype(np.int64)
        heard[name] = now
        rows[name] = (now, now.said)
        rows[f"{name}, recalibrated on AnnoMI train"] = (now, again)
    figures = {name: _figures(found, said, resamples) for name, (found, said) in rows.items()}
    table = Table(
        "Real sessions: AnnoMI dev",
        ("", "macro-F1", "accuracy", "Spearman of the score"),
        tuple(
            (
                name,
                between(found["macro_f1"], found["macro_f1_interval"]),
                between(found["accuracy"], None),
                between(found["spearman"], found["spearman_interval"]) if found["spearman"] else "-",
            )
            for name, found in figures.items()
        ),
        f"{len(dev):,} counsellor turns of {len(set(sessions.tolist()))} sessions, none of them in any weights; 95 % "
        f"intervals over sessions. {PROVENANCE['annomi'][0]}; {PROVENANCE['annomi'][1]}.",
    )
    return Section("transfer", (table,), figures), heard


def hear(name: str, tier: Tier, turns: Sequence[Turn]) -> Heard:
    """What a tier says about turns.

    Raises:
        DataError: it cannot answer one of them.
    """
    outcomes = tier.predict([Input(t.response, t.response, {"prompt": t.prompt}) for t in turns])
    failed = next((o for o in outcomes if isinstance(o, Failure)), None)
    if failed is not None:
        raise DataError(f"tier {name!r} cannot answer: {failed.message}", hint=failed.hint)
    said = [o for o in outcomes if isinstance(o, Prediction)]
    return Heard(
        levels=np.array([turn.level for turn in turns], dtype=np.int64),
        scores=np.array([level_value(p)["score"] for p in said]),
        sessions=np.array([turn.transcript_id for turn in turns], dtype=np.int64),
        said=np.array([LABELS.index(p.label) for p in said], dtype=np.int64),
    )


def spearman(one: FloatArray, other: FloatArray) -> float:
    """Rank correlation, ties sharing their mean rank; NaN when one side is constant."""
    a, b = _ranks(one), _ranks(other)
    if not a.std() or not b.std():
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _figures(found: Heard, said: IntArray, resamples: int) -> dict[str, Any]:
    rank = spearman(found.scores, found.levels.astype(np.float64))
    constant = not np.isfinite(rank)
    return {
        "macro_f1": macro_f1(found.levels, said),
        "macro_f1_interval": bootstrap_interval(
            macro_f1, found.levels, said, seed=SEED, resamples=resamples, groups=found.sessions
        ),
        "accuracy": accuracy(found.levels, said),
        "spearman": None if constant else rank,
        "spearman_interval": None
        if constant
        else bootstrap_interval(
            spearman, found.scores, found.levels, seed=SEED, resamples=resamples, groups=found.sessions
        ),
    }


def _logits(scores: FloatArray) -> FloatArray:
    inside = np.clip(scores, EDGE, 1 - EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside), dtype=np.float64)


def _ranks(values: FloatArray) -> FloatArray:
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: FloatArray = (counts.cumsum() - (counts - 1) / 2)[where]
    return ranks
