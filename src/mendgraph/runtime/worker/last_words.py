"""What a dead worker leaves behind: how it ended, and the last lines it wrote."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Mapping

from mendgraph.errors import WorkerDied

__all__ = ["LastWords", "obituary"]

_LINES, _LINE = 40, 300  # kept of what a worker writes: lines, and characters of each
_QUOTED = 4
_FATAL = "Fatal Python error"  # faulthandler begins with it

_CAUSES: Mapping[int, tuple[str, str]] = {
    signal.SIGKILL: (
        "was killed by SIGKILL (the kernel's out-of-memory killer?)",
        "if the kernel's log says out of memory: smaller batches, or a machine with more",
    ),
    signal.SIGSEGV: ("crashed in native code (SIGSEGV)", "a fault in a library that the model runs on"),
    signal.SIGBUS: ("crashed in native code (SIGBUS)", "was a weights file cut short while it was mapped?"),
    signal.SIGABRT: ("aborted in native code (SIGABRT)", "a library that the model runs on gave up"),
}


class LastWords:
    """The end of what a worker writes to stdout and stderr; the rest is let go."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._open = ""

    def hear(self, piece: bytes) -> None:
        *lines, rest = (self._open + piece.decode("utf-8", "replace")).replace("\r", "\n").split("\n")
        self._lines.extend(line[:_LINE] for line in lines[-_LINES:] if line.strip())
        self._open = rest[:_LINE]

    def all(self) -> list[str]:
        return [*self._lines, self._open] if self._open.strip() else list(self._lines)

    def quoted(self) -> str:
        """The lines that tell most: those from a fatal error on, else the last ones."""
        lines = [line.strip() for line in self.all()]
        fatal = next((number for number, line in enumerate(lines) if line.startswith(_FATAL)), None)
        told = lines[-_QUOTED:] if fatal is None else lines[fatal : fatal + _QUOTED]
        return " / ".join(told)


def obituary(name: str, status: int | None, words: LastWords) -> WorkerDied:
    """The error for a worker that ended with `status`, as `subprocess` gives it: negative for a signal, or None."""
    if status is None:
        cause, hint = (
            "was killed and does not end",
            "a device or file system that it waits for does not answer",
        )
    elif status >= 0:
        cause, hint = f"ended with exit code {status}", "a tier must not end the process that it runs in"
    else:
        cause, hint = _CAUSES.get(-status, (f"was killed by {_signal_name(-status)}", ""))
    said = words.quoted()
    return WorkerDied(f"the worker of tier {name!r} {cause}{': ' if said else ''}{said}", hint=hint)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no names
        return f"signal {number}"
