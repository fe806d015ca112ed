"""What a reader's inside, and its own word, say of whether documents contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from mendgraph.adapters.answerability import Answerability
from mendgraph.adapters.reader.detector import Detector
from mendgraph.adapters.reader.heard import Heard
from mendgraph.adapters.reader.listener import Listener
from mendgraph.adapters.reader.prompt import Prompt
from mendgraph.adapters.reader.reader import Reader
from mendgraph.core.arrays import FloatArray
from mendgraph.core.conflict import LEVELS, Document
from mendgraph.core.conflict_mending import mended
from mendgraph.core.disagreement import disagreement
from mendgraph.evaluation.conflict.batching import like_lengths
from mendgraph.evaluation.conflict.datasets import Sample
from mendgraph.evaluation.conflict.systems import System, key_of

__all__ = ["ASKED", "COMPARED", "DETECTOR", "compared", "contradiction", "inside", "of_no_level"]

DETECTOR: Final = "detector on hidden states"
ASKED: Final = "reader asked whether they agree"
COMPARED: Final = "what documents are heard to say"
NO_QUESTION: Final = "What is said?"
"""Asked of pairs that come without a question."""


def inside(reader: Reader, detector: Detector | None = None) -> dict[str, System]:
    """The reader's own word, and the detector where there is one; both come from one reading of a sample."""
    known: dict[tuple[str, ...], list[float]] = {}
    border = reader.border if detector is None else detector.layer

    def judge(prompts: Sequence[Prompt]) -> list[list[float]]:
        midway = reader.begin(prompts, border=border)
        doubts = reader.disagreement(reader.finish(midway), prompts)
        found = doubts if detector is None else detector.probabilities(midway)
        return [list(pair) for pair in zip(doubts, found, strict=True)]

    def read(samples: Sequence[Sample]) -> FloatArray:
        """(N, 2) by `ASKED` and `DETECTOR`."""
        keys = [key_of(one) for one in samples]
        new = {key: one for key, one in zip(keys, samples, strict=True) if key not in known}
        prompts = {
            key: reader.prompt(one.question or NO_QUESTION, [document.text for document in one.documents])
            for key, one in new.items()
        }
        names = list(prompts)
        for numbers in like_lengths([len(prompt.ids) for prompt in prompts.values()]):
            said = judge([prompts[names[at]] for at in numbers])
            known.update(zip((names[at] for at in numbers), said, strict=True))
        return np.array([known[key] for key in keys])

    systems: dict[str, System] = {ASKED: lambda samples: of_no_level(read(samples)[:, 0])}
    if detector is not None:
        systems[DETECTOR] = lambda samples: of_no_level(read(samples)[:, 1])
    return systems


def compared(reader: Reader, judge: Answerability | None = None) -> System:
    """Whether what the documents say, each read by itself, differs."""
    listener = Listener(reader, judge)

    def system(samples: Sequence[Sample]) -> FloatArray:
        questions = [one.question or NO_QUESTION for one in samples]
        texts = [[document.text for document in one.documents] for one in samples]
        prompts = [reader.prompt(*row) for row in zip(questions, texts, strict=True)]
        sure = np.zeros(len(samples))
        for numbers in like_lengths([len(prompt.ids) for prompt in prompts]):
            said = listener.hear(
                [prompts[at] for at in numbers],
                [questions[at] for at in numbers],
                [texts[at] for at in numbers],
            )
            for at, heard in zip(numbers, said, strict=True):
                sure[at] = contradiction(questions[at], samples[at].documents, heard)
        return of_no_level(sure)

    return system


def contradiction(question: str, documents: Sequence[Document], heard: Sequence[Heard]) -> float:
    """Probability that two of the documents say different things, as the graph takes it without a detector."""
    names = [document.id for document in documents]
    said = mended(
        question,
        documents,
        {name: one.value for name, one in zip(names, heard, strict=True)},
        {name: one.probability for name, one in zip(names, heard, strict=True)},
    )
    return disagreement(list(said.values.values()), list(said.sure.values()))


def of_no_level(sure: FloatArray) -> FloatArray:
    """(N, levels) from (N,) probabilities of a conflict, which is of no level in particular."""
    spread = np.repeat(sure[:, None] / (len(LEVELS) - 1), len(LEVELS) - 1, axis=1)
    return np.hstack([1.0 - sure[:, None], spread])
