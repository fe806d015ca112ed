"""Daemon threads that are used again and again, and left behind when they hang."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any, Generic, TypeAlias, TypeVar

from mendgraph.errors import MendError

T = TypeVar("T")


class Job(Generic[T]):
    """A call in another thread, in the caller's context, so that notes reach the caller's collector.

    Attributes:
        result, error: what it returned or raised; both None when it ended otherwise (`SystemExit`).
    """

    def __init__(self, call: Callable[[], T]) -> None:
        self.result: T | None = None
        self.error: MendError | None = None
        self._call: Callable[[], T] | None = call
        self._context: Context | None = copy_context()
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._when_late: Callable[[], None] | None = None

    def wait(self, seconds: float | None) -> bool:
        """Whether it ended within `seconds`."""
        return self._done.wait(None if seconds is None else min(seconds, threading.TIMEOUT_MAX))

    def leave(self, when_late: Callable[[], None]) -> bool:
        """Whether it is still running; `when_late` is then called when it ends after all."""
        with self._lock:
            if self._done.is_set():
                return False
            self._when_late = when_late
            return True

    def run(self, free: Callable[[], None]) -> None:
        """`free` is called before the waiting thread goes on, so that its next job finds this thread idle."""
        call, context = self._call, self._context
        self._call = self._context = None
        reusable = False
        try:
            if call is not None and context is not None:
                self.result = context.run(call)
            reusable = True
        except MendError as error:
            self.error = error
            reusable = True
        except SystemExit:  # a model that calls exit() has crashed; it does not take the thread along
            reusable = True
        finally:
            with self._lock:
                if reusable:
                    free()
                self._done.set()
            if self._when_late is not None:
                self._when_late()


_Box: TypeAlias = "SimpleQueue[Job[Any] | None]"


class _Idle:
    """The boxes of threads that wait for a job; apart from `Daemons`, so that its threads do not keep it alive."""

    def __init__(self) -> None:
        self.boxes: deque[_Box] = deque()
        self.over = False

    def add(self, box: _Box) -> None:
        self.boxes.append(box)
        if self.over:
            self.end()

    def end(self) -> None:
        self.over = True
        while self.boxes:
            self.boxes.pop().put(None)


class Daemons:
    """Runs jobs, each at once, in an idle thread if there is one.

    torch keeps a team of OpenMP threads for every thread that calls it, so a thread per call would be slow.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._idle = _Idle()
        weakref.finalize(self, self._idle.end)

    def start(self, call: Callable[[], T]) -> Job[T]:
        job = Job(call)
        try:
            box = self._idle.boxes.pop()
        except IndexError:
            box = SimpleQueue()
            # A daemon, because a thread that hangs must not keep the process from ending.
            threading.Thread(target=_work, args=(box, self._idle), name=self._name, daemon=True).start()
        box.put(job)
        return job

    def dismiss(self) -> None:
        """Idle threads end at once, busy ones with their job."""
        self._idle.end()


def _work(box: _Box, idle: _Idle) -> None:
    while (job := box.get()) is not None:
        job.run(lambda: idle.add(box))
        del job  # what it holds must not live until the next one
