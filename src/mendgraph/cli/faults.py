"""Faults that the user of a REPL switches on and off."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mendgraph.testing import Fault

WORDS = {"crash": "down", "kill": "down", "hang": "hangs", "nan": "nan"}
"""Kind of fault -> what is said of a tier that has it."""


class Faults:
    """At most one fault per tier, in a plan that the faulty tiers read again whenever it changes.

    Args:
        file: the plan; None where the tiers were not opened to be faulty.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._active: dict[str, Fault] = {}

    @property
    def possible(self) -> bool:
        return self._file is not None

    @property
    def words(self) -> dict[str, str]:
        """Tier -> what is wrong with it."""
        return {tier: WORDS[fault.kind] for tier, fault in self._active.items()}

    @property
    def wrap(self) -> Callable[[str, Any], Any] | None:
        """What `mendgraph.load` takes to open the tiers so that they can be made faulty."""
        if self._file is None:
            return None
        from mendgraph.testing import injecting

        return injecting(self._file)

    def strike(self, tier: str, fault: Fault) -> None:
        self._active[tier] = fault
        self._write()

    def clear(self, tier: str) -> None:
        """Does nothing to a tier without a fault."""
        if self._active.pop(tier, None) is not None:
            self._write()

    def _write(self) -> None:
        """The file changes all at once: a tier may read it at any moment."""
        from mendgraph.testing import FaultPlan

        if self._file is None:
            return
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(FaultPlan(list(self._active.values())).to_dict()), encoding="utf-8")
        part.replace(self._file)


@contextmanager
def switchboard() -> Iterator[Faults]:
    """Faults with a plan of their own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mend-chat-") as folder:
        yield Faults(Path(folder) / "plan.json")
