"""How often each system is right, level by level, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import BoolArray, FloatArray
from mendgraph.core.conflict import LEVELS
from mendgraph.core.metrics import bootstrap_interval
from mendgraph.evaluation.conflict.hybrid import Delivered, counted
from mendgraph.evaluation.conflict.readings import Readings
from mendgraph.evaluation.conflict.said import PLAIN, SAMPLED, Said
from mendgraph.evaluation.report import Section, Table, number, percent
from mendgraph.training.conflict.claims.sets import BOTH, ClaimSet
from mendgraph.training.conflict.reader_answers import is_right

__all__ = ["ALL", "CHANCE", "Scored", "answers_section", "in_percent", "passes", "score"]

ALL = "all"
CHANCE = "a true claim, by chance"
"""Expected accuracy of one of the claims that the documents make, drawn evenly: to read and not to resolve."""


@dataclass(frozen=True, slots=True)
class Scored:
    """
    Attributes:
        right: system -> (N,) whether its answer is the set's.
        groups: `ALL` and the levels that occur -> (N,) which sets count.
        chance: (N,) probability that a claim drawn from the documents is right.
    """

    right: dict[str, BoolArray]
    groups: dict[str, BoolArray]
    chance: FloatArray


def score(sets: Sequence[ClaimSet], readings: Readings) -> Scored:
    levels = np.array([one.level for one in sets])
    known = [level for level in LEVELS if (levels == level).any()]
    groups = {ALL: np.ones(len(sets), dtype=bool)} | {level: levels == level for level in known}
    right = {name: right_of(sets, said) for name, said in readings.said.items()}
    return Scored(right, groups, np.array([_by_chance(one) for one in sets]))


def right_of(sets: Sequence[ClaimSet], said: Sequence[Said]) -> BoolArray:
    return np.array([is_right(one, answer.text) for one, answer in zip(sets, said, strict=True)])


def passes(readings: Readings, system: str) -> FloatArray:
    """(N,) forward passes: what the reader read and wrote, in units of the plain answer to the same row."""
    plain = np.array([one.work for one in readings.said[PLAIN]])
    return np.asarray(np.array([one.work for one in readings.said[system]]) / plain, dtype=np.float64)


def answers_section(
    sets: Sequence[ClaimSet], readings: Readings, scored: Scored, resamples: int, seed: int = 0
) -> Section:
    accuracy, figures = _accuracy(scored, resamples, seed)
    costs, spent = _costs(readings, scored)
    tables = [accuracy, costs]
    found: dict[str, object] = {"sets": len(sets), "accuracy": figures, "cost": spent}
    if readings.hybrid is not None:
        table, kept = _coverage(sets, readings.hybrid, scored)
        tables.append(table)
        found["hybrid"] = kept
    return Section("answers", tuple(tables), found)


def in_percent(value: float, interval: Sequence[float] | None) -> str:
    """``44.2 [40, 49]``; a dash where it is undefined."""
    if not np.isfinite(value):
        return "-"
    cell = f"{100 * value:.1f}"
    if interval is None or not np.isfinite(interval).all():
        return cell
    return f"{cell} [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]"


def _accuracy(scored: Scored, resamples: int, seed: int) -> tuple[Table, dict[str, dict[str, object]]]:
    figures: dict[str, dict[str, object]] = {CHANCE: {}}
    rows: dict[str, list[str]] = {CHANCE: [CHANCE]} | {name: [name] for name in scored.right}
    low: dict[str, list[str]] = {}
    for group, mask in scored.groups.items():
        chance = float(scored.chance[mask].mean())
        figures[CHANCE][group] = {"accuracy": chance, "rows": int(mask.sum())}
        rows[CHANCE].append(in_percent(chance, None))
        for name, right in scored.right.items():
            own = right[mask].astype(np.float64)
            interval = bootstrap_interval(_mean, own, seed=seed, resamples=resamples)
            figures.setdefault(name, {})[group] = {"accuracy": float(own.mean()), "interval": interval}
            rows[name].append(in_percent(float(own.mean()), interval))
            if interval[0] <= chance and group in LEVELS[1:]:  # without a conflict every claim is right
                low.setdefault(name, []).append(group)
    note = (
        "Percent, with 95 % intervals. An answer is right by value, not by wording. Not above chance where "
        f"documents conflict (the interval reaches {CHANCE}): "
        + ("; ".join(f"{name} on {', '.join(groups)}" for name, groups in low.items()) or "none")
        + "."
    )
    header = ("system", *(f"{group} ({int(mask.sum()):,})" for group, mask in scored.groups.items()))
    table = Table("Right answers, claim sets of test", header, tuple(map(tuple, rows.values())), note)
    return table, figures


def _costs(readings: Readings, scored: Scored) -> tuple[Table, dict[str, dict[str, object]]]:
    figures: dict[str, dict[str, object]] = {}
    plain = sum(one.seconds for one in readings.said[PLAIN])
    rows = []
    for name, said in readings.said.items():
        own = passes(readings, name)
        mean, late = float(own.mean()), float(np.quantile(own, 0.95))
        tokens = float(np.mean([one.work for one in said]))
        wall = sum(one.seconds for one in said) / plain if plain else float("nan")
        figures[name] = {
            "passes": {group: float(own[mask].mean()) for group, mask in scored.groups.items()},
            "passes p95": late,
            "tokens": tokens,
            "wall": wall,
        }
        rows.append((name, number(mean, 2), number(late, 2), number(tokens, 0), number(wall, 2)))
    alone = [name for name in readings.said if name.startswith(SAMPLED)]
    note = (
        "Tokens: all that the reader read and wrote, each by the share of layers it went through; passes: the same in "
        "units of the plain answer. The arithmetic of a refinement and what the shared encoder reads are in the "
        "wall ratio only. Wall: time in this run over the plain reader's, systems in turns on the same batches."
    )
    if alone:
        name = alone[0]
        samples = int(name.removeprefix(SAMPLED))
        apart = passes(readings, name) + (samples - 1) * readings.tokens / np.array(
            [one.work for one in readings.said[PLAIN]]
        )
        figures[name]["passes, prompt read for every sample"] = float(apart.mean())
        note += (
            f" {name} reads the prompt once; as {samples} separate runs it takes {apart.mean():.1f} passes."
        )
    header = ("system", "passes", "p95", "tokens", "wall")
    return Table("What an answer costs", header, tuple(rows), note), figures


def _coverage(
    sets: Sequence[ClaimSet], found: Sequence[Delivered], scored: Scored
) -> tuple[Table, dict[str, object]]:
    right = right_of(sets, [one.said for one in found])
    accepted = np.array([one.accepted for one in found])
    shown = np.array([_shows(one, kept.sides) for one, kept in zip(sets, found, strict=True)])
    rows, figures = [], dict[str, object]()
    for group, mask in scored.groups.items():
        kept = mask & accepted
        coverage = float(accepted[mask].mean())
        share = float(right[kept].mean()) if kept.any() else float("nan")
        seen = float(shown[mask & ~accepted].mean()) if (mask & ~accepted).any() else float("nan")
        figures[group] = {"coverage": coverage, "accuracy": share, "right side shown": seen}
        rows.append((group, percent(coverage), percent(share), percent(seen)))
    done = counted(found)
    figures["done"] = done
    figures["status"] = dict(Counter(one.status for one in found))
    table = Table(
        "The hybrid by whether it vouches for its answer",
        ("sets", "vouched for", "of these right", "else: right side shown"),
        tuple(rows),
        "What it did: " + ", ".join(f"{name} {count:,}" for name, count in done.items()) + ".",
    )
    return table, figures


def _by_chance(one: ClaimSet) -> float:
    said = [answer for answer in one.answers if answer is not None]
    return float(np.mean([is_right(one, answer) for answer in said])) if said else 0.0


def _mean(values: ArrayLike) -> float:
    return float(np.mean(np.asarray(values, dtype=np.float64)))


def _shows(one: ClaimSet, sides: Sequence[str]) -> bool:
    """Whether the answer is among the values that a person was shown."""
    return len(sides) > 1 if one.gold == BOTH else any(is_right(one, side) for side in sides)
