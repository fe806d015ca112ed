"""The graph on prompts none of its weights have seen: is its confidence true, and what do the later tiers add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mendgraph.app import MendGraph
from mendgraph.core.arrays import BoolArray, FloatArray, IntArray
from mendgraph.core.metrics import adaptive_ece, auroc, ece
from mendgraph.core.values import Prediction
from mendgraph.errors import DataError
from mendgraph.evaluation.prompt_routing.resampling import Estimate, estimate, resampled
from mendgraph.evaluation.report import Section, Table, number, percent
from mendgraph.nodes.call import call
from mendgraph.training.prompt_routing.outcomes import Outcomes

NOBODY = -1
"""Number of the model where nothing was chosen."""


@dataclass(frozen=True, slots=True)
class Routed:
    """One way to choose for all N prompts.

    Attributes:
        models: (N,) numbers of the chosen models in the table of outcomes; `NOBODY` where nothing was chosen.
        confidence: (N,) in [0, 1] that the choice is as good as the best; 0 where nothing was chosen.
    """

    name: str
    models: IntArray
    confidence: FloatArray

    def scores(self, table: Outcomes) -> FloatArray:
        """(N,) of the chosen models; 0 where nothing was chosen."""
        found = table.scores[np.arange(len(table)), np.maximum(self.models, 0)]
        return np.where(self.models == NOBODY, 0.0, found)

    def good(self, table: Outcomes, tolerance: float) -> BoolArray:
        """(N,) whether the choice scores within `tolerance` of the best model."""
        chosen = self.models != NOBODY
        return np.asarray(chosen & (self.scores(table) >= table.scores.max(axis=1) - tolerance))


@dataclass(frozen=True, slots=True)
class Collected:
    """Every tier alone, in the order they are tried, and all of them as the graph.

    Attributes:
        accepted: (N,) whether the graph was sure enough.
        settled: tier -> rows that it settled.
    """

    table: Outcomes
    tiers: tuple[Routed, ...]
    cascade: Routed
    accepted: BoolArray
    settled: Mapping[str, int]


def collect(graph: MendGraph, table: Outcomes) -> Collected:
    """Asks about every prompt of the table, with the LLMs that it does not know switched off.

    Raises:
        DataError: the graph has none of the table's LLMs, or its first tier did not answer a single prompt.
    """
    labels = graph.context.policy.labels
    down = [name for name in labels if name not in table.models]
    shared = [name for name in table.models if name in labels]
    if len(shared) < len(table.models):
        missing = ", ".join(sorted(set(table.models) - set(shared)))
        raise DataError(
            f"the graph does not know {missing}", hint="name them in prompt_routing.llms of the configuration"
        )
    asked: list[dict[str, Any]] = [{"prompt": prompt, "down": down} for prompt in table.prompts]
    rows = [graph.context.prepare(row) for row in asked]
    tiers = []
    for name, tier in graph.tiers.items():
        outcomes = call(name, tier, rows, labels).outcomes
        said = [o for o in outcomes if isinstance(o, Prediction)]
        known = iter(
            graph.context.policy.calibrate(name, tier.fingerprint, said, getattr(tier, "calibrator", None))
        )
        tiers.append(
            _routed(name, [next(known) if isinstance(o, Prediction) else None for o in outcomes], table)
        )
    if not tiers or (tiers[0].models == NOBODY).all():
        raise DataError(
            "the first tier answers no prompt", hint="`mend doctor` says what is wrong with the tiers"
        )
    answers = graph.run(asked, ask="never")
    settled: dict[str, int] = {}
    for answer in answers:
        settled[answer.source or answer.status] = settled.get(answer.source or answer.status, 0) + 1
    return Collected(
        table,
        tuple(tiers),
        Routed(
            "graph",
            _numbers([answer.best_guess for answer in answers], table),
            np.array([answer.confidence or 0.0 for answer in answers]),
        ),
        np.array([answer.accepted for answer in answers], dtype=np.bool_),
        settled,
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """One way to choose, measured.

    Attributes:
        good: share of choices as good as the best, within the tolerance.
        sureness: mean confidence; a true one equals `good`.
        ece, adaptive_ece, auroc: of the confidence that the choice is good.
        over_first: mean score minus that of the first tier, paired.
        rescued, harmed: prompts with a better and a worse score than the first tier's choice.
    """

    score: float
    good: float
    sureness: float
    ece: float
    adaptive_ece: float
    auroc: float
    over_first: Estimate
    rescued: int
    harmed: int


def checked(found: Collected, tolerance: float, *, resamples: int, seed: int = 0) -> dict[str, Checked]:
    """Name -> measures, tiers first, in order."""
    weights = resampled(found.table.prompts, resamples, seed)
    first = found.tiers[0].scores(found.table)
    result = {}
    for one in (*found.tiers, found.cascade):
        scores, good = one.scores(found.table), one.good(found.table, tolerance)
        change = scores - first
        result[one.name] = Checked(
            score=float(scores.mean()),
            good=float(good.mean()),
            sureness=float(one.confidence.mean()),
            ece=ece(one.confidence, good),
            adaptive_ece=adaptive_ece(one.confidence, good),
            auroc=auroc(one.confidence, good),
            over_first=estimate((weights @ change / weights.sum(axis=1))[None], seed),
            rescued=int((change > 0).sum()),
            harmed=int((change < 0).sum()),
        )
    return result


def cascade_section(name: str, title: str, found: Collected, tolerance: float, *, resamples: int) -> Section:
    measured = checked(found, tolerance, resamples=resamples)
    accepted = found.accepted
    good = found.cascade.good(found.table, tolerance)
    best = found.table.scores.mean(axis=0)
    single = int(best.argmax())
    singles = (
        f"best single in hindsight: {found.table.models[single]}", number(float(best[single])),
        percent(float((found.table.scores[:, single] >= found.table.scores.max(axis=1) - tolerance).mean())),
        *("-",) * 6,
    )  # fmt: skip
    table = Table(
        f"The graph's check: {title}",
        (
            "", "score", "good enough", "mean confidence", "ECE", "ECE, equal mass", "AUROC",
            "score over the first tier", "better / worse",
        ),
        (
            *(
                (
                    name_, number(line.score), percent(line.good), percent(line.sureness), number(line.ece),
                    number(line.adaptive_ece), number(line.auroc), line.over_first.text(),
                    f"{line.rescued} / {line.harmed}",
                )
                for name_, line in measured.items()
            ),
            singles,
        ),
        f"{len(found.table)} prompts; good enough: a score within {tolerance:g} of the best model's. The graph was "
        f"sure of {percent(float(accepted.mean()))} of the prompts and right in "
        f"{percent(float(good[accepted].mean()) if accepted.any() else float('nan'))} of those; settled by "
        + ", ".join(f"{tier} {count}" for tier, count in found.settled.items())
        + ".",
    )  # fmt: skip
    figures = {
        "measures": measured,
        "accepted": float(accepted.mean()),
        "good_among_accepted": float(good[accepted].mean()) if accepted.any() else None,
        "settled": dict(found.settled),
        "tolerance": tolerance,
        "rows": len(found.table),
        "best_single": {"model": found.table.models[single], "score": float(best[single])},
    }
    return Section(name, (table,), figures)


def _routed(name: str, predictions: Sequence[Prediction | None], table: Outcomes) -> Routed:
    return Routed(
        name,
        _numbers([p.label if p else None for p in predictions], table),
        np.array([(p.confidence or 0.0) if p else 0.0 for p in predictions]),
    )


def _numbers(names: Sequence[str | None], table: Outcomes) -> IntArray:
    place = {name: number for number, name in enumerate(table.models)}
    return np.array([place.get(name, NOBODY) if name else NOBODY for name in names], dtype=np.int64)
