"""The jobs of one user: a folder of job files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from mendgraph.errors import ConfigError, JobError, UnknownNameError
from mendgraph.runtime.jobs.job import Job
from mendgraph.runtime.jobs.lock import PATIENCE_S, JobLock, is_held
from mendgraph.runtime.jobs.progress import Progress

SUFFIX = ".sqlite"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class JobFolder:
    """Finds, opens and removes jobs by name.

    Args:
        path: the folder; made when the first job begins.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        return sorted(file.stem for file in self.path.glob(f"*{SUFFIX}") if _NAME.fullmatch(file.stem))

    @contextmanager
    def hold(self, name: str, *, now: float, wait: bool = False) -> Iterator[Job]:
        """A job that no other process can work on inside the block; one that is not known yet is made.

        A job that did not come to begin inside the block leaves nothing behind.

        Args:
            now: seconds since the epoch.
            wait: wait for whoever has it, instead of refusing.

        Raises:
            ConfigError: not a name for a job.
            JobError: another process has it, or its file cannot be used.
        """
        file = self._file(name)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JobError(f"cannot make the folder {self.path}: {error.strerror or error}") from error
        lock = JobLock(self._lock(name))
        if not lock.take(seconds=-1.0 if wait else PATIENCE_S):
            raise JobError(
                f"job {name!r} is being worked on by {self._holder(name)}",
                hint="wait for it with --wait, or take another name with --job",
            )
        begun = True
        try:
            with closing(Job(name, file)) as job:
                job.begin_session(now)
                try:
                    yield job
                finally:
                    begun = job.begun
        finally:
            try:
                if not begun:
                    self._delete(name, lock)
            finally:
                lock.drop()

    def holder(self, name: str) -> str | None:
        """Who is working on the job, as a phrase; None when nobody is."""
        return self._holder(name) if is_held(self._lock(name)) else None

    def look(self, name: str) -> Progress | None:
        """A job as it is right now; None for one that never came to begin.

        Raises:
            UnknownNameError: no such job.
            JobError: its file cannot be read.
        """
        self._known(name)
        with closing(Job(name, self._file(name))) as job:
            return job.progress(running=is_held(self._lock(name)))

    def remove(self, name: str) -> None:
        """Forgets a job and its answers; the output file stays.

        Raises:
            UnknownNameError: no such job.
            JobError: a process is working on it.
        """
        self._known(name)
        lock = JobLock(self._lock(name))
        if not lock.take():
            raise JobError(
                f"job {name!r} is being worked on by {self._holder(name)}", hint="stop that process first"
            )
        try:
            self._delete(name, lock)
        finally:
            lock.drop()

    def _delete(self, name: str, lock: JobLock) -> None:
        file = self._file(name)
        try:
            for extra in ("", "-wal", "-shm"):
                file.with_name(file.name + extra).unlink(missing_ok=True)
            lock.forget()
        except OSError as error:
            raise JobError(f"cannot remove job {name!r}: {error}") from error

    def _holder(self, name: str) -> str:
        found = None
        if self._file(name).exists():
            with closing(Job(name, self._file(name))) as job:
                found = job.latest_session()
        if found is None:
            return "another process"
        pid, began = found
        return f"process {pid} since {datetime.fromtimestamp(began):%Y-%m-%d %H:%M:%S}"

    def _known(self, name: str) -> None:
        if not self._file(name).is_file():
            raise UnknownNameError("job", name, self.names())

    def _file(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"{name!r} is no name for a job",
                hint="letters, digits, '.', '_' and '-', at most 100, beginning with a letter or a digit",
            )
        return self.path / f"{name}{SUFFIX}"

    def _lock(self, name: str) -> Path:
        return self._file(name).with_suffix(".lock")
