"""Where final answers are recorded."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from mendgraph.core.values import Answer

_BREAKS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}


def json_line(value: Any, *, ascii_only: bool = False) -> str:
    """The value as one line, for readers that break lines at Unicode's own separators too."""
    return json.dumps(value, ensure_ascii=ascii_only, allow_nan=False).translate(_BREAKS) + "\n"


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
        line = json_line(answer.to_dict())
        with self._lock, self.path.open("a", encoding="utf-8") as file:
            file.write(line)
