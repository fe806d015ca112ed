"""The starting process's side of one worker: one life, from launch to burial."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from math import ceil
from typing import Any, Final
from weakref import WeakSet

from mendgraph.errors import DeadlineExceeded, TierError
from mendgraph.runtime.worker.frames import Incoming
from mendgraph.runtime.worker.last_words import LastWords, obituary

__all__ = ["Worker"]

_PIECE: Final = 2**18
_GRACE_S: Final = 1.0  # between the first sign of a death and its help


class Worker:
    """One worker process.  `start`, `attend` and `bury` are for the thread that looks after it.

    `exchange` is for callers, one at a time.

    Raises:
        OSError: no process, or no descriptors, to be had.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.born = time.monotonic()
        self.answered = False
        self.buried = threading.Event()
        self._words = LastWords()
        self._incoming = Incoming()
        self._talking = (
            threading.Lock()
        )  # a link closed in mid-talk could get its number from the next worker's
        self._guard = threading.Lock()  # between killing and reaping: the number may be another's afterwards
        self._process, self._link, self._lifeline = _launch(name)
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()
        os.set_blocking(self._output, False)
        self._link.setblocking(False)
        self._pidfd = _pidfd(self._process.pid)
        self._watched = _poller(self._link, 0)  # 0: tell only when the other end is closed
        self._watched.register(self._output, select.POLLIN)
        if self._pidfd is not None:
            self._watched.register(self._pidfd, select.POLLIN)
        self._readable = _poller(self._link, select.POLLIN)
        self._writable = _poller(self._link, select.POLLOUT)
        _LIVING.add(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self, greeting: bytes, seconds: float) -> dict[str, Any]:
        """Sends the recipe and waits for the first message: the open tier's facts, or an error.

        Raises:
            DeadlineExceeded, WorkerDied, BadOutput: it will not come.
        """
        deadline = time.monotonic() + seconds
        self._watched.modify(self._link, select.POLLIN)
        try:
            self._send(greeting, deadline)
            alive = True
            while (ready := self._receive()) is None:
                if not alive:
                    raise ConnectionResetError
                if time.monotonic() >= deadline:
                    raise TimeoutError
                alive = self._listen(deadline - time.monotonic())
        except TimeoutError:
            said = self._words.quoted()
            raise DeadlineExceeded(
                f"the worker of tier {self.name!r} was not ready after {seconds:g} s{': ' if said else ''}{said}",
                hint="give it more time with start_s",
            ) from None
        except OSError:
            raise self.bury() from None
        self._watched.modify(self._link, 0)
        return ready

    def exchange(self, request: bytes, deadline: float | None) -> dict[str, Any]:
        """The reply to one request.

        Args:
            deadline: on the monotonic clock.

        Raises:
            TimeoutError: no reply by then; the worker is of no use any more, but still there.
            WorkerDied: it is gone.
            BadOutput: it replied with something that is no message.
        """
        try:
            with self._talking:
                return self._converse(request, deadline)
        except TimeoutError:
            raise
        except OSError:
            if not self.buried.wait(_GRACE_S):  # one that only closed its link is as good as dead
                self.kill()
                self.buried.wait(_GRACE_S)
            raise self.obituary() from None

    def attend(self) -> None:
        """Takes in what it writes, and returns at the first sign of its death."""
        while self._listen(None):
            pass

    def kill(self) -> None:
        """At once, whatever it does.  Nothing happens when it is dead."""
        with self._guard:
            if self._process.poll() is None:
                self._process.kill()

    def bury(self) -> TierError:
        """Waits until it is dead, helping after a moment; frees everything; says what it died of."""
        if self.buried.is_set():
            return self.obituary()
        with suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)  # wakes a caller
        patience, pause = time.monotonic() + _GRACE_S, 0.0005
        while not self._reaped():
            if time.monotonic() > patience:
                self.kill()
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        self._hear()
        with self._talking:
            self._let_go()
        self.buried.set()
        return self.obituary()

    def obituary(self) -> TierError:
        return obituary(self.name, self._process.returncode, self._words)

    def last_lines(self) -> list[str]:
        return self._words.all()

    def _converse(self, request: bytes, deadline: float | None) -> dict[str, Any]:
        self._send(request, deadline)
        while True:
            _wait(self._readable, deadline)
            if (reply := self._receive()) is not None:
                self.answered = True
                return reply

    def _reaped(self) -> bool:
        with self._guard:
            return self._process.poll() is not None

    def _let_go(self) -> None:
        _LIVING.discard(self)
        self._link.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        os.close(self._lifeline)
        if self._pidfd is not None:
            os.close(self._pidfd)

    def _listen(self, seconds: float | None) -> bool:
        """Waits for a sign of life or of death; False for death."""
        timeout = None if seconds is None else max(0, ceil(seconds * 1000))
        alive = True
        for descriptor, event in self._watched.poll(timeout):
            if descriptor == self._output:
                if not self._hear():  # it may have closed its streams and live on
                    self._watched.unregister(self._output)
            elif descriptor == self._pidfd or event & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
                alive = False
        return alive

    def _hear(self) -> bool:
        """Takes in what it wrote by now; False once it cannot write any more."""
        try:
            while piece := os.read(self._output, _PIECE):
                self._words.hear(piece)
        except BlockingIOError:
            return True
        return False

    def _send(self, frame: bytes, deadline: float | None) -> None:
        left = memoryview(frame)
        while left:
            try:
                left = left[self._link.send(left) :]
            except BlockingIOError:
                _wait(self._writable, deadline)

    def _receive(self) -> dict[str, Any] | None:
        """The message, if it is complete by now."""
        try:
            while piece := self._link.recv(_PIECE):
                if (message := self._incoming.feed(piece)) is not None:
                    return message
        except BlockingIOError:
            return None
        raise ConnectionResetError


_LIVING: WeakSet[Worker] = WeakSet()


def _forget_in_a_fork() -> None:
    """A forked copy of the starting process must not keep workers alive when the real one ends."""
    for worker in list(_LIVING):
        worker._let_go()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_a_fork)


def _launch(name: str) -> tuple[subprocess.Popen[bytes], socket.socket, int]:
    """The process, our end of the link to it, and the writer that keeps it alive."""
    ours, theirs = socket.socketpair()
    reader, writer = os.pipe()
    command = [
        sys.executable,
        "-P",
        "-m",
        "mendgraph.runtime.worker",
        name,
        str(theirs.fileno()),
        str(reader),
    ]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # heard for its last words; not for the terminal
            stderr=subprocess.STDOUT,
            pass_fds=(theirs.fileno(), reader),
            bufsize=0,
        )
    except OSError:
        ours.close()
        os.close(writer)
        raise
    finally:
        theirs.close()
        os.close(reader)
    return process, ours, writer


def _pidfd(pid: int) -> int | None:
    """Readable at the process's end, even when something that it started keeps its streams open."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # kernels before 5.3, and some sandboxes
        return None


def _poller(link: socket.socket, events: int) -> select.poll:
    poller = select.poll()
    poller.register(link, events)
    return poller


def _wait(poller: select.poll, deadline: float | None) -> None:
    """Until something happens.

    Raises:
        TimeoutError: nothing by the deadline.
    """
    timeout = None if deadline is None else max(0, ceil((deadline - time.monotonic()) * 1000))
    if not poller.poll(timeout):
        raise TimeoutError
