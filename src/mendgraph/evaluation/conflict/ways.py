"""Ways to answer a question whose documents may disagree, tried on one batch so that what they share is read once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import ParamSpec, TypeVar

import numpy as np
import torch
from torch import Tensor

from mendgraph.adapters.reader.listener import Listener
from mendgraph.adapters.reader.midway import Midway, Ready
from mendgraph.adapters.reader.prompt import Prompt
from mendgraph.adapters.reader.refiner import Refiner
from mendgraph.adapters.reader.writing import Sampling, Written
from mendgraph.core.arrays import FloatArray
from mendgraph.core.conflict import LEVELS
from mendgraph.core.resolution import Claim, Resolution, resolve, rule_in
from mendgraph.core.voting import vote
from mendgraph.evaluation.conflict.detectors import contradiction
from mendgraph.evaluation.conflict.parts import Parts
from mendgraph.evaluation.conflict.said import (
    ALWAYS,
    GUESS,
    MAJORITY,
    PLAIN,
    POLICY,
    RANDOM,
    SAMPLED,
    Row,
    Said,
)
from mendgraph.modules.refinement import in_random_direction
from mendgraph.training.conflict.claims.sets import BOTH
from mendgraph.training.conflict.reader_answers import majority_of

__all__ = ["Batch", "Settings", "Ways", "resolved"]

_SAMPLED_AT_ONCE = 2
"""Questions whose samples are decoded side by side: more are slower, since all wait for the longest."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Attributes:
        samples, temperature: of self-consistency; no samples leave it out.
        sure: confidence in the level from which a shallow conflict is refined, as the graph has it.
    """

    samples: int = 8
    temperature: float = 0.7
    sure: float = 0.7
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Attributes:
        said: system -> its answer to each row.
        ruled: by the rule over the read values where a conflict is taken for granted; None without a types classifier.
        steps: number of refinement's steps -> answers after so many.
        lengths: (steps, rows) how far each step moved the states, see `Refined`; None without a refinement.
        prompts: as the reader read them.
        conflict: probability of one for each row; None without a detector.
        doubt: probability that the documents disagree in the reader's own word.
        compared: the same by what each document is heard to say.
        levels: (rows, levels) before calibration, "none" first; None without a types classifier.
    """

    said: Mapping[str, list[Said]]
    ruled: list[Said] | None
    steps: Mapping[int, list[Said]]
    lengths: Tensor | None
    prompts: Sequence[Prompt]
    conflict: list[float] | None
    doubt: list[float]
    compared: list[float]
    levels: FloatArray | None


@dataclass(slots=True)
class _Read:
    """Prompts on their way, read up to each layer that is asked for once; seconds are of the whole batch."""

    prompts: Sequence[Prompt]
    stopped: dict[int, tuple[Midway, float]] = field(default_factory=dict)


class Ways:
    def __init__(self, parts: Parts, settings: Settings) -> None:
        self.parts = parts
        self.settings = settings
        self._reader = parts.reader
        self._listener = Listener(parts.reader, parts.judge)

    def answer(self, rows: Sequence[Row], prompts: Sequence[Prompt], number: int) -> Batch:
        """
        Args:
            number: of the batch; what is drawn by chance depends on it.
        """
        reader, parts = self._reader, self.parts
        read = _Read(prompts)
        midway, below = self._stopped(read, reader.border)
        ready, above = _timed(reader.finish, midway)
        written, writing = _timed(reader.write, ready)
        lengths = [len(prompt.ids) for prompt in prompts]
        count, reading = len(rows), below + above
        said = {
            ALWAYS: [Said(BOTH) for _ in rows],
            PLAIN: _written(written, lengths, reading + writing),
        }
        texts = [[document.text for document in row.documents] for row in rows]
        listened, telling = _timed(self._listener.hear, prompts, [row.question for row in rows], texts)
        values = [[one.value for one in own] for own in listened]
        heard = [float(sum(one.tokens for one in own)) for own in listened]
        chance = random.Random(f"{self.settings.seed} {number}")
        for name, choose in ((GUESS, _one_of(chance)), (MAJORITY, majority_of)):
            said[name] = [
                Said(choose(own) or "", work, telling / count)
                for own, work in zip(values, heard, strict=True)
            ]
        levels = self._levels(rows)
        ruled = None
        if levels is not None:
            chances, typing = levels
            seconds = (telling + typing) / count
            said[POLICY], ruled = (
                [
                    Said(
                        _spoken(resolved(row, claims, LEVELS[first + int(kinds[first:].argmax())])),
                        work,
                        seconds,
                    )
                    for row, claims, kinds, work in zip(rows, values, chances, heard, strict=True)
                ]
                for first in (0, 1)
            )
        if self.settings.samples:
            name = f"{SAMPLED} {self.settings.samples}"
            said[name] = self._sampled(ready, lengths, reading / count, number)
        steps, moved = self._refined(said, read, number)
        detector = parts.detector
        return Batch(
            said,
            ruled,
            steps,
            moved,
            prompts,
            None if detector is None else detector.probabilities(self._stopped(read, detector.layer)[0]),
            reader.disagreement(ready, prompts),
            [
                contradiction(row.question, row.documents, own)
                for row, own in zip(rows, listened, strict=True)
            ],
            None if levels is None else levels[0],
        )

    def _refined(
        self, said: dict[str, list[Said]], read: _Read, number: int
    ) -> tuple[dict[int, list[Said]], Tensor | None]:
        """Adds every refinement and the control to `said`; returns the first one's answers by steps."""
        steps: dict[int, list[Said]] = {}
        lengths: Tensor | None = None
        for place, (name, refiner) in enumerate(self.parts.refiners.items()):
            midway, below = self._stopped(read, refiner.layer)
            refined, refining = _timed(refiner.refine, midway)
            said[name] = self._from(midway, refined.states, below + refining)
            if place:
                continue
            lengths = refined.lengths
            noise = torch.Generator().manual_seed(self.settings.seed + number)
            drawn = in_random_direction(midway.states, refined.states, noise)
            said[RANDOM] = self._from(midway, drawn, below + refining)
            most = refiner.module.spec.steps
            steps = {0: said[PLAIN], most: said[name]}
            for fewer in range(1, most):
                less, seconds = _timed(with_steps(refiner, fewer).refine, midway)
                steps[fewer] = self._from(midway, less.states, below + seconds)
        return dict(sorted(steps.items())), lengths

    def _from(self, midway: Midway, states: Tensor, seconds: float) -> list[Said]:
        """Answers from states in place of those found, `seconds` after the batch was begun."""
        written, more = _timed(self._reader.answer_from, midway, states)
        return _written(written, [len(prompt.ids) for prompt in midway.prompts], seconds + more)

    def _stopped(self, read: _Read, border: int) -> tuple[Midway, float]:
        if border not in read.stopped:
            read.stopped[border] = _timed(self._reader.begin, read.prompts, border=border)
        return read.stopped[border]

    def _sampled(self, ready: Ready, lengths: Sequence[int], seconds: float, number: int) -> list[Said]:
        settings = self.settings
        found: list[Said] = []
        for start in range(0, len(lengths), _SAMPLED_AT_ONCE):
            places = torch.arange(start, min(start + _SAMPLED_AT_ONCE, len(lengths)))
            own = Sampling(settings.temperature, settings.seed + 1000 * number + start)
            drawn, spent = _timed(
                self._reader.samples, ready.taken(places.to(ready.mask.device)), settings.samples, own
            )
            for length, answers in zip(lengths[start:], drawn, strict=False):
                winner = vote([one.text for one in answers], [sum(one.log_probabilities) for one in answers])
                tokens = sum(len(one.ids) for one in answers)
                found.append(Said(winner.answer, length + tokens, seconds + spent / len(drawn)))
        return found

    def _levels(self, rows: Sequence[Row]) -> tuple[FloatArray, float] | None:
        tier = self.parts.types
        if tier is None:
            return None
        found, seconds = _timed(tier.levels, [(row.question, row.documents) for row in rows])
        return np.stack([chances for chances, _ in found]), seconds


def with_steps(refiner: Refiner, steps: int) -> Refiner:
    """The same weights, applied at most so many times."""
    module = copy(refiner.module)
    module.spec = replace(module.spec, steps=steps)
    return replace(refiner, module=module)


def resolved(row: Row, values: Sequence[str | None], level: str) -> Resolution:
    """What the question's rule, or else the level's, makes of values read from documents."""
    claims = [
        Claim(document.id, value, document.date, document.reliability)
        for document, value in zip(row.documents, values, strict=False)
        if value is not None
    ]
    return resolve(claims, level, rule_in(row.question))


def _spoken(resolution: Resolution) -> str:
    """The answer; both sides in one word; where the rule cannot decide, the largest side's value."""
    if resolution.answer is not None:
        return resolution.answer
    if not resolution.unresolved:
        return BOTH
    return resolution.sides[0].value if resolution.sides else ""


def _one_of(chance: random.Random) -> Callable[[Sequence[str | None]], str | None]:
    def choose(values: Sequence[str | None]) -> str | None:
        said = [value for value in values if value is not None]
        return chance.choice(said) if said else None

    return choose


def _written(written: Sequence[Written], lengths: Sequence[int], seconds: float) -> list[Said]:
    return [
        Said(one.text, length + len(one.ids), seconds / len(written))
        for one, length in zip(written, lengths, strict=True)
    ]


def _timed(action: Callable[P, T], *args: P.args, **options: P.kwargs) -> tuple[T, float]:
    began = time.perf_counter()
    found = action(*args, **options)
    return found, time.perf_counter() - began
