"""What a reader's inside, and its own word, say of whether documents contradict each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final

import numpy as np

from mendgraph.adapters.answerability import Answerability
from mendgraph.adapters.reader.detector import Detector
from mendgraph.adapters.reader.heard import Heard
from mendgraph.adapters.reader.listener import Listener
from mendgraph.adapters.reader.prompt import Prompt
from mendgraph.adapters.reader.reader import Reader
from mendgraph.core.answerability import LABELS
from mendgraph.core.answers import agreeing_groups
from mendgraph.core.arrays import FloatArray
from mendgraph.core.conflict import LEVELS, Document
from mendgraph.core.conflict_decisions import together
from mendgraph.core.conflict_mending import mended
from mendgraph.core.disagreement import disagreement, level_between
from mendgraph.evaluation.conflict.batching import like_lengths
from mendgraph.evaluation.conflict.datasets import Sample
from mendgraph.evaluation.conflict.systems import System, key_of

__all__ = ["ASKED", "COMPARED", "DETECTOR", "GRAPH", "Hearing", "contradiction", "inside", "of_no_level"]

DETECTOR: Final = "detector on hidden states"
ASKED: Final = "reader asked whether they agree"
COMPARED: Final = "what documents are heard to say"
GRAPH: Final = "heard and typed together"
CLAIMED: Final = "Is it true that {}?"
"""A document as a question to another."""
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


class Hearing:
    """What documents of samples are heard to say, each read by itself; a sample is heard once.

    Two documents without a question are heard by the judge as a claim and what is said of it, either way round.
    """

    def __init__(self, reader: Reader, judge: Answerability | None = None) -> None:
        self._reader, self._judge = reader, judge
        self._listener = Listener(reader, judge)
        self._known: dict[tuple[str, ...], _Told] = {}

    def alone(self, samples: Sequence[Sample]) -> FloatArray:
        """(N, levels) by whether what is heard differs, on the level of its kind."""
        found = []
        for one in self._told(samples):
            level = level_between(one.values, {}) if one.differs else None
            found.append(_spread(one.chance, None if level is None else _only(level)))
        return np.array(found).reshape(len(samples), len(LEVELS))

    def with_types(self, types: System) -> System:
        """What is heard and what `types` says, put together as the graph does, before calibration."""

        def system(samples: Sequence[Sample]) -> FloatArray:
            found = []
            for one, own in zip(self._told(samples), types(samples), strict=True):
                shares = own[1:] / max(own[1:].sum(), 1e-12)
                if one.differs:
                    level = level_between(one.values, dict(zip(LEVELS[1:], shares, strict=True)))
                    shares = 0.5 * shares + 0.5 * _only(level)
                # Without a detector what the graph finds first is what is heard too: it counts twice.
                found.append(_spread(together(one.chance, one.chance, 1.0 - float(own[0])), shares))
            return np.array(found).reshape(len(samples), len(LEVELS))

        return system

    def _told(self, samples: Sequence[Sample]) -> list[_Told]:
        keys = [key_of(one) for one in samples]
        new = {key: one for key, one in zip(keys, samples, strict=True) if key not in self._known}
        asked = {key: one for key, one in new.items() if one.question or self._judge is None}
        self._known |= self._heard(asked)
        if self._judge is not None:
            self._known |= _as_claims(self._judge, {key: new[key] for key in new if key not in asked})
        return [self._known[key] for key in keys]

    def _heard(self, samples: Mapping[tuple[str, ...], Sample]) -> dict[tuple[str, ...], _Told]:
        rows = list(samples.values())
        questions = [one.question or NO_QUESTION for one in rows]
        texts = [[document.text for document in one.documents] for one in rows]
        prompts = [self._reader.prompt(*row) for row in zip(questions, texts, strict=True)]
        found: dict[int, _Told] = {}
        for numbers in like_lengths([len(prompt.ids) for prompt in prompts]) if rows else []:
            said = self._listener.hear(
                [prompts[at] for at in numbers],
                [questions[at] for at in numbers],
                [texts[at] for at in numbers],
            )
            for at, heard in zip(numbers, said, strict=True):
                found[at] = _told(questions[at], rows[at].documents, heard)
        return {key: found[at] for at, key in enumerate(samples)}


@dataclass(frozen=True, slots=True)
class _Told:
    """Attributes: chance: that documents conflict; values: what they say."""

    chance: float
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return len(set(agreeing_groups(self.values))) > 1


def contradiction(question: str, documents: Sequence[Document], heard: Sequence[Heard]) -> float:
    """Probability that two of the documents say different things, as the graph takes it without a detector."""
    return _told(question, documents, heard).chance


def _told(question: str, documents: Sequence[Document], heard: Sequence[Heard]) -> _Told:
    names = [document.id for document in documents]
    said = mended(
        question,
        documents,
        {name: one.value for name, one in zip(names, heard, strict=True)},
        {name: one.probability for name, one in zip(names, heard, strict=True)},
    )
    values = tuple(value for value in said.values.values() if value is not None)
    return _Told(disagreement(list(said.values.values()), list(said.sure.values())), values)


def _as_claims(
    judge: Answerability, samples: Mapping[tuple[str, ...], Sample]
) -> dict[tuple[str, ...], _Told]:
    """How likely one document denies another, asked whether it is so; the likelier of all ordered pairs."""
    pairs = {key: list(permutations((one.text for one in row.documents), 2)) for key, row in samples.items()}
    asked = [(CLAIMED.format(claim.rstrip(".")), said) for row in pairs.values() for claim, said in row]
    chances = iter(judge.chances(asked)[:, LABELS.index("no")])
    return {
        key: _Told(max((float(next(chances)) for _ in row), default=0.0), ()) for key, row in pairs.items()
    }


def _only(level: str) -> FloatArray:
    return np.array([float(one == level) for one in LEVELS[1:]])


def _spread(chance: float, shares: FloatArray | None) -> FloatArray:
    """(levels,) of a conflict's probability and the shares of its levels; even ones where they are not known."""
    even = np.full(len(LEVELS) - 1, 1.0 / (len(LEVELS) - 1))
    return np.concatenate([[1.0 - chance], chance * (even if shares is None else shares)])


def of_no_level(sure: FloatArray) -> FloatArray:
    """(N, levels) from (N,) probabilities of a conflict, which is of no level in particular."""
    spread = np.repeat(sure[:, None] / (len(LEVELS) - 1), len(LEVELS) - 1, axis=1)
    return np.hstack([1.0 - sure[:, None], spread])
