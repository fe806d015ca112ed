"""Every system's answers to a data set, in batches of questions of like length."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import BoolArray, FloatArray, IntArray
from mendgraph.evaluation.conflict.batching import like_lengths
from mendgraph.evaluation.conflict.hybrid import Delivered, delivered, row_of
from mendgraph.evaluation.conflict.parts import Parts
from mendgraph.evaluation.conflict.said import HYBRID, Row, Said
from mendgraph.evaluation.conflict.ways import Batch, Settings, Ways

__all__ = ["Progress", "Readings", "read_all"]

_CHUNK = 4
"""Batches between two runs of the graph: systems take turns, so that what else the machine does hits all alike."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Readings:
    """What was said of N rows, in their order; attributes as of `Batch`.

    Attributes:
        tokens: (N,) of each prompt.
        cut: (N,) whether a prompt lost something, because the reader's context is short.
        lengths: (steps, N); no steps without a refinement.
        conflict: (N,); None without a detector.
        levels: (N, levels); None without a types classifier.
        hybrid: None without a graph.
    """

    said: dict[str, list[Said]]
    ruled: list[Said] | None
    steps: dict[int, list[Said]]
    tokens: IntArray
    cut: BoolArray
    lengths: FloatArray
    conflict: FloatArray | None
    doubt: FloatArray
    compared: FloatArray
    levels: FloatArray | None
    hybrid: list[Delivered] | None

    @property
    def acted_upon(self) -> FloatArray:
        """(N,) probabilities of a conflict that the graph goes by."""
        return self.compared if self.conflict is None else self.conflict


def read_all(
    parts: Parts, rows: Sequence[Row], settings: Settings, progress: Progress = lambda done, total: None
) -> Readings:
    """
    Raises:
        InputError: a row without a question or documents.
    """
    reader = parts.reader
    prompts = [reader.prompt(row.question, [one.text for one in row.documents]) for row in rows]
    ways = Ways(parts, settings)
    batches = like_lengths([len(prompt.ids) for prompt in prompts])
    order: list[int] = []
    answered: list[Batch] = []
    given: dict[int, Delivered] = {}
    for number, numbers in enumerate(batches):
        answered.append(ways.answer([rows[at] for at in numbers], [prompts[at] for at in numbers], number))
        order += numbers
        if parts.hybrid is not None and ((number + 1) % _CHUNK == 0 or number + 1 == len(batches)):
            waiting = order[len(given) :]
            began = time.perf_counter()
            answers = parts.hybrid([row_of(rows[at]) for at in waiting])
            seconds = (time.perf_counter() - began) / len(waiting)
            for at, answer in zip(waiting, answers, strict=True):
                given[at] = delivered(answer, seconds)
        progress(len(order), len(rows))
    return _in_order(answered, order, [given[at] for at in range(len(rows))] if given else None)


def _in_order(answered: Sequence[Batch], order: Sequence[int], hybrid: list[Delivered] | None) -> Readings:
    back = np.argsort(order)
    prompts = [prompt for batch in answered for prompt in batch.prompts]

    def sorted_back(parts: Sequence[list[Said]]) -> list[Said]:
        flat = [one for part in parts for one in part]
        return [flat[at] for at in back]

    said = {name: sorted_back([batch.said[name] for batch in answered]) for name in answered[0].said}
    if hybrid is not None:
        said[HYBRID] = [one.said for one in hybrid]
    moved = [batch.lengths.double().cpu().numpy() for batch in answered if batch.lengths is not None]
    conflict = [batch.conflict for batch in answered if batch.conflict is not None]
    levels = [batch.levels for batch in answered if batch.levels is not None]
    return Readings(
        said,
        None if answered[0].ruled is None else sorted_back([batch.ruled or [] for batch in answered]),
        {count: sorted_back([batch.steps[count] for batch in answered]) for count in answered[0].steps},
        np.array([len(prompt.ids) for prompt in prompts])[back],
        np.array([bool(prompt.cut) for prompt in prompts])[back],
        np.concatenate(moved, axis=1)[:, back] if moved else np.empty((0, len(order))),
        np.concatenate(conflict)[back] if conflict else None,
        np.concatenate([batch.doubt for batch in answered])[back],
        np.concatenate([batch.compared for batch in answered])[back],
        np.concatenate(levels)[back] if levels else None,
        hybrid,
    )
