"""A tier in threads of its own: a call that hangs is left behind at its deadline.

Python cannot end a thread.  So the call's thread stays, as a daemon, until the call returns; meanwhile the tier
refuses further calls, rather than letting threads pile up, or a fresh instance takes its place.  Native code that
hangs while it holds the interpreter's lock stops every thread: only a worker process survives that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

from mendgraph.core.calibration import Calibrator
from mendgraph.core.tier import Tier
from mendgraph.core.values import Input
from mendgraph.errors import DeadlineExceeded, MendError, TierCrashed, TierDown, TierError
from mendgraph.runtime.channel import Outcome, State
from mendgraph.runtime.containment import ask_tier, open_tier, remembered
from mendgraph.runtime.daemons import Daemons

MOST_LEFT_BEHIND = 3
"""Hung calls at one time, above which no fresh instance is opened."""


class ThreadChannel:
    """Implements `Channel`.

    Args:
        start_s: seconds the constructor waits for the tier to open; after that it is ``starting``.
        renewable: `source` builds a new instance at each call, so one that hangs can be replaced.

    Raises:
        MendError: the tier cannot be opened for a reason that is not its own, such as its configuration.
    """

    pid: int | None = None

    def __init__(self, name: str, source: Callable[[], Tier], *, start_s: float, renewable: bool) -> None:
        self.name = name
        self.restarts = 0
        self.error: TierError | None = None
        self._source = source
        self._renewable = renewable
        self._threads = Daemons(f"mendgraph-{name}")
        self._lock = threading.Lock()
        self._tier: Tier | None = None
        self._hung = 0  # calls to the present instance that were left behind
        self._left = 0  # calls left behind altogether
        self._opening = True
        self._refused = False  # the latest attempt to open it failed
        self._closed = False
        opening = self._threads.start(self._open)
        if not opening.wait(start_s):
            with self._lock:
                if self._opening:
                    self.error = DeadlineExceeded(
                        f"tier {name!r} is not open after {start_s:g} s; it goes on loading"
                    )
        elif opening.error is not None:
            raise opening.error

    @property
    def state(self) -> State:
        if self._opening and (self._tier is None or self._hung):
            return "starting"
        if self._closed or self._tier is None or (self._hung and self._refused):
            return "down"
        return "starting" if self._hung else "up"

    @property
    def fingerprint(self) -> str:
        return "" if self._tier is None else self._tier.fingerprint

    @property
    def calibrator(self) -> Calibrator | None:
        return getattr(self._tier, "calibrator", None)

    def call(self, rows: Sequence[Input], seconds: float | None) -> Sequence[Outcome]:
        tier = self._tier
        if tier is None or self.state != "up":
            raise self._unavailable()
        job = self._threads.start(partial(ask_tier, self.name, tier, rows))
        if not job.wait(seconds):
            self._count(tier, 1)
            if job.leave(partial(self._count, tier, -1)):
                raise self._late(tier, len(rows), seconds)
            self._count(tier, -1)  # it ended just now
        if job.error is not None:
            raise job.error
        if job.result is None:
            raise TierCrashed(f"tier {self.name!r} called exit()")
        return job.result

    def recover(self) -> None:
        with self._lock:
            if self._closed or self._opening or self.state != "down" or self._left > MOST_LEFT_BEHIND:
                return
            self._opening = True
        self._threads.start(self._open)

    def close(self) -> None:
        with self._lock:
            tier, self._tier, self._closed = self._tier, None, True
            hung = self._hung
            self.error = TierDown(f"tier {self.name!r} is closed")
        self._threads.dismiss()
        close = getattr(tier, "close", None)
        if callable(close) and not hung:  # it would hang too
            close()

    def _open(self) -> None:
        """In a thread of its own; only the constructor reads what it raises."""
        tier: Tier | None = None
        refused: TierError = TierCrashed(f"tier {self.name!r} called exit() while it was opened")
        try:
            tier = open_tier(self.name, self._source)
        except TierError as error:
            refused = remembered(error)
        except MendError as error:
            refused = remembered(error)
            raise
        finally:
            self._opened(tier, refused)

    def _opened(self, tier: Tier | None, refused: TierError) -> None:
        with self._lock:
            self._opening = False
            if self._closed or (self._tier is not None and not self._hung):
                return  # the hung call returned in the meantime: the tier is well
            self._refused = tier is None
            if tier is None:
                self.error = refused
                return
            self.restarts += self._tier is not None
            self._tier, self._hung, self.error = tier, 0, None

    def _unavailable(self) -> TierDown:
        state, error = self.state, self.error
        if error is None:
            return TierDown(f"tier {self.name!r} is {state}")
        return TierDown(f"tier {self.name!r} is {state}: {error.kind}: {error.message}", hint=error.hint)

    def _late(self, tier: Tier, rows: int, seconds: float | None) -> TierError:
        """What to raise for a call that was left behind; a fresh instance is on its way where there can be one."""
        error = DeadlineExceeded(
            f"tier {self.name!r} did not answer {rows} rows within {seconds or 0.0:.3g} s",
            hint="raise deadline_s, or send fewer rows at a time (max_batch)",
        )
        with self._lock:
            hangs = tier is self._tier and self._hung > 0
            renew = hangs and self._renewable and not self._opening and self._left <= MOST_LEFT_BEHIND
            if hangs:
                self.error = error
            self._opening |= renew
        if renew:
            self._threads.start(self._open)
        return error

    def _count(self, tier: Tier, change: int) -> None:
        """One more or one less call to `tier` that was left behind."""
        with self._lock:
            self._left += change
            if tier is self._tier:
                self._hung += change
                if not self._hung:
                    self._refused, self.error = False, None
