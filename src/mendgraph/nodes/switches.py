"""Experts that a person switches off while texts are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock


@dataclass
class Switches:
    """Experts that are switched off for all runs from the next chunk on; safe to change from any thread."""

    down: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def kill(self, expert: str) -> None:
        with self._lock:
            self.down.add(expert)

    def restore(self, expert: str) -> None:
        with self._lock:
            self.down.discard(expert)

    def now(self) -> list[str]:
        with self._lock:
            return sorted(self.down)
