"""What the operating system says about processes; read from /proc, so that zombies count as gone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from mendgraph.runtime.worker.process import ProcessChannel

PATIENCE_S = 20.0
"""Far beyond what anything here takes; only a hang reaches it."""


def wait_until(true: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < ends, f"not within {PATIENCE_S:g} s: {what}"
        time.sleep(0.005)


def stat(pid: int) -> tuple[str, int] | None:
    """State letter and parent; None where there is no such process."""
    try:
        _, _, rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent = rest.split()[:2]
    return state, int(parent)


def gone(pid: int) -> bool:
    found = stat(pid)
    return found is None or found[0] in "ZX"


def children() -> list[int]:
    """Of this process, zombies included."""
    found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in found if (about := stat(pid)) and about[1] == os.getpid()]


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def wait_up(channel: ProcessChannel) -> None:
    wait_until(lambda: channel.state == "up", f"a worker for tier {channel.name!r}")


def worker_of(channel: ProcessChannel) -> int:
    pid = channel.pid
    assert pid is not None
    return pid
