"""What a row costs: rows per second of each tier and of the cascade, one rough timing each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from mendgraph.app import MendGraph
from mendgraph.core.values import Answer, Prediction
from mendgraph.evaluation.report import Section, Table, number
from mendgraph.nodes.call import call

WARM_UP = 32
MOST_ROWS = 512
"""Rows timed per system."""

CASCADE = "cascade"


@dataclass(frozen=True, slots=True)
class Rate:
    """Speed of one system alone; `ratio_to_first` is relative to the tier asked first."""

    system: str
    rows: int
    rows_per_second: float
    ratio_to_first: float


def measure_rates(graph: MendGraph, texts: Sequence[str]) -> tuple[Rate, ...]:
    """Times every tier that answers, and the cascade; empty when there are too few rows.

    Call it before anything else has read `texts`: tiers that share sentence vectors remember them.  For the same
    reason every system gets rows of its own, interleaved so that lengths are alike.
    """
    tiers = [name for name in graph.tiers if name != "emoji"]
    names = [*tiers, CASCADE]
    slices = {name: texts[place :: len(names)][: WARM_UP + MOST_ROWS] for place, name in enumerate(names)}
    warm = min(WARM_UP, min(map(len, slices.values())) // 2)
    if not warm:
        return ()
    speed: dict[str, float] = {}
    for name in tiers:
        if _answers(graph, name, slices[name][:warm]):
            speed[name] = _timed(graph, name, slices[name][warm:])
    graph.run(slices[CASCADE][:warm], ask="return")
    speed[CASCADE] = _timed_cascade(graph, slices[CASCADE][warm:])
    base = next(iter(speed.values()))
    return tuple(Rate(name, len(slices[name]) - warm, rate, rate / base) for name, rate in speed.items())


def tiers_per_row(graph: MendGraph, answers: Sequence[Answer]) -> float:
    """Mean number of tiers whose models were asked; checks and combinations cost next to nothing."""
    return sum(a.tier in graph.tiers for answer in answers for a in answer.trail) / len(answers)


def cost_section(rates: Sequence[Rate], tiers_asked: float) -> Section:
    table = Table(
        "Cost, one rough timing each",
        ("system", "rows timed", "rows per second", "ratio to the first tier"),
        tuple(
            (r.system, str(r.rows), number(r.rows_per_second, 0), number(r.ratio_to_first, 2)) for r in rates
        ),
        f"only the ratios travel to other machines; tiers asked per row of the cascade: {number(tiers_asked, 2)}",
    )
    return Section("cost", (table,), {"rates": list(rates), "tiers_per_row": tiers_asked})


def _answers(graph: MendGraph, name: str, texts: Sequence[str]) -> bool:
    rows = [graph.context.prepare(text) for text in texts]
    return any(isinstance(o, Prediction) for o in call(name, graph.tiers[name], rows, graph.labels).outcomes)


def _timed(graph: MendGraph, name: str, texts: Sequence[str]) -> float:
    rows = [graph.context.prepare(text) for text in texts]
    started = time.perf_counter()
    call(name, graph.tiers[name], rows, graph.labels)
    return len(rows) / max(time.perf_counter() - started, 1e-9)


def _timed_cascade(graph: MendGraph, texts: Sequence[str]) -> float:
    started = time.perf_counter()
    graph.run(texts, ask="return")
    return len(texts) / max(time.perf_counter() - started, 1e-9)
