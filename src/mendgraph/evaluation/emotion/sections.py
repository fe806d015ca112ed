"""Groups of measures over the collected answers, each with the targets it decides."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mendgraph.app import MendGraph
from mendgraph.core.arrays import IntArray
from mendgraph.core.metrics import accuracy, balanced_accuracy
from mendgraph.evaluation.contrast import load_contrast
from mendgraph.evaluation.emotion.answers import Collected, Echo, System, collect
from mendgraph.evaluation.emotion.baselines import TfIdf, majority
from mendgraph.evaluation.emotion.contrast import contrast_set
from mendgraph.evaluation.emotion.datasets import MAIN, Datasets, Labelled, balanced_draws
from mendgraph.evaluation.emotion.healing import gain, gains_table, outcomes, outcomes_tables
from mendgraph.evaluation.emotion.scores import Scores, per_class_table, score, score_draws, scores_table
from mendgraph.evaluation.emotion.selection import reliability, reliability_tables
from mendgraph.evaluation.emotion.targets import Target, calibration, healing, research, selection, shipped
from mendgraph.evaluation.report import Section, Table

SEED = 0
DRAWS = (0, 1, 2, 3, 4)
"""Seeds of the balanced mix."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One test set with everything that answered it; the constant baseline comes first."""

    data: Labelled
    collected: Collected
    systems: tuple[System, ...]


@dataclass(frozen=True, slots=True)
class Mix:
    """GoEmotions and CARER test together.

    Attributes:
        drawn: scores over balanced draws of the rows.
        together: system -> balanced accuracy over all rows.
    """

    drawn: tuple[Scores, ...]
    together: Mapping[str, float]
    rows: int

    def target(self, trained_on: Sequence[str]) -> Target:
        return research(self.together["cascade"], trained_on)


def measure_sets(
    graph: MendGraph, datasets: Datasets, wanted: Collection[str], echo: Echo
) -> dict[str, Measured]:
    """Set -> all systems on it; sets without a row are left out."""
    sets = dict(datasets.sets)
    if "contrast" in wanted:
        sets["contrast"] = contrast_set(load_contrast())
    baseline = None
    if datasets.train is not None and sets:
        echo(f"fitting TF-IDF and logistic regression on {len(datasets.train.texts):,} rows")
        baseline = TfIdf(datasets.train)
    measured = {}
    for name, data in sets.items():
        if not data.texts:
            echo(f"{data.title}: no row is left, skipped")
            continue
        collected = collect(graph, data.texts, echo, title=name)
        trivial = [majority(data.labels), *([baseline.answer(data.texts)] if baseline else [])]
        measured[name] = Measured(data, collected, (*trivial, *collected.systems()))
    return measured


def data_section(datasets: Datasets) -> Section:
    """What was read and what was taken out."""
    keys = ("read", "unreadable", "duplicates", "ties", "leaked", "other labels", "rows")
    table = Table(
        "Test sets",
        ("set", *keys),
        tuple((name, *(f"{counts[key]:,}" for key in keys)) for name, counts in datasets.counts.items()),
        "leaked: texts of GoEmotions' train or dev; those of its own test were taken out of its train instead",
    )
    train = len(datasets.train.texts) if datasets.train else 0
    figures = {"sets": datasets.counts, "baseline_train_rows": train, "irony_rows": len(datasets.irony)}
    return Section("data", (table,) if datasets.counts else (), figures)


def scores_section(
    measured: Mapping[str, Measured],
    mix: Mix | None,
    wanted: Collection[str],
    names: Sequence[str],
    resamples: int,
) -> Section:
    """Accuracy, macro-F1 and balanced accuracy by test set; with intervals for GoEmotions."""
    figures: dict[str, Any] = {}
    tables: list[Table] = []
    for name, one in measured.items():
        if name not in wanted:
            continue
        seed = SEED if name == MAIN else None
        figures[name] = [score(s, one.data.labels, seed=seed, resamples=resamples) for s in one.systems]
        note = "95 % bootstrap intervals; macro-F1 over the classes present" if name == MAIN else ""
        tables.append(scores_table(figures[name], one.data.title, note))
        if name == MAIN:
            tables.append(per_class_table(one.data.labels, one.collected.cascade.said, names, one.data))
    if mix is not None:
        figures["balanced"] = mix.drawn
        figures["goemotions_and_carer"] = {"rows": mix.rows, "balanced_accuracy": mix.together}
        note = (
            "as many rows of every class as the rarest has; mean [lowest, highest]; balanced accuracy of the "
            f"cascade over all {mix.rows:,} rows: {mix.together['cascade']:.3f}"
        )
        tables.append(scores_table(mix.drawn, f"GoEmotions + CARER, {len(DRAWS)} balanced draws", note))
    return Section("scores", tuple(tables), figures)


def mixed(measured: Mapping[str, Measured]) -> Mix | None:
    """None unless both sources were measured."""
    if MAIN not in measured or "carer" not in measured:
        return None
    ours, theirs = measured[MAIN], measured["carer"]
    labels: IntArray = np.concatenate([ours.data.labels, theirs.data.labels])
    other = {system.name: system for system in theirs.systems[1:]}
    systems = [
        majority(labels),
        *(s.then(other[s.name]) for s in ours.systems[1:] if s.name in other),
    ]
    draws = balanced_draws(labels, DRAWS)
    return Mix(
        tuple(score_draws(system, labels, draws) for system in systems),
        {system.name: balanced_accuracy(labels, system.said) for system in systems},
        len(labels),
    )


def selection_section(main: Measured) -> tuple[Section, list[Target]]:
    """Calibration and selective prediction of the first tier, the combination and the cascade."""
    found, labels = main.collected, main.data.labels
    systems = {
        "raw": found.raw,
        "calibrated": found.tiers[found.first],
        "pooled": found.pooled,
        "cascade": found.cascade,
    }
    measured = {key: reliability(s, found.raw, labels, seed=SEED) for key, s in systems.items()}
    cascade = measured["cascade"]
    section = Section("selection", reliability_tables(list(measured.values()), main.data.title), measured)
    return section, [
        calibration(measured["raw"], measured["calibrated"]),
        calibration(measured["raw"], cascade),
        selection(cascade),
    ]


def healing_section(
    main: Measured, biased: Sequence[System], names: Sequence[str], resamples: int
) -> tuple[Section, list[Target]]:
    """The cascade against the first tier, the best one, and the best one with fitted class biases.

    `names` are the classes in order.  The target is judged against the strongest of them.
    """
    found, labels = main.collected, main.data.labels

    def right(system: System) -> float:
        return accuracy(labels, system.said)

    best = max([*found.tiers.values(), found.raw], key=right)
    strongest = sorted([best, *([max(biased, key=right)] if biased else [])], key=right)
    singles = {system.name: system for system in (found.tiers[found.first], *strongest)}
    gains = [
        gain(single, found.cascade, labels, seed=SEED, resamples=resamples) for single in singles.values()
    ]
    became = outcomes(found.answers, labels, names)
    section = Section(
        "healing",
        (gains_table(gains, main.data.title), *outcomes_tables(became, main.data.title)),
        {"gains": gains, "best_single_tier": best.name, "outcomes": became},
    )
    reached = score(found.cascade, labels).macro_f1
    return section, [shipped(reached), healing(gains[-1])]
