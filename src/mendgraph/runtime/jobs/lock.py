"""One process at a time per job."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock, Timeout

from mendgraph.errors import JobError

PATIENCE_S = 0.5
"""A short hold, as by ``mend jobs list`` or a process that is just ending, is not worth a refusal."""


class JobLock:
    """An advisory lock that the operating system drops when its process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path, thread_local=False)

    def take(self, *, seconds: float = PATIENCE_S) -> bool:
        """Whether the lock is ours now; a negative `seconds` waits without end.

        Raises:
            JobError: the lock file cannot be opened.
        """
        try:
            self._lock.acquire(timeout=seconds)
        except Timeout:
            return False
        except OSError as error:
            raise JobError(
                f"cannot lock {self.path}: {error.strerror or error}",
                hint="set MENDGRAPH_HOME to a folder you can write to",
            ) from error
        return True

    def drop(self) -> None:
        self._lock.release()

    def forget(self) -> None:
        """Removes the lock file; only while the lock is ours."""
        if os.name != "nt":  # Windows removes no open file, and the empty file harms nobody
            self.path.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether some process holds the lock right now."""
    if not path.exists():
        return False
    lock = JobLock(path)
    if not lock.take(seconds=0):
        return True
    lock.drop()
    return False
