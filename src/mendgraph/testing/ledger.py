"""Counts a tier's calls and the faults that struck it; on disk where the count has to outlive a process."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

STRUCK = "struck.jsonl"


class Ledger:
    """Numbers the calls of one tier.

    Args:
        folder: where the numbers are kept.  A worker that is restarted goes on counting where its predecessor died,
            so that ``kill at call 3`` kills once.  None: counted in memory, from 1 in every process.
    """

    def __init__(self, tier: str, folder: Path | None = None) -> None:
        self._tier = tier
        self._folder = folder
        self._calls = 0
        self._lock = threading.Lock()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def number(self) -> int:
        """The number of the call that begins now, from 1."""
        with self._lock:
            self._calls = self._calls + 1 if self._folder is None else self._grown(self._folder)
            return self._calls

    def struck(self, kind: str, number: int) -> None:
        """Written before the fault strikes: a killed process writes nothing."""
        if self._folder is not None:
            line = json.dumps({"tier": self._tier, "kind": kind, "call": number, "at": time.time()})
            _append(self._folder / STRUCK, f"{line}\n".encode())

    def _grown(self, folder: Path) -> int:
        """A byte for every call: appending needs no reading, and a kill leaves no half-written number."""
        return _append(folder / f"{quote(self._tier, safe='')}.calls", b".")


class Strikes:
    """Reads the faults that struck, of all tiers that share a folder; each `new` gives what came since the last."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / STRUCK
        self._read = 0

    def new(self) -> Iterator[Mapping[str, Any]]:
        """Each with ``tier``, ``kind``, ``call`` and ``at`` in epoch seconds."""
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._read += len(line)
                yield json.loads(line)


def _append(path: Path, data: bytes) -> int:
    """Size of the file afterwards.  Opened anew each time: a tier that is dropped leaves no file open."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, data)
        return os.fstat(file).st_size
    finally:
        os.close(file)
