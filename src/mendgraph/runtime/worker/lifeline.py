"""A worker never outlives the process that started it, whatever either of them is doing."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

__all__ = ["die_with", "first_to_go"]

_FIRST_TO_GO = "500"  # on the kernel's scale from -1000, never, to 1000, always first


def die_with(reader: int) -> None:
    """Ends this process when the last writer of the pipe `reader` is gone.

    The starting process holds the only writer and never writes, so the pipe closes when it ends, by kill -9
    too.  On Linux the kernel itself then kills this process (``O_ASYNC`` with `SIGKILL` for its signal), even
    one that hangs in native code and holds the interpreter's lock.  (``PR_SET_PDEATHSIG`` would fire when the
    starting *thread* ends.)  Elsewhere a thread waits for the end of the pipe, which takes effect only when the
    interpreter's lock is free.
    """
    os.set_inheritable(reader, False)
    if not _by_signal(reader):
        threading.Thread(target=_by_reading, args=(reader,), name="lifeline", daemon=True).start()
        return
    poller = select.poll()  # it may have ended before the signal was asked for
    poller.register(reader, 0)
    if poller.poll(0):
        os._exit(1)


def first_to_go() -> None:
    """When the kernel runs out of memory, it takes this process rather than the one that can replace it."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")


def _by_signal(reader: int) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.fcntl(reader, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(reader, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(reader, fcntl.F_SETFL, fcntl.fcntl(reader, fcntl.F_GETFL) | os.O_ASYNC)
    except OSError:  # a sandbox that does not know these calls
        return False
    return True


def _by_reading(reader: int) -> None:
    while os.read(reader, 1):
        pass
    os._exit(1)
