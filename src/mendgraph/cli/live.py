"""The healing steps of a run, told as they happen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.cells import cell_len

from mendgraph.cli.render import step
from mendgraph.cli.session import INDENT, Session
from mendgraph.core.values import Attempt

MOST_ROWS = 12
"""With more rows than this only the answers are shown."""


class Narrator:
    """Turns a run's events into lines, one for every step of the rows that were not settled at once."""

    def __init__(self, session: Session, rows: int) -> None:
        self._session = session
        self._rows = rows
        self._width = max(map(cell_len, [*session.graph.tiers, "combined"]))
        self._label_width = max(map(cell_len, session.graph.labels))
        self._held: dict[int, Attempt] = {}
        self._smooth: dict[int, Attempt] = {}
        self._troubled: set[int] = set()

    def hear(self, event: Mapping[str, Any]) -> None:
        row = event["row"]
        if event["event"] == "answer":
            self._let_go(row)
            return
        attempt = Attempt.from_dict(event["attempt"])
        if event["event"] == "attempt":
            self._let_go(row)
            self._held[row] = attempt
            return
        if (held := self._held.get(row)) is not None and held.tier == attempt.tier:
            del self._held[row]
        self._let_go(row)
        self._tell(row, attempt)

    def _let_go(self, row: int) -> None:
        """A step that was only heard, since a combination of several was judged in its place."""
        held = self._held.pop(row, None)
        if held is not None:
            self._tell(row, held)

    def _tell(self, row: int, attempt: Attempt) -> None:
        """A step that settles its row at once is kept back: it is no news unless a later check doubts it."""
        if self._rows > MOST_ROWS:
            return
        if attempt.verdict == "accept" and row not in self._troubled:
            self._smooth[row] = attempt
            return
        self._troubled.add(row)
        if (doubted := self._smooth.pop(row, None)) is not None:
            self._print(row, doubted)
        self._print(row, attempt)

    def _print(self, row: int, attempt: Attempt) -> None:
        lead = f"{INDENT}{row + 1:>2} " if self._rows > 1 else INDENT
        line = step(
            attempt, self._session.glyphs, name_width=self._width, label_width=self._label_width, lead=lead
        )
        self._session.console.print(line)
