"""Tiers that answer from a script, fail, or hang; they need no model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import TierError

LABELS = ("joy", "sadness", "anger", "fear", "love", "surprise", "neutral", "disgust")


def scores_for(label: str, confidence: float, labels: Sequence[str] = LABELS) -> dict[str, float]:
    """`confidence` on `label`, the rest spread evenly."""
    rest = (1.0 - confidence) / (len(labels) - 1)
    return {name: confidence if name == label else rest for name in labels}


class Scripted:
    """Answers from a table or a function of the text, and remembers what it was asked.

    Args:
        answers: text -> label, or text -> (label, confidence); or a function that gives either.
        otherwise: the answer for texts the table lacks.
        confidence: used where the script gives only a label.
        signals: added to every prediction.
    """

    def __init__(
        self,
        answers: Mapping[str, str | tuple[str, float]] | Callable[[str], str | tuple[str, float]],
        *,
        otherwise: str = "neutral",
        confidence: float = 0.9,
        labels: Sequence[str] = LABELS,
        signals: Mapping[str, float] | None = None,
        name: str = "scripted",
        fingerprint: str = "scripted",
    ) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.asked: list[str] = []
        self._answers = answers
        self._otherwise = otherwise
        self._confidence = confidence
        self._labels = labels
        self._signals = signals or {}
        self._lock = threading.Lock()

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        with self._lock:
            self.asked.extend(row.text for row in rows)
        return [self._one(row.text) for row in rows]

    def _one(self, text: str) -> Prediction:
        found = self._answers(text) if callable(self._answers) else self._answers.get(text, self._otherwise)
        label, confidence = (found, self._confidence) if isinstance(found, str) else found
        return Prediction(
            label, scores_for(label, confidence, self._labels), confidence, signals=self._signals
        )


class Failing:
    """Raises `error` at every call, or only at the calls numbered in `at` (from 1)."""

    def __init__(
        self,
        error: Exception | None = None,
        *,
        at: Sequence[int] | None = None,
        then: Scripted | None = None,
        name: str = "failing",
    ) -> None:
        self.name = name
        self.fingerprint = "failing"
        self.calls = 0
        self._error = error or TierError("scripted failure", hint="this tier is a test double")
        self._at = at
        self._then = then or Scripted({})
        self._lock = threading.Lock()

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        with self._lock:
            self.calls += 1
            number = self.calls
        if self._at is None or number in self._at:
            raise self._error
        return self._then.predict(rows)


class Hanging:
    """Blocks until `release` is called, then answers as `then`."""

    def __init__(self, *, then: Scripted | None = None, name: str = "hanging") -> None:
        self.name = name
        self.fingerprint = "hanging"
        self._then = then or Scripted({})
        self._event = threading.Event()

    def release(self) -> None:
        self._event.set()

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        self._event.wait()
        return self._then.predict(rows)
