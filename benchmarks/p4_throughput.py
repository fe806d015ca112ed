"""P4: the whole cascade over many texts of mixed length.

a: against `pipeline(batch_size=32)` over the primary's weights alone, which answers but heals nothing;
b: against LangGraph's `graph.batch()` over one-row runs of the same cascade.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.cascades import settled_by, shipped
from benchmarks.harness import Figure, Goal, figure, interleaved, machine, report, summary
from benchmarks.models import Pair, check_equal, embedded_pair
from benchmarks.texts import mixed_lengths
from mendgraph import MendGraph
from mendgraph.app import answers_of


def against_pipeline(graph: MendGraph, pair: Pair, *, rows: int, repeats: int, cascade: str) -> Figure:
    texts = mixed_lengths(rows)
    difference = check_equal(pair, texts[:40])
    sources: Counter[str] = Counter()

    def ours(_: int) -> None:
        answers = graph.run(texts, ask="never")
        sources.clear()
        sources.update(answer.source or answer.status for answer in answers)

    def theirs(_: int) -> Any:
        return list(pair.pipeline(texts, batch_size=32, **pair.arguments))

    taken = interleaved({"cascade": ours, "pipeline": theirs}, repeats=repeats, warmup=1)
    return figure(
        f"a: {rows} texts, pipeline / cascade",
        Goal(1.0, 1.8, "higher"),
        taken["pipeline"],
        taken["cascade"],
        cascade_weights=cascade,
        rows=rows,
        rows_per_second={name: round(rows / float(sorted(t)[len(t) // 2]), 1) for name, t in taken.items()},
        cascade=summary(taken["cascade"]),
        pipeline=summary(taken["pipeline"]),
        settled_by=dict(sources),
        largest_difference=difference,
    )


def against_batch(graph: MendGraph, *, rows: int, repeats: int, cascade: str) -> Figure:
    texts = mixed_lengths(rows, seed=1)
    together = graph.run(texts, ask="never")
    requests = [graph.request(text, ask="never") for text in texts]
    alone = [answers_of(state)[0] for state in graph.graph.batch(requests)]
    if different := [a.input for a, b in zip(together, alone, strict=True) if a.best_guess != b.best_guess]:
        raise AssertionError(f"one by one answers otherwise for {different[0]!r}")
    taken = interleaved(
        {"run": lambda _: graph.run(texts, ask="never"), "batch": lambda _: graph.graph.batch(requests)},
        repeats=repeats,
        warmup=0,
    )
    return figure(
        f"b: {rows} texts, graph.batch / run",
        Goal(5.0, 10.0, "higher"),
        taken["batch"],
        taken["run"],
        cascade_weights=cascade,
        rows=rows,
        run=summary(taken["run"]),
        batch=summary(taken["batch"]),
    )


def main(rows: int = 2000, repeats: int = 5) -> None:
    before = machine()
    with tempfile.TemporaryDirectory() as folder:
        pair = embedded_pair(Path(folder))
        real = shipped()
        graph, cascade = (real, "shipped") if real else (settled_by(pair.tier), "stand-ins")
        figures = [
            against_pipeline(graph, pair, rows=rows, repeats=repeats, cascade=cascade),
            against_batch(graph, rows=max(rows // 5, 1), repeats=repeats, cascade=cascade),
        ]
    report(
        "p4_throughput", "the whole cascade, throughput as a multiple of the other side's", figures, before
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
