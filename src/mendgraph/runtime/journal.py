"""Where final answers are recorded."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from mendgraph.core.record import RunRecord
from mendgraph.core.values import Answer
from mendgraph.errors import JournalError

_BREAKS: Final = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}


def json_line(value: Any, *, ascii_only: bool = False) -> str:
    """The value as one line, for readers that break lines at Unicode's own separators too."""
    return json.dumps(value, ensure_ascii=ascii_only, allow_nan=False).translate(_BREAKS) + "\n"


@runtime_checkable
class Journal(Protocol):
    """Anything that keeps answers.

    `record` is called with the final answers of one run, row number -> answer in ascending order, from any thread.
    Rows that wait for a person come later, in a call of their own with the same run.  What is recorded is durable
    when `record` returns.

    Raises:
        JournalError: from `record`, when it cannot; nothing of that call is then promised.
    """

    def record(self, run: RunRecord, answers: Mapping[int, Answer]) -> None: ...

    def close(self) -> None: ...


class NullJournal:
    """Keeps nothing."""

    def record(self, run: RunRecord, answers: Mapping[int, Answer]) -> None:
        return None

    def close(self) -> None:
        return None


class JsonLinesJournal:
    """Appends one JSON object per answer to a file.  Threads and processes may share the file.

    Args:
        path: the file; missing parent folders are made.
        healed_only: keep only answers the first tier did not settle (the fallback log).

    Attributes:
        error: why the last record was not written; None when it was.
    """

    def __init__(self, path: Path, *, healed_only: bool = False) -> None:
        self.path = path
        self.healed_only = healed_only
        self.error: JournalError | None = None
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.open("ab").close()
        except OSError as error:
            raise self._cannot(error) from error

    def record(self, run: RunRecord, answers: Mapping[int, Answer]) -> None:
        kept = [a for a in answers.values() if not (self.healed_only and a.accepted and len(a.trail) == 1)]
        if not kept:
            return
        lines = "".join(json_line(answer.to_dict()) for answer in kept)
        with self._lock:
            try:
                self._append(lines.encode("utf-8", "backslashreplace"))
            except OSError as error:
                self.error = self._cannot(error)
                raise self.error from error
            self.error = None

    def close(self) -> None:
        return None

    def _append(self, data: bytes) -> None:
        with self.path.open("ab+", buffering=0) as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    data = (
                        b"\n" + data
                    )  # a writer died in mid-line: what it left must not swallow this record
            while data:
                data = data[file.write(data) :]
            os.fsync(file.fileno())

    def _cannot(self, error: OSError) -> JournalError:
        return JournalError(
            f"cannot write {self.path}: {error.strerror or error}",
            hint="make room or name another file; recording goes on by itself once it works",
        )
