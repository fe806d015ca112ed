"""What every tier, their combination and the cascade say about the rows of a test set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mendgraph.app import MendGraph
from mendgraph.core.arrays import BoolArray, FloatArray, IntArray
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.tier import Tier
from mendgraph.core.values import Answer, Attempt, Input, Prediction
from mendgraph.errors import DataError
from mendgraph.graphs import emotion
from mendgraph.nodes.call import Outcome, call
from mendgraph.nodes.check import heard
from mendgraph.runtime.journal import NullJournal
from mendgraph.runtime.supervised import Supervised

Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class System:
    """One way to answer all rows.

    Attributes:
        said: (N,) class numbers; C, which is no class, where there was no answer.
        confidence: (N,) in [0, 1]; 0 where there was none.
        probabilities: (N, C); uniform where there were none.
    """

    name: str
    said: IntArray
    confidence: FloatArray
    probabilities: FloatArray

    def right(self, labels: IntArray) -> BoolArray:
        return np.asarray(self.said == labels, dtype=np.bool_)

    def rows(self, index: IntArray) -> System:
        return replace(
            self,
            said=self.said[index],
            confidence=self.confidence[index],
            probabilities=self.probabilities[index],
        )

    def then(self, other: System) -> System:
        """This system's rows, followed by those of the same system on another set."""
        return replace(
            self,
            said=np.concatenate([self.said, other.said]),
            confidence=np.concatenate([self.confidence, other.confidence]),
            probabilities=np.concatenate([self.probabilities, other.probabilities]),
        )


@dataclass(frozen=True, slots=True)
class Collected:
    """All systems on the same rows.

    Attributes:
        first: name of the tier that is asked first.
        raw: the first tier before calibration.
        tiers: every tier alone, calibrated, in the order the cascade tries them; without the emoji tier, which
            answers nothing but emoji, and without tiers that answered no row.
        pooled: all tiers combined and no early exit.
        cascade: the graph's best guess, whatever the status.
        answers: the graph's answers, one per row.
    """

    first: str
    raw: System
    tiers: Mapping[str, System]
    pooled: System
    cascade: System
    answers: tuple[Answer, ...]

    def systems(self) -> list[System]:
        return [self.raw, *self.tiers.values(), self.pooled, self.cascade]


class Replayed:
    """A tier that repeats what another one said, so that no model runs twice over a test set."""

    def __init__(self, name: str, tier: Supervised, said: Mapping[str, Outcome]) -> None:
        self.name = name
        self.fingerprint = tier.fingerprint
        self.calibrator = tier.calibrator
        self._said = said

    def predict(self, rows: Sequence[Input]) -> list[Outcome]:
        return [self._said[row.raw] for row in rows]


def collect(graph: MendGraph, texts: Sequence[str], echo: Echo, *, title: str) -> Collected:
    """Asks every tier once about all rows, then lets the graph's own nodes decide over what they said.

    Raises:
        DataError: no tier answered any row.
    """
    policy = graph.context.policy
    rows = [graph.context.prepare(text) for text in texts]
    outcomes: dict[str, list[Outcome]] = {}
    replayed: dict[str, Tier] = {}
    for name, tier in graph.tiers.items():
        own = [row for row in rows if name != "emoji" or row.facts.get("emoji_only")]
        echo(f"{title}: {len(own):,} rows, asking {name}")
        said = call(name, tier, own, policy.labels).outcomes
        replayed[name] = Replayed(name, tier, {row.raw: o for row, o in zip(own, said, strict=True)})
        if name != "emoji" and any(isinstance(o, Prediction) for o in said):
            outcomes[name] = said
    if not outcomes:
        raise DataError(
            f"{title}: no tier answered any row", hint="`mend doctor` says what is wrong with the tiers"
        )
    calibrated = {name: _calibrated(policy, name, graph.tiers[name], said) for name, said in outcomes.items()}
    context = replace(graph.context, tiers=replayed, journal=NullJournal())
    answers = MendGraph(graph.name, context, emotion.build).run([row.raw for row in rows], ask="return")
    first = next(iter(outcomes))
    labels = policy.labels
    return Collected(
        first=first,
        raw=system(f"{first}, raw", [_raw(o) for o in outcomes[first]], labels),
        tiers={name: system(name, said, labels) for name, said in calibrated.items()},
        pooled=system("all tiers, no early exit", _pooled(graph, calibrated), labels),
        cascade=system("cascade", [_final(answer) for answer in answers], labels),
        answers=tuple(answers),
    )


def system(name: str, predictions: Sequence[Prediction | None], labels: Sequence[str]) -> System:
    """Predictions as arrays."""
    count = len(labels)
    number = {label: index for index, label in enumerate(labels)}
    said = [number[p.label] if p else count for p in predictions]
    sure = [(p.confidence or 0.0) if p else 0.0 for p in predictions]
    uniform = [1.0 / count] * count
    scores = [[p.scores[label] for label in labels] if p else uniform for p in predictions]
    return System(
        name,
        np.array(said, dtype=np.int64),
        np.array(sure, dtype=np.float64),
        np.array(scores, dtype=np.float64),
    )


def _calibrated(
    policy: HealingPolicy, name: str, tier: Tier, outcomes: Sequence[Outcome]
) -> list[Prediction | None]:
    said = [o for o in outcomes if isinstance(o, Prediction)]
    calibrated = iter(policy.calibrate(name, tier.fingerprint, said, getattr(tier, "calibrator", None)))
    return [next(calibrated) if isinstance(o, Prediction) else None for o in outcomes]


def _raw(outcome: Outcome) -> Prediction | None:
    return replace(outcome, confidence=outcome.raw) if isinstance(outcome, Prediction) else None


def _final(answer: Answer) -> Prediction | None:
    if answer.best_guess is None:
        return None
    return Prediction(answer.best_guess, answer.value, 0.0, answer.confidence)


def _pooled(
    graph: MendGraph, calibrated: Mapping[str, Sequence[Prediction | None]]
) -> list[Prediction | None]:
    """The combination of every tier, read with the irony check; the first tier that answered where none covers them."""
    policy = graph.context.policy
    fitted = [name for name in calibrated if policy.fingerprints.get(name) == graph.tiers[name].fingerprint]
    count = len(next(iter(calibrated.values())))
    evidence = [{name: p for name in fitted if (p := calibrated[name][row])} for row in range(count)]
    several = [row for row in range(count) if len(evidence[row]) > 1]
    pooled = dict(zip(several, policy.combine([evidence[row] for row in several]), strict=True))
    result: list[Prediction | None] = []
    for row in range(count):
        history = [Attempt(name, p) for name, said in calibrated.items() if (p := said[row])]
        best = pooled.get(row) or next((a.prediction for a in history), None)
        result.append(heard(policy, best, history) if best else None)
    return result
