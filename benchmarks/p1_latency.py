"""P1: a graph run of one text that the primary settles, against `transformers.pipeline` over the same weights."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.cascades import settled_by
from benchmarks.harness import Figure, Goal, figure, interleaved, machine, report, summary
from benchmarks.models import Pair, check_equal, distilbert_pair, embedded_pair
from benchmarks.texts import mixed_lengths


def measure(pair: Pair, goal: Goal, *, repeats: int) -> Figure:
    texts = mixed_lengths(repeats)
    difference = check_equal(pair, texts[:40])
    graph = settled_by(pair.tier)
    [answer] = graph.run(texts[0], threshold=0.0)
    if answer.source != "primary":
        raise AssertionError(f"expected the primary to settle the row, got {answer.source!r}")
    taken = interleaved(
        {
            "graph": lambda number: graph.run(texts[number], threshold=0.0),
            "pipeline": lambda number: pair.scores(texts[number]),
        },
        repeats=repeats,
        warmup=20,
    )
    return figure(
        f"{pair.name}, {pair.weights} weights",
        goal,
        taken["graph"],
        taken["pipeline"],
        graph=summary(taken["graph"]),
        pipeline=summary(taken["pipeline"]),
        largest_difference=difference,
    )


def main(repeats: int = 200) -> None:
    before = machine()
    with tempfile.TemporaryDirectory() as folder:
        figures = [
            measure(distilbert_pair(Path(folder) / "a"), Goal(1.10, 1.00, "lower"), repeats=repeats),
            measure(embedded_pair(Path(folder) / "b"), Goal(1.25, 1.00, "lower"), repeats=repeats),
        ]
    report(
        "p1_latency", "one text settled by the primary, time of graph.run / time of pipeline", figures, before
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
