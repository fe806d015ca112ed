"""Who serves, who stands by, who is being started: the workers of one tier over time."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from loguru import logger

from mendgraph.core.calibration import Calibrator, calibrator_from_dict
from mendgraph.errors import BadOutput, MendError, TierDown, TierError, WorkerDied
from mendgraph.runtime.channel import State
from mendgraph.runtime.containment import remembered
from mendgraph.runtime.recipe import Recipe
from mendgraph.runtime.worker.frames import pack
from mendgraph.runtime.worker.wire import error_from_wire
from mendgraph.runtime.worker.worker import Worker

__all__ = ["Roster"]

_FIRST_PAUSE_S: Final = (
    0.25  # before the second start in a row that came to nothing; doubled at each further one
)
_LONGEST_PAUSE_S: Final = 30.0
_OLD_S: Final = 60.0  # a worker that lived as long did not die of its start


class Roster:
    """Keeps one worker serving, and another standing by if wanted.  Every method is safe from any thread.

    A dead worker is replaced in the background at once; after lives that came to nothing (refused, dead at the
    start, or dead before the first answer) with a pause that doubles up to 30 s.  A worker whose tier cannot be
    opened leaves the roster empty (``down``) until `recover`.

    Args:
        start_s: seconds one worker may take to open its tier.

    Raises:
        BadOutput: the recipe's arguments are no plain data.
    """

    def __init__(self, name: str, recipe: Recipe, *, start_s: float, warm_standby: bool) -> None:
        self.name = name
        self.error: TierError | None = None
        self.restarts = 0
        self.fingerprint = ""
        self.calibrator: Calibrator | None = None
        self._greeting = pack(
            {"path": sys.path, "target": recipe.target, "arguments": dict(recipe.arguments)}
        )
        self._start_s = start_s
        self._size = 2 if warm_standby else 1
        self._owner = os.getpid()
        self._change = threading.Condition()
        self._queue: deque[object] = deque()
        self._known: dict[Worker, dict[str, Any] | None] = {}  # with the facts of those that are ready
        self._unburied: set[Worker] = set()
        self._serving: Worker | None = None
        self._starting = False
        self._first = True  # the first start is not over
        self._at_first: MendError | None = None  # how it failed
        self._down = False
        self._closed = False
        self._barren = 0
        self._not_before = 0.0
        with self._change:
            self._top_up()

    def wait(self) -> MendError | None:
        """Until the first start is over; the error that ended it, as it was raised."""
        with self._change:
            self._change.wait_for(lambda: not self._first or self._closed)
            error, self._at_first = self._at_first, None
            return error

    @property
    def state(self) -> State:
        if self._serving is not None:
            return "up"
        return "down" if self._down or self._closed else "starting"

    @property
    def pid(self) -> int | None:
        serving = self._serving
        return None if serving is None else serving.pid

    @property
    def standing_by(self) -> bool:
        """Whether a second worker is ready to take over."""
        with self._change:
            return sum(facts is not None for facts in self._known.values()) > 1

    @contextmanager
    def turn(self, deadline: float | None) -> Iterator[Worker]:
        """The serving worker, for one caller alone; callers are served in the order in which they came.

        Raises:
            TierDown: there is no worker at present, or others were served until the deadline.
        """
        if os.getpid() != self._owner:
            raise TierDown(
                f"tier {self.name!r} has its worker in process {self._owner}, of which this one is a fork",
                hint="open the graph in the process that uses it",
            )
        ticket = object()
        with self._change:
            self._queue.append(ticket)
        try:
            with self._change:
                worker = self._admit(ticket, deadline)
            yield worker
        finally:
            with self._change:
                self._queue.remove(ticket)
                if self._queue:
                    self._change.notify_all()

    def left(self, worker: Worker, error: TierError) -> None:
        """This worker is dead or was given up; the next one serves.  Whoever notices first says so."""
        with self._change:
            if worker not in self._known:
                return
            del self._known[worker]
            lived = worker.answered or time.monotonic() - worker.born > _OLD_S
            self._barren = 0 if lived else self._barren + 1
            if not self._closed:
                logger.warning("tier {}: {}", self.name, error)
            if worker is self._serving:
                self._serving = None
                self.error = remembered(error)
                self._promote()
            self._top_up()
            self._change.notify_all()

    def failure(self, told: Mapping[str, Any]) -> MendError:
        """The error that a worker tells of; the log gets its traceback."""
        if told.get("trace"):
            logger.error("tier {} crashed in its worker:\n{}", self.name, told["trace"])
        return error_from_wire(told["error"])

    def recover(self) -> None:
        """Starts a worker in the background if the tier is down and the pause since the last try is over."""
        with self._change:
            if self._down and time.monotonic() >= self._not_before and os.getpid() == self._owner:
                self._top_up(recovering=True)

    def close(self) -> None:
        """Kills every worker and waits until they are gone; a fork of the owner leaves them alone."""
        if os.getpid() != self._owner:
            return
        with self._change:
            self._closed = True
            self._serving = None
            self.fingerprint, self.calibrator = "", None
            self.error = TierDown(f"tier {self.name!r} is closed")
            workers = list(self._unburied)
            self._change.notify_all()
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.buried.wait(2.0)

    def _admit(self, ticket: object, deadline: float | None) -> Worker:
        """Holding the lock, when it is this ticket's turn."""
        while True:
            if self._serving is None:
                raise self._refusal()
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TierDown(
                    f"tier {self.name!r} was busy with earlier calls until the deadline",
                    hint="give it more time with deadline_s, or send fewer calls at once",
                )
            if self._queue[0] is ticket:
                return self._serving
            self._change.wait(left)

    def _refusal(self) -> TierDown:
        if self.state == "starting":
            return TierDown(
                f"tier {self.name!r} is restarting: {self.error.message if self.error else 'no worker yet'}",
                hint="it comes back by itself; warm_standby leaves no gap",
            )
        reason = self.error
        return TierDown(
            f"tier {self.name!r} is down{f': {reason.message}' if reason else ''}",
            hint=reason.hint if reason else "",
        )

    def _top_up(self, *, recovering: bool = False) -> None:
        """Holding the lock: starts the next worker that is missing; one at a time, so that the first is up soon."""
        if self._closed or self._starting or (self._down and not recovering):
            return
        if len(self._known) < self._size:
            self._starting = True
            pause = 0.0 if recovering else _pause(self._barren)
            threading.Thread(
                target=self._look_after_one, args=(pause,), name=f"worker of {self.name}", daemon=True
            ).start()

    def _look_after_one(self, pause: float) -> None:
        """One worker from its launch to its burial; runs in a thread of its own."""
        if hasattr(signal, "pthread_sigmask"):  # inherited by the worker, until it ignores Ctrl-C by itself
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        with self._change:
            if self._change.wait_for(lambda: self._closed, pause):
                return
        try:
            worker = Worker(self.name)
        except OSError as error:
            self._refused(None, WorkerDied(f"tier {self.name!r}: no worker process to be had: {error}"))
            return
        try:
            with self._change:
                self._known[worker] = None
                self._unburied.add(worker)
                if self._closed:
                    worker.kill()
            facts = worker.start(self._greeting, self._start_s)
            if "error" in facts:
                raise self.failure(facts)
            self._arrived(worker, facts)
            worker.attend()
        except MendError as error:
            worker.kill()
            self._refused(worker, error)
        finally:
            death = worker.bury()
            self.left(worker, death)
            with self._change:
                self._unburied.discard(worker)

    def _arrived(self, worker: Worker, facts: dict[str, Any]) -> None:
        """Its tier is open: it serves, or stands by."""
        if not isinstance(facts.get("fingerprint"), str) or "calibrator" not in facts:
            raise BadOutput(f"the worker of tier {self.name!r} does not say what it opened")
        if facts["calibrator"] is not None:
            facts = {**facts, "calibrator": calibrator_from_dict(facts["calibrator"])}
        with self._change:
            self._starting = False
            if worker not in self._known or self._closed:
                return
            self._known[worker] = facts
            if self._serving is None:
                self._promote()
            self._top_up()
            self._change.notify_all()

    def _promote(self) -> None:
        """Holding the lock: a worker that is ready serves from now on, if there is one."""
        ready = next(((worker, facts) for worker, facts in self._known.items() if facts is not None), None)
        if ready is None or self._closed:
            self.fingerprint, self.calibrator = "", None
            return
        self._serving, facts = ready
        if not self._first:
            self.restarts += 1
        self._first = self._down = False
        self.error = None
        self.fingerprint, self.calibrator = facts["fingerprint"], facts["calibrator"]

    def _refused(self, worker: Worker | None, error: MendError) -> None:
        """It did not get as far as an open tier."""
        kept = remembered(error)
        with self._change:
            self._starting = False
            if worker is not None:
                self._known.pop(worker, None)
            self._barren += 1
            self._not_before = time.monotonic() + _pause(self._barren)
            if self._closed:
                return
            if self._first:
                self._at_first = error
            else:
                logger.warning("tier {}: {}", self.name, kept)
            if self._serving is None:
                self._first, self._down, self.error = False, True, kept
            else:
                self._top_up()
            self._change.notify_all()


def _pause(barren: int) -> float:
    """Seconds before the next start after so many lives in a row that came to nothing."""
    return 0.0 if barren < 2 else min(_FIRST_PAUSE_S * 2.0 ** min(barren - 2, 20), _LONGEST_PAUSE_S)
