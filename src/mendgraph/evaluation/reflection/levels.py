"""Levels on held-out prompts: one tier alone against the cascade, with what each accepts and how often it errs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mendgraph.app import MendGraph
from mendgraph.core.arrays import BoolArray, FloatArray, IntArray
from mendgraph.core.metrics import accuracy, bootstrap_interval, ece, macro_f1
from mendgraph.core.reflection import LABELS
from mendgraph.core.tier import Tier
from mendgraph.core.values import Answer, Input
from mendgraph.errors import DataError
from mendgraph.evaluation.emotion.cost import tiers_per_row
from mendgraph.evaluation.report import Section, Table, between, number, percent
from mendgraph.graphs import reflection
from mendgraph.training.emotion.policy import Heard, fit_policy
from mendgraph.training.reflection.corpus import Group
from mendgraph.training.reflection.policy import RULES, hear
from mendgraph.training.reflection.split import holdout

SEED = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """What a graph said about N responses: levels, whether it accepted them, and how sure it was."""

    said: IntArray
    accepted: BoolArray
    confidence: FloatArray
    tiers: float


def levels_section(graph: MendGraph, dev: Sequence[Group], resamples: int) -> Section:
    """The first tier alone and the whole cascade, each half of `dev` under a policy fitted on the other half.

    Args:
        dev: prompts that no tier was trained on.
    """
    rows = [(group, text, level) for group in dev for text, level in group.responses]
    truth = np.array([level for _, _, level in rows], dtype=np.int64)
    families = np.array([group.family for group, _, _ in rows], dtype=np.int64)
    tiers = {name: tier for name, tier in graph.context.tiers.items() if name not in RULES}
    inputs = [Input(text, text, {"prompt": group.prompt}) for group, text, _ in rows]
    heard = hear(tiers, inputs, truth.tolist())
    pairs: list[object] = [(group.prompt, text) for group, text, _ in rows]
    ours = {group.family for group in holdout(dev, 0.5, SEED)[1]}
    halves = [np.flatnonzero(np.isin(families, list(ours), invert=flip)) for flip in (False, True)]
    first = next(iter(tiers))
    systems = {f"{first} alone": {first: tiers[first]}, "cascade": tiers}
    figures: dict[str, Any] = {"rows": len(rows), "raw_ece": _raw_ece(heard.probabilities[first], truth)}
    for name, chosen in systems.items():
        judged = _judged(graph, chosen, heard, pairs, halves)
        figures[name] = _figures(judged, truth, families, resamples)
    table = Table(
        "Levels on prompts held out of training",
        ("", "accuracy", "macro-F1", "ECE", "coverage", "risk of the accepted", "tiers asked"),
        tuple(
            (
                name,
                between(found["accuracy"], found["accuracy_interval"]),
                between(found["macro_f1"], found["macro_f1_interval"]),
                number(found["ece"]),
                percent(found["coverage"]),
                percent(found["risk"]),
                number(found["tiers"], 2),
            )
            for name in systems
            if isinstance(found := figures[name], Mapping)
        ),
        f"{len(rows)} responses to {len(dev)} prompts; each half judged under thresholds and calibration fitted on the "
        f"other for a risk of 10 %. {first} before calibration: ECE {figures['raw_ece']:.3f}. Two numbers of its match "
        "were fitted on these prompts too. 95 % intervals over prompts.",
    )
    return Section("levels", (table,), figures)


def _judged(
    graph: MendGraph,
    tiers: Mapping[str, Tier],
    heard: Heard,
    pairs: Sequence[object],
    halves: Sequence[IntArray],
) -> Judged:
    own = Heard({name: heard.probabilities[name] for name in tiers}, heard.labels, heard.fingerprints)
    answers: dict[int, Answer] = {}
    asked = 0.0
    for place, half in enumerate(halves):
        policy = fit_policy(own.rows(halves[1 - place]), LABELS)
        judge = MendGraph(graph.name, replace(graph.context, tiers=tiers, policy=policy), reflection.build)
        found = judge.run([pairs[row] for row in half.tolist()], ask="never")
        asked += tiers_per_row(judge, found) * len(half)
        answers |= dict(zip(half.tolist(), found, strict=True))
    ordered = [answers[row] for row in range(len(pairs))]
    if silent := [row for row, answer in enumerate(ordered) if answer.best_guess is None]:
        raise DataError(f"no tier answers {pairs[silent[0]]!r}", hint="look at `mend doctor`")
    return Judged(
        said=np.array([LABELS.index(answer.best_guess or "") for answer in ordered], dtype=np.int64),
        accepted=np.array([answer.accepted for answer in ordered]),
        confidence=np.array([answer.confidence or 0.0 for answer in ordered]),
        tiers=asked / len(pairs),
    )


def _figures(judged: Judged, truth: IntArray, families: IntArray, resamples: int) -> dict[str, Any]:
    wrong = judged.said != truth
    spans = {
        measure.__name__: bootstrap_interval(
            measure, truth, judged.said, seed=SEED, resamples=resamples, groups=families
        )
        for measure in (accuracy, macro_f1)
    }
    return {
        "accuracy": accuracy(truth, judged.said),
        "accuracy_interval": spans["accuracy"],
        "macro_f1": macro_f1(truth, judged.said),
        "macro_f1_interval": spans["macro_f1"],
        "ece": ece(judged.confidence, ~wrong),
        "coverage": float(judged.accepted.mean()),
        "risk": float(wrong[judged.accepted].mean()) if judged.accepted.any() else float("nan"),
        "tiers": judged.tiers,
    }


def _raw_ece(probabilities: FloatArray, truth: IntArray) -> float:
    return ece(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)
