"""Counts over many answers."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mendgraph.core.record import RunRecord
from mendgraph.core.values import Answer


@dataclass(slots=True)
class _Tally:
    """How often a tier was asked, gave a prediction, failed, and settled a row."""

    asked: int = 0
    answered: int = 0
    failed: int = 0
    settled: int = 0


class Statistics:
    """A `Journal` that counts.  Safe to record into from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = 0
        self._healed = 0
        self._status: Counter[str] = Counter()
        self._source: Counter[str] = Counter()
        self._label: Counter[str] = Counter()
        self._tiers: defaultdict[str, _Tally] = defaultdict(_Tally)
        self._confidences: list[float] = []
        self._by_guess: defaultdict[str, list[float]] = defaultdict(list)

    def record(self, run: RunRecord, answers: Mapping[int, Answer]) -> None:
        for answer in answers.values():
            self.count(answer)

    def close(self) -> None:
        return None

    def count(self, answer: Answer) -> None:
        with self._lock:
            self._total += 1
            self._status[answer.status] += 1
            self._healed += healed(answer)
            if answer.accepted:
                self._source[answer.source] += 1
                self._label[answer.label or ""] += 1
                self._tiers[answer.source].settled += 1
            if answer.confidence is not None:
                self._confidences.append(answer.confidence)
                self._by_guess[answer.best_guess or ""].append(answer.confidence)
            for attempt in answer.trail:
                tally = self._tiers[attempt.tier]
                tally.asked += 1
                tally.answered += attempt.prediction is not None
                tally.failed += attempt.failure is not None

    def summary(self) -> dict[str, Any]:
        """JSON values only.

        Keys: ``total`` rows; ``by_status``; ``by_source`` and ``by_label`` of accepted rows;
        ``mean_confidence`` in [0, 1] (None without any); ``healed`` rows (accepted, but not at the first
        attempt) and ``healed_share`` of all rows; ``confidences`` in order of arrival;
        ``confidence_by_label``: mean by best guess; ``tiers``: tier -> asked, answered, failed, settled.
        """
        with self._lock:
            return {
                "total": self._total,
                "by_status": dict(self._status.most_common()),
                "by_source": dict(self._source.most_common()),
                "by_label": dict(self._label.most_common()),
                "mean_confidence": _mean(self._confidences),
                "healed": self._healed,
                "healed_share": self._healed / self._total if self._total else 0.0,
                "confidences": list(self._confidences),
                "confidence_by_label": {
                    label: _mean(values) for label, values in sorted(self._by_guess.items())
                },
                "tiers": {
                    name: {"asked": t.asked, "answered": t.answered, "failed": t.failed, "settled": t.settled}
                    for name, t in self._tiers.items()
                },
            }


def healed(answer: Answer) -> bool:
    """Whether the row was accepted, but not at its first attempt."""
    return answer.accepted and len(answer.trail) > 1


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
