"""What the conflict graph asks its tiers, one stage after another, and what their answers are called.

A tier's row is the question with its documents, as `core.conflict.prepare_question` gives it, and the `Stage` among its
facts.  What a tier says is plain data, so that a run can go on in another process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from mendgraph.core.conflict import LEVELS
from mendgraph.core.values import Prediction

__all__ = [
    "AGREEMENT",
    "COSTS",
    "DISPUTED",
    "LABELS_OF",
    "RIGHT",
    "Name",
    "Stage",
    "Verify",
    "Ways",
    "agreement",
    "drafted",
    "roles",
]

Name = Literal["detect", "type", "answer", "refine", "verify"]
Verify = Literal["policy", "samples", "both"]

AGREEMENT: Final = ("agree", "conflict")
"""What is said of the documents at ``detect``."""

RIGHT: Final = ("right", "wrong")
"""What is said of an answer at ``answer``, ``refine`` and ``verify``."""

LABELS_OF: Final[Mapping[str, Sequence[str]]] = {
    "detect": AGREEMENT,
    "type": LEVELS,
    "answer": RIGHT,
    "refine": RIGHT,
    "verify": RIGHT,
}
"""Stage -> the labels of its predictions."""

COSTS: Final[Mapping[str, float]] = {"detect": 0.5, "answer": 0.5, "refine": 0.5, "verify": 1.25, "type": 1.0}
"""Stage -> its share of a tier's ``cost``: of reading the prompt once, or of telling one row's level."""

DISPUTED: Final = "disputed"
"""The answer that names no side."""

OTHER_ROLES: Final = ("types", "values")


@dataclass(frozen=True, slots=True)
class Stage:
    """What a reader is asked about a row.

    Attributes:
        samples: at ``verify``, answers to draw beside the values of the documents; 0 for none.
        temperature: they are drawn with.
        run: whose row it is; what is remembered of a reading serves no other run, so that each costs the same.
    """

    name: Name
    samples: int = 0
    temperature: float = 0.7
    seed: int = 0
    run: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Ways:
    """How a graph goes about conflicts.

    Attributes:
        sure: share of a shallow level (temporal, numerical) from which states are refined; below it, and for the deep
            levels, documents are asked one by one.
        verify: ``policy``: a rule decides between what the documents say; ``samples``: a vote over sampled answers;
            ``both``: the vote, where the rule does not decide.
        samples, temperature, seed: of the vote.
    """

    sure: float = 0.7
    verify: Verify = "policy"
    samples: int = 8
    temperature: float = 0.7
    seed: int = 0

    @property
    def verification(self) -> Stage:
        drawn = 0 if self.verify == "policy" else self.samples
        return Stage("verify", drawn, self.temperature, self.seed)


def roles(tiers: Sequence[str]) -> dict[str, list[str]]:
    """Role -> tiers, in order: by a name that is ``types`` or ``values``, or begins with one of them and ``_``; every
    other tier is a reader."""
    found: dict[str, list[str]] = {role: [] for role in ("readers", *OTHER_ROLES)}
    for tier in tiers:
        role = tier.partition("_")[0]
        found[role if role in OTHER_ROLES else "readers"].append(tier)
    return found


def agreement(probability: float, value: Mapping[str, Any]) -> Prediction:
    """Of the documents conflicting with this calibrated probability."""
    label = AGREEMENT[1] if probability >= 0.5 else AGREEMENT[0]
    scores = {AGREEMENT[0]: 1.0 - probability, AGREEMENT[1]: probability}
    return Prediction(
        label, scores, scores[label], None, {"conflict": probability}, {**value, "probability": probability}
    )


def drafted(probability: float, value: Mapping[str, Any]) -> Prediction:
    """Of an answer that its model gives this probability; ``value["text"]`` is the answer."""
    label = RIGHT[0] if probability >= 0.5 else RIGHT[1]
    scores = {RIGHT[0]: probability, RIGHT[1]: 1.0 - probability}
    return Prediction(label, scores, scores[label], None, {"answer": probability}, dict(value))
