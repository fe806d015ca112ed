"""What became of every row that was sent."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mendgraph.core.values import Answer

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Tally:
    """Counts rows and keeps when each request began and ended.  Used from one thread."""

    def __init__(self) -> None:
        self.sent = 0
        self.answered = 0
        self.lost = 0
        self.duplicated = 0
        self.out_of_order = 0
        self.unreadable = 0
        self.all_tiers_failed = 0
        self.partial = 0
        self.status: Counter[str] = Counter()
        self.source: Counter[str] = Counter()
        self.healed: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self._began = array("d")
        self._ended = array("d")
        self._troubled = array("b")
        self._struck = array("d")
        self._strikes: Counter[tuple[str, str]] = Counter()

    def request(self, rows: Sequence[str], answers: Sequence[Answer], began: float, ended: float) -> None:
        """One request and what came back; times in epoch seconds."""
        self.sent += len(rows)
        given, got = Counter(rows), Counter(answer.input for answer in answers)
        self.lost += (given - got).total()
        self.duplicated += (got - given).total()
        if given == got:
            self.out_of_order += sum(a.input != row for row, a in zip(rows, answers, strict=True))
        for answer in answers:
            self._row(answer)
        self._began.append(began)
        self._ended.append(ended)
        self._troubled.append(any(step.failure for answer in answers for step in answer.trail))

    def vanished(self, rows: Sequence[str], why: str) -> None:
        """A request that gave no answers: it raised, or never came back."""
        self.sent += len(rows)
        self.lost += len(rows)
        self.errors[why] += 1

    def struck(self, strike: Mapping[str, Any]) -> None:
        self._strikes[strike["tier"], strike["kind"]] += 1
        self._struck.append(strike["at"])

    def _row(self, answer: Answer) -> None:
        self.status[answer.status] += 1
        self.partial += answer.partial
        failed = [step for step in answer.trail if step.failure is not None]
        for step in failed:
            if step.failure is not None:
                self.failures[f"{step.tier}: {step.failure.kind}"] += 1
        if answer.status == "failed":
            if answer.trail:
                self.all_tiers_failed += 1
            else:
                self.unreadable += 1
            return
        self.answered += 1
        if answer.accepted:
            self.source[answer.source] += 1
            if failed:
                self.healed[answer.source] += 1

    @property
    def strikes(self) -> int:
        return self._strikes.total()

    @property
    def first_strike(self) -> float | None:
        """Epoch seconds; None when nothing struck."""
        return min(self._struck, default=None)

    def by_kind(self) -> dict[str, int]:
        """Calls struck by each kind of fault, most first."""
        kinds: Counter[str] = Counter()
        for (_, kind), count in self._strikes.items():
            kinds[kind] += count
        return dict(kinds.most_common())

    def by_tier(self) -> dict[str, dict[str, int]]:
        tiers: dict[str, dict[str, int]] = {}
        for (tier, kind), count in sorted(self._strikes.items()):
            tiers.setdefault(tier, {})[kind] = count
        return tiers

    def began(self) -> npt.NDArray[np.float64]:
        """Epoch seconds of each request, (requests,)."""
        return np.array(self._began)

    def seconds(self) -> npt.NDArray[np.float64]:
        """How long each request took, (requests,)."""
        taken: npt.NDArray[np.float64] = np.array(self._ended) - np.array(self._began)
        return taken

    def under_faults(self) -> npt.NDArray[np.bool_]:
        """Requests during which a fault struck, or in which a tier failed, (requests,)."""
        began, ended, struck = np.array(self._began), np.array(self._ended), np.sort(np.array(self._struck))
        hit = np.searchsorted(struck, ended, "right") > np.searchsorted(struck, began, "left")
        troubled: npt.NDArray[np.bool_] = hit | np.array(self._troubled, bool)
        return troubled


def quantiles(seconds: npt.NDArray[np.float64]) -> dict[str, float | int | None]:
    """p50, p95 and p99 in milliseconds, and of how many requests."""
    found: dict[str, float | int | None] = {
        name: round(float(np.quantile(seconds, share)) * 1e3, 2) if len(seconds) else None
        for name, share in QUANTILES.items()
    }
    return {**found, "requests": len(seconds)}
