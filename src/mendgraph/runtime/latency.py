"""How long the latest calls of a tier took."""

from __future__ import annotations

import math
import threading
from collections import deque


class Latency:
    """Quantiles over the latest `kept` calls."""

    def __init__(self, kept: int = 512) -> None:
        self.calls = 0
        self._latest: deque[float] = deque(maxlen=kept)
        self._lock = threading.Lock()

    def add(self, seconds: float) -> None:
        with self._lock:
            self.calls += 1
            self._latest.append(seconds)

    def quantile(self, share: float) -> float | None:
        """The smallest of the kept times that `share` in (0, 1] of them do not exceed; None without any."""
        with self._lock:
            ordered = sorted(self._latest)
        return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None

    def summary(self) -> dict[str, float | int | None]:
        """JSON values: ``p50``, ``p95`` and ``p99`` in seconds, and how many ``calls`` there ever were."""
        return {
            "p50": self.quantile(0.50),
            "p95": self.quantile(0.95),
            "p99": self.quantile(0.99),
            "calls": self.calls,
        }
