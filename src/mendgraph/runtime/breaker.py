"""Decides whether a tier is called at all: a circuit breaker over a sliding window, with half-open probes.

Own code, because no kept library fits.  pybreaker 1.4, circuitbreaker 2.1, aiobreaker 1.2 and purgatory 3.0 open
only after a number of failures *in a row*: a tier that fails every other call stays in use for ever.  None has a
failure rate over a window, a growing cool-down or a clock of one's own.  circuitbreaker and purgatory let every
waiting thread through as a probe; pybreaker and aiobreaker allow one caller only by holding a lock while the
function runs, closed breaker included, so that one hung call blocks them all.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Literal

from mendgraph.core.supervision import BreakerPolicy

BreakerState = Literal["closed", "open", "half_open"]


class Breaker:
    """Ask `admit` before each call and report once how it went, with the ticket it gave.

    Reports about calls that began before the breaker last opened or closed do not count.  A probe that has not
    reported after one cool-down counts as failed (its thread may be gone, or hang), so it never blocks the next.
    """

    def __init__(self, policy: BreakerPolicy, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: deque[bool] = deque(maxlen=policy.window)  # True: the call failed
        self._in_a_row = 0
        self._opened_at: float | None = None
        self._cool_down = policy.cool_down_s
        self._probe_at = 0.0
        self._probing_since: float | None = None
        self._passed = 0
        self._era = (
            0  # a new one whenever it opens or closes or a probe begins; a ticket is the era of its call
        )

    @property
    def state(self) -> BreakerState:
        """``half_open`` from the end of the cool-down on, whether or not a probe is under way."""
        with self._lock:
            if self._opened_at is None:
                return "closed"
            cooling = self._probing_since is None and self._clock() < self._probe_at
            return "open" if cooling else "half_open"

    @property
    def open_s(self) -> float:
        """Seconds since it opened; 0 while closed."""
        with self._lock:
            return 0.0 if self._opened_at is None else self._clock() - self._opened_at

    @property
    def probe_in_s(self) -> float:
        """Seconds until the next probe; 0 while one is due or under way."""
        with self._lock:
            return 0.0 if self._opened_at is None else max(0.0, self._probe_at - self._clock())

    def admit(self) -> int | None:
        """A ticket for one call, or None: it must not be made."""
        with self._lock:
            if self._opened_at is None:
                return self._era
            now = self._clock()
            if self._probing_since is not None:
                if now >= self._probing_since + self._cool_down:
                    self._open(now, self._longer())
                return None
            if now < self._probe_at:
                return None
            self._probing_since = now
            self._era += 1
            return self._era

    def succeeded(self, ticket: int) -> None:
        with self._lock:
            if ticket != self._era:
                return
            if self._opened_at is None:
                self._in_a_row = 0
                self._recent.append(False)
                return
            self._probing_since = None
            self._passed += 1
            if self._passed >= self._policy.probes:
                self._opened_at = None
                self._in_a_row = 0
                self._recent.clear()
                self._era += 1

    def failed(self, ticket: int) -> bool:
        """Whether this failure opened the breaker, or kept it open after a probe."""
        with self._lock:
            if ticket != self._era:
                return False
            if self._opened_at is not None:
                self._open(self._clock(), self._longer())
                return True
            self._in_a_row += 1
            self._recent.append(True)
            if not self._too_many():
                return False
            self._open(self._clock(), self._policy.cool_down_s)
            return True

    def dropped(self, ticket: int) -> None:
        """The call says nothing about the tier: it never reached it, or its caller was interrupted."""
        with self._lock:
            if ticket == self._era:
                self._probing_since = None

    def _too_many(self) -> bool:
        policy, calls = self._policy, len(self._recent)
        if self._in_a_row >= policy.consecutive:
            return True
        enough = calls >= min(policy.minimum_calls, policy.window)
        return enough and sum(self._recent) >= policy.failure_rate * calls

    def _open(self, now: float, cool_down: float) -> None:
        if self._opened_at is None:
            self._opened_at = now
        self._cool_down = cool_down
        self._probe_at = now + cool_down
        self._probing_since = None
        self._passed = 0
        self._era += 1

    def _longer(self) -> float:
        return max(self._cool_down, min(2 * self._cool_down, self._policy.max_cool_down_s))
