"""The values that travel through every graph.  Plain data: each has a loss-free `to_dict`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mendgraph.errors import MendError

Status = Literal["accepted", "abstained", "needs_clarification", "failed"]
Verdict = Literal["accept", "defer", "ask", "abstain"]


@dataclass(frozen=True, slots=True)
class Input:
    """One row as the tiers see it.

    Attributes:
        text: cleaned text, ready for a tokenizer.
        raw: what the caller gave, as text.
        facts: what preprocessing found, e.g. ``{"emoji_only": True, "emoji": ["😀"]}``; JSON values only.
    """

    text: str
    raw: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text, "raw": self.raw, "facts": dict(self.facts)}


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one tier says about one row.

    A tier fills `label`, `scores`, `signals` and `value`; the graph's policy adds the calibration.

    Attributes:
        label: the most probable label.
        scores: label -> probability in [0, 1], summing to 1, in label order.
        raw: the tier's own confidence in `label` before calibration, in [0, 1].
        confidence: calibrated probability in [0, 1] that `label` is right; None while uncalibrated.
        signals: side findings in [0, 1] that a check may use, e.g. ``{"irony": 0.8}``.
        value: the system's full answer where a label is not enough; JSON values only.
    """

    label: str
    scores: Mapping[str, float]
    raw: float
    confidence: float | None = None
    signals: Mapping[str, float] = field(default_factory=dict)
    value: Any = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "scores": dict(self.scores),
            "raw": self.raw,
            "confidence": self.confidence,
            "signals": dict(self.signals),
            "value": self.value,
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a tier gave no prediction for a row; the data form of a `MendError`."""

    kind: str
    message: str
    hint: str = ""
    retryable: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "message": self.message, "hint": self.hint, "retryable": self.retryable}

    @classmethod
    def of(cls, error: MendError) -> Failure:
        return cls(error.kind, error.message, error.hint, error.retryable)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One step of a row's trail: a tier's prediction or failure, and what was decided about it.

    Attributes:
        tier: name of the tier, or of the check that combined several.
        prediction, failure: exactly one is set.
        threshold: the confidence this attempt had to reach, in [0, 1].
        verdict: what the check decided; None while undecided.
        reason: one sentence for a person.
        seconds: wall time of the tier's call divided by the rows it served.
        fingerprint: hash of the weights (and calibration) that answered; "" for rules and people.
        notes: what it took to get this, oldest first: retries, halved batches, a restarted worker.
    """

    tier: str
    prediction: Prediction | None = None
    failure: Failure | None = None
    threshold: float | None = None
    verdict: Verdict | None = None
    reason: str = ""
    seconds: float = 0.0
    fingerprint: str = ""
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if (self.prediction is None) == (self.failure is None):
            raise ValueError(f"attempt of tier {self.tier!r} needs exactly one of prediction and failure")

    def judged(self, verdict: Verdict, threshold: float | None, reason: str) -> Attempt:
        return replace(self, verdict=verdict, threshold=threshold, reason=reason)

    def to_dict(self) -> dict[str, Any]:
        # Written out: `dataclasses.asdict` copies deeply, and this runs for every attempt of every row.
        return {
            "tier": self.tier,
            "prediction": self.prediction.to_dict() if self.prediction else None,
            "failure": self.failure.to_dict() if self.failure else None,
            "threshold": self.threshold,
            "verdict": self.verdict,
            "reason": self.reason,
            "seconds": self.seconds,
            "fingerprint": self.fingerprint,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Attempt:
        prediction, failure = data.get("prediction"), data.get("failure")
        return cls(
            **{
                **data,
                "prediction": Prediction(**prediction) if prediction else None,
                "failure": Failure(**failure) if failure else None,
                "notes": tuple(data.get("notes", ())),
            }
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a graph says about one row, the same for all five systems.

    Attributes:
        input: the row as given.
        status: ``accepted``, ``abstained``, ``needs_clarification`` or ``failed``.
        label: the short answer; None unless accepted.
        best_guess: the likeliest label whatever the status; None only when failed.
        value: the system's full answer; for emotion, label -> probability.
        confidence: calibrated probability in [0, 1] that `best_guess` is right.
        options: labels still plausible, likeliest first, when the user is (or would be) asked.
        partial: True when a deadline or budget cut the run.
        source: the tier that settled the row; "" when none did.
        error: why the row failed.
        trail: every attempt, oldest first.
    """

    input: str
    status: Status
    label: str | None = None
    best_guess: str | None = None
    value: Any = None
    confidence: float | None = None
    options: Sequence[str] = ()
    partial: bool = False
    source: str = ""
    error: Failure | None = None
    trail: Sequence[Attempt] = ()

    @property
    def accepted(self) -> bool:
        return self.status == "accepted"

    def to_dict(self) -> dict[str, Any]:
        return {
            "input": self.input,
            "status": self.status,
            "label": self.label,
            "best_guess": self.best_guess,
            "value": self.value,
            "confidence": self.confidence,
            "options": list(self.options),
            "partial": self.partial,
            "source": self.source,
            "error": self.error.to_dict() if self.error else None,
            "trail": [attempt.to_dict() for attempt in self.trail],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Answer:
        error = data.get("error")
        return cls(
            **{
                **data,
                "options": tuple(data.get("options", ())),
                "error": Failure(**error) if error else None,
                "trail": tuple(Attempt.from_dict(step) for step in data.get("trail", ())),
            }
        )
