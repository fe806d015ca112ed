"""A tier that is looked after: breaker, retries, pieces that fit into memory, deadline, recovery, health.

    serve -> is it up? -> pieces of the working size -> retries -> breaker -> channel (inline, thread, process)

A tier may fail in any way: what comes back is one outcome per row, and the next tier answers the rows that failed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from loguru import logger

from mendgraph.core.calibration import Calibrator
from mendgraph.core.supervision import Supervision
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input
from mendgraph.errors import DeadlineExceeded, OutOfMemory, TierDown, TierError
from mendgraph.runtime.breaker import Breaker
from mendgraph.runtime.channel import Outcome
from mendgraph.runtime.channels import Source, open_channel
from mendgraph.runtime.containment import remembered
from mendgraph.runtime.latency import Latency
from mendgraph.runtime.notes import collecting, note
from mendgraph.runtime.retry import with_retries
from mendgraph.runtime.served import Served, all_bad
from mendgraph.runtime.working_size import WorkingSize, in_pieces

__all__ = ["Check", "Outcome", "Source", "Supervised", "supervised"]

Check = Callable[[Sequence[Outcome]], Sequence[Outcome]]


class Supervised:
    """Itself a `Tier`, safe to call from any thread.

    Args:
        name: what its user knows it by; used in messages.
        source: the tier; or how to build one, so that it can be opened again.
        clock: monotonic seconds.

    Raises:
        ConfigError: process isolation of a tier that is no `Recipe`.
        MendError: it cannot be opened for a reason that is not its own.  A `TierError` leaves it down instead.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        policy: Supervision | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.policy = policy = policy or Supervision()
        self._clock = clock
        self._sleep = sleep
        self._breaker = Breaker(policy.breaker, clock=clock)
        self._working = WorkingSize(policy.max_batch)
        self._latency = Latency()
        self._lock = threading.Lock()
        self._failures = 0
        self._last: TierError | None = None
        self._last_at: float | None = None
        self._channel = open_channel(name, source, policy)
        self._tried_at = clock()
        if self._channel.error is not None:
            self._remember(self._channel.error)

    @property
    def fingerprint(self) -> str:
        """Of the open tier; "" while it is down."""
        return self._channel.fingerprint

    @property
    def calibrator(self) -> Calibrator | None:
        """The tier's own, if it brings one."""
        return self._channel.calibrator

    @property
    def error(self) -> TierError | None:
        """Why it is not up, or the last failure while the breaker is not closed; None when it is well."""
        if self._channel.state != "up":
            return self._channel.error
        return None if self._breaker.state == "closed" else self._last

    def predict(self, rows: Sequence[Input]) -> Sequence[Outcome]:
        """`serve`, with the notes going to whoever collects them."""
        served = self.serve(rows)
        for text in served.notes:
            note(text)
        return served.outcomes

    def serve(
        self, rows: Sequence[Input], *, seconds: float | None = None, check: Check | None = None
    ) -> Served:
        """One outcome per row, in order; a failing tier's failures are data and nothing is raised.

        Args:
            seconds: most for this call, beside the policy's deadline for each piece of it.
            check: validates outcomes before they count as a success: it returns as many, with a `Failure` for
                each that cannot be believed.
        """
        if not rows:
            return Served([], ())
        ends = None if seconds is None else self._clock() + seconds
        with collecting() as notes:
            down = self._down() if self._channel.state == "down" else None
            if down is not None:
                return Served([Failure.of(down)] * len(rows), ())

            def piece(start: int, stop: int) -> list[Outcome]:
                whole = stop - start == len(rows)
                return self._piece(rows if whole else rows[start:stop], ends, check)

            parts = in_pieces(len(rows), piece, self._working)
        outcomes = parts[0] if len(parts) == 1 else [outcome for part in parts for outcome in part]
        return Served(outcomes, tuple(notes))

    def health(self) -> dict[str, Any]:
        """JSON values only.

        Keys: ``state`` up | starting | down; ``breaker`` closed | open | half_open; ``isolation``; ``error``, the
        latest one whether or not it is over, and ``error_at`` in seconds since the epoch; ``calls`` that were
        answered or failed, and ``failures`` among them; ``latency`` of the answered ones (see `Latency.summary`);
        ``batch``: most rows at once at present, None without a limit; ``restarts``; ``pid`` of a worker process.
        """
        channel = self._channel
        if channel.error is not None:
            self._remember(channel.error)
        with self._lock:
            failures, last, last_at = self._failures, self._last, self._last_at
        return {
            "state": channel.state,
            "breaker": self._breaker.state,
            "isolation": self.policy.isolation,
            "error": None if last is None else str(last),
            "error_at": last_at,
            "calls": self._latency.calls + failures,
            "failures": failures,
            "latency": self._latency.summary(),
            "batch": self._working.size,
            "restarts": channel.restarts,
            "pid": channel.pid,
        }

    def close(self) -> None:
        """Gives back the tier and whatever runs it; later calls are refused."""
        self._channel.close()

    def _down(self) -> TierDown | None:
        """Why it could not be opened, after another attempt where one is due."""
        if self._due():
            self._channel.recover()
        error = self._channel.error
        if self._channel.state != "down" or error is None:
            return None
        self._remember(error)
        return TierDown(f"tier {self.name!r} is down: {error.kind}: {error.message}", hint=error.hint)

    def _due(self) -> bool:
        with self._lock:
            now = self._clock()
            due = now - self._tried_at >= self.policy.recheck_s
            if due:
                self._tried_at = now
            return due

    def _piece(self, rows: Sequence[Input], ends: float | None, check: Check | None) -> list[Outcome]:
        """Raises `OutOfMemory` for several rows: fewer may fit."""
        deadline = ends
        if self.policy.deadline_s is not None:
            own = self._clock() + self.policy.deadline_s
            deadline = own if ends is None else min(own, ends)
        try:
            return with_retries(
                partial(self._call, rows, deadline, check),
                self.policy,
                deadline=deadline,
                clock=self._clock,
                sleep=self._sleep,
                allowed=self._ready,
            )
        except OutOfMemory as error:
            if len(rows) > 1:
                raise
            failure = Failure.of(remembered(error))
        except TierError as error:
            failure = Failure.of(remembered(error))
        return [failure] * len(rows)

    def _ready(self) -> bool:
        """Whether another try could get through at all."""
        return self._breaker.state == "closed" and self._channel.state == "up"

    def _call(self, rows: Sequence[Input], deadline: float | None, check: Check | None) -> list[Outcome]:
        started = self._clock()
        left = None if deadline is None else deadline - started
        if left is not None and left <= 0.0:
            raise DeadlineExceeded(f"no time was left to call tier {self.name!r}")
        ticket = self._breaker.admit()
        if ticket is None:
            raise self._refusal()
        blamed = None
        answered = False
        try:
            outcomes = self._channel.call(rows, left)
            if check is not None:
                outcomes = check(outcomes)
            answered = True
            blamed = all_bad(self.name, outcomes)
        except TierError as error:
            blamed = error if self._counts(error, len(rows), left) else None
            raise
        finally:  # interrupted callers report too, or the breaker would wait for their probe
            if blamed is not None:
                self._failed(ticket, blamed)
            elif not answered:
                self._breaker.dropped(ticket)
        if blamed is None:
            self._breaker.succeeded(ticket)
            self._timed(self._clock() - started, left)
        return list(outcomes)

    def _counts(self, error: TierError, rows: int, left: float | None) -> bool:
        """Whether the error speaks against the tier."""
        if isinstance(error, TierDown):
            return False  # it was not called
        if isinstance(error, OutOfMemory):
            return rows == 1
        if isinstance(error, DeadlineExceeded) and left is not None:
            return self._had_time(left)
        return True

    def _had_time(self, seconds: float) -> bool:
        """Whether the tier usually answers within `seconds`; a run at its own end may grant it too little."""
        own, usual = self.policy.deadline_s, self._latency.quantile(0.95)
        return usual is None or seconds >= usual or (own is not None and seconds >= 0.9 * own)

    def _timed(self, seconds: float, left: float | None) -> None:
        self._latency.add(seconds)
        if left is not None and seconds > left:  # inline, nothing could cut it short; the answer is paid for
            note(f"answered after {seconds:.3g} s, {seconds - left:.3g} s late")

    def _failed(self, ticket: int, error: TierError) -> None:
        with self._lock:
            self._failures += 1
        self._remember(error)
        if self._breaker.failed(ticket):
            wait = self._breaker.probe_in_s
            logger.warning(
                "tier {} is left alone for {:.1f} s after {}: {}", self.name, wait, error.kind, error.message
            )

    def _remember(self, error: TierError) -> None:
        with self._lock:
            if error is not self._last:
                self._last, self._last_at = error, time.time()

    def _refusal(self) -> TierDown:
        since, wait, last = self._breaker.open_s, self._breaker.probe_in_s, self._last
        why = f": {last.kind}: {last.message}" if last else ""
        return TierDown(
            f"tier {self.name!r} has been left alone for {since:.1f} s{why}",
            hint=f"it is tried again in {wait:.1f} s" if wait else "it is being tried right now",
        )


def supervised(name: str, tier: Tier) -> Supervised:
    """The tier itself if it is looked after already; otherwise under the default policy."""
    return tier if isinstance(tier, Supervised) else Supervised(name, tier)
