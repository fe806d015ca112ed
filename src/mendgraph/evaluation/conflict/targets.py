"""The project's targets for conflicts beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mendgraph.core.conflict import LEVELS
from mendgraph.evaluation.conflict.detectors import COMPARED, DETECTOR, GRAPH
from mendgraph.evaluation.conflict.judging import CLAIMS, CLASSIFIER
from mendgraph.evaluation.conflict.said import ALWAYS, HYBRID, REFINED
from mendgraph.evaluation.conflict.spotting import CHANCE_AUROC
from mendgraph.evaluation.emotion.targets import Target
from mendgraph.evaluation.report import between, number, points
from mendgraph.training.conflict.refinement_fit import REFINED_LEVELS

__all__ = ["q8", "q9"]

DETECTED: Final = (0.90, 0.95)
TYPED: Final = (0.85, 0.90)
REFINED_PASSES: Final = 1.1
HYBRID_PASSES: Final = 2.0

Figures = Mapping[str, Any]


def q8(detection: Figures, types: Figures) -> list[Target]:
    """AUROC of what the graph may go by on every set, the must being of claims; macro-F1 of the types classifier, alone
    and in the graph."""
    found = []
    for name, systems in detection.items():
        for system in (one for one in (DETECTOR, COMPARED, CLASSIFIER, GRAPH) if one in systems):
            value, interval = systems[system]["auroc"], systems[system]["interval"]
            gate = name == CLAIMS
            met = value >= DETECTED[0] if gate else interval[0] > CHANCE_AUROC
            found.append(
                Target(
                    "Q8",
                    f"AUROC, {system}, {name}",
                    f">= {DETECTED[0]:g}" if gate else "interval above 0.5",
                    f">= {DETECTED[1]:g}" if gate else "-",
                    between(value, interval),
                    _verdict(met, gate and value >= DETECTED[1]),
                )
            )
    for name, systems in types.items():
        for system in (one for one in (CLASSIFIER, GRAPH) if one in systems):
            figures = systems[system]
            value = figures["macro_f1"]
            found.append(
                Target(
                    "Q8",
                    f"macro-F1 of types, {system}, {name}",
                    f">= {TYPED[0]:g}",
                    f">= {TYPED[1]:g}",
                    between(value, figures["interval"]),
                    _verdict(value >= TYPED[0], value >= TYPED[1]),
                )
            )
    return found


def q9(answers: Figures, against: Figures, sampled: str) -> list[Target]:
    """Refinement against self-consistency on the shallow levels, and the hybrid against everything, on every level."""
    accuracy, cost = answers["accuracy"], answers["cost"]
    found = []
    if REFINED in accuracy and sampled in against:
        for level in (one for one in REFINED_LEVELS if one in accuracy[REFINED]):
            gain = against[sampled][REFINED][level]
            passes = cost[REFINED]["passes"][level]
            found.append(
                Target(
                    "Q9",
                    f"{REFINED} against {sampled}, {level}: points; passes",
                    f">= 0 at <= {REFINED_PASSES:g}",
                    "-",
                    f"{points(gain['gain'])} [{points(gain['interval'][0])}, {points(gain['interval'][1])}]; "
                    f"{number(passes, 2)}",
                    _verdict(gain["gain"] >= 0 and passes <= REFINED_PASSES, False),
                )
            )
    if HYBRID in accuracy:
        best = []
        rivals = [name for name in accuracy if name in cost and name not in (HYBRID, ALWAYS)]
        for level in (one for one in LEVELS if one in accuracy[HYBRID]):
            own = accuracy[HYBRID][level]["accuracy"]
            other = max(rivals, key=lambda name, level=level: accuracy[name][level]["accuracy"])  # type: ignore[misc]
            best.append((level, own - accuracy[other][level]["accuracy"], other))
        passes = cost[HYBRID]["passes"]["all"]
        met = passes <= HYBRID_PASSES and all(gain >= 0 for _, gain, _ in best)
        found.append(
            Target(
                "Q9",
                f"{HYBRID}: points over the best other system of each level; passes",
                "-",
                f">= 0 on every level at <= {HYBRID_PASSES:g}",
                "; ".join(f"{level} {points(gain)} ({other})" for level, gain, other in best)
                + f"; {number(passes, 2)}",
                "aim met" if met else "not met",
            )
        )
    return found


def _verdict(must: bool, aim: bool) -> Any:
    return "not met" if not must else "aim met" if aim else "must met"
