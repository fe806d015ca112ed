"""What a REPL remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from mendgraph.cli.glyphs import Glyphs, glyphs
from mendgraph.core.values import Answer
from mendgraph.runtime.statistics import Statistics

if TYPE_CHECKING:
    from mendgraph.app import MendGraph

INDENT = "  "


@dataclass(slots=True)
class Session:
    """One conversation with one graph.

    Attributes:
        corrections: SQLite file that `/correct` writes to.
        threshold: confidence every check asks for; None leaves the fitted thresholds.
        down: tiers the user has killed.
        answers: all answers so far, oldest first.
        last: the answers of the last submission.
        over: set when the user has had enough.
    """

    graph: MendGraph
    console: Console
    corrections: Path
    threshold: float | None = None
    down: set[str] = field(default_factory=set)
    answers: list[Answer] = field(default_factory=list)
    last: list[Answer] = field(default_factory=list)
    statistics: Statistics = field(default_factory=Statistics)
    over: bool = False

    @property
    def glyphs(self) -> Glyphs:
        return glyphs(self.console)

    def keep(self, answers: list[Answer]) -> None:
        self.last = answers
        self.answers.extend(answers)
        for answer in answers:
            self.statistics.record(answer)

    def say(self, line: str | Text = "", style: str = "") -> None:
        """One indented paragraph."""
        text = Text(line, style) if isinstance(line, str) else line
        self.console.print(Padding(text, (0, 0, 0, len(INDENT)), expand=False) if text else "")
