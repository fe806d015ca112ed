"""A tier in a worker process: a hang meets its deadline, and a crash takes only the worker with it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from itertools import count
from typing import Any
from weakref import finalize

from mendgraph.core.calibration import Calibrator
from mendgraph.core.values import Input
from mendgraph.errors import BadOutput, ConfigError, DeadlineExceeded, TierError, WorkerDied
from mendgraph.runtime.channel import Outcome, State
from mendgraph.runtime.containment import counted, remembered
from mendgraph.runtime.notes import note
from mendgraph.runtime.recipe import Recipe
from mendgraph.runtime.worker.frames import pack
from mendgraph.runtime.worker.roster import Roster
from mendgraph.runtime.worker.wire import outcomes_from_wire, rows_to_wire
from mendgraph.runtime.worker.worker import Worker

__all__ = ["ProcessChannel"]


class ProcessChannel:
    """Implements `Channel`.  The model is loaded by the worker only; the constructor waits until that is done.

    One call at a time; several threads are served in the order in which they came.  A call may wait for its turn as
    long as it may take, and is refused after that, which says nothing about the tier.  Calls during a restart are
    refused at once.  A call that is given up (its deadline, Ctrl-C) costs the worker its life: nobody can know what it
    still does.

    The worker sees the paths, the environment and the working folder of this process, and ends with it.  On Linux
    that holds even for kill -9 of this process while the worker hangs in native code; on other POSIX systems such
    a worker ends once it gives up the interpreter's lock.

    Args:
        start_s: seconds a worker may take to open its tier.
        warm_standby: a second worker, ready to take over at once.

    Raises:
        ConfigError: the recipe's arguments are no JSON values, or this system has no POSIX processes.
        MendError: the tier cannot be opened for a reason that is not its own, such as its configuration.
    """

    def __init__(self, name: str, recipe: Recipe, *, start_s: float, warm_standby: bool) -> None:
        if os.name != "posix":
            raise ConfigError(
                f"tier {name!r}: isolation 'process' needs a POSIX system, got {os.name!r}",
                hint="use isolation 'thread'",
            )
        self.name = name
        self._numbers = count(1)
        try:
            self._roster = Roster(name, recipe, start_s=start_s, warm_standby=warm_standby)
        except BadOutput as error:
            raise ConfigError(
                f"tier {name!r}: recipe {recipe.target!r}: {error.message}", hint=error.hint
            ) from error
        # Also when the channel is forgotten, and at the end of this process.
        self._close = finalize(self, self._roster.close)
        refusal = self._roster.wait()
        if refusal is not None and not isinstance(refusal, TierError):
            self.close()
            raise refusal

    @property
    def state(self) -> State:
        return self._roster.state

    @property
    def error(self) -> TierError | None:
        return self._roster.error

    @property
    def restarts(self) -> int:
        return self._roster.restarts

    @property
    def pid(self) -> int | None:
        return self._roster.pid

    @property
    def standing_by(self) -> bool:
        """Whether a second worker is ready to take over."""
        return self._roster.standing_by

    @property
    def fingerprint(self) -> str:
        return self._roster.fingerprint

    @property
    def calibrator(self) -> Calibrator | None:
        return self._roster.calibrator

    def call(self, rows: Sequence[Input], seconds: float | None) -> Sequence[Outcome]:
        deadline = None if seconds is None else time.monotonic() + seconds
        number = next(self._numbers)
        request = pack({"call": number, "rows": rows_to_wire(rows)})
        with self._roster.turn(deadline) as worker:
            # A call that waited behind others gets its whole time all the same: cut short, it would cost a healthy
            # worker its life, and everybody waiting for it a restart.
            deadline = None if seconds is None else time.monotonic() + seconds
            reply = self._exchange(worker, request, deadline, len(rows), seconds)
            if reply.get("call") != number:
                error = BadOutput(
                    f"the worker of tier {self.name!r} answered another call than the one it was asked"
                )
                self._give_up(worker, error)
                raise error
        for text in reply.get("notes", ()):
            note(str(text))
        if "error" in reply:
            raise remembered(self._roster.failure(reply))
        return outcomes_from_wire(reply.get("outcomes"), len(rows))

    def recover(self) -> None:
        self._roster.recover()

    def close(self) -> None:
        self._close()

    def _exchange(
        self, worker: Worker, request: bytes, deadline: float | None, rows: int, seconds: float | None
    ) -> dict[str, Any]:
        try:
            return worker.exchange(request, deadline)
        except TimeoutError:
            late = DeadlineExceeded(
                f"tier {self.name!r} gave no answer to {counted(rows)} within {seconds:.3g} s; its worker was killed",
                hint="give it more time with deadline_s, or smaller batches with max_batch",
            )
            self._give_up(worker, late)
            raise late from None
        except WorkerDied as death:
            self._roster.left(worker, death)
            raise
        except BadOutput as error:
            self._give_up(worker, error)
            raise
        except BaseException:  # Ctrl-C: the reply will come when nobody waits for it any more
            self._give_up(
                worker, WorkerDied(f"the worker of tier {self.name!r} was killed: its call was interrupted")
            )
            raise

    def _give_up(self, worker: Worker, why: TierError) -> None:
        worker.kill()
        self._roster.left(worker, why)
