"""Where final answers are recorded."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Protocol, runtime_checkable

from mendgraph.core.values import Answer


@runtime_checkable
class Journal(Protocol):
    """Anything that keeps answers.  `record` is called once for every final answer, from any thread."""

    def record(self, answer: Answer) -> None: ...


class NullJournal:
    """Keeps nothing."""

    def record(self, answer: Answer) -> None:
        return None


class JsonLinesJournal:
    """Appends one JSON object per answer to a file.

    Args:
        path: the file; missing parent folders are made.
        healed_only: keep only answers the first tier did not settle (the fallback log).
    """

    def __init__(self, path: Path, *, healed_only: bool = False) -> None:
        self.path = path
        self.healed_only = healed_only
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)

    def record(self, answer: Answer) -> None:
        if self.healed_only and answer.accepted and len(answer.trail) == 1:
            return
        line = json.dumps(answer.to_dict(), ensure_ascii=False, allow_nan=False) + "\n"
        with self._lock, self.path.open("a", encoding="utf-8") as file:
            file.write(line)
