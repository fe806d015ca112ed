"""What a REPL remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from mendgraph.cli.faults import Faults
from mendgraph.cli.glyphs import Glyphs, glyphs
from mendgraph.core.values import Answer
from mendgraph.runtime.statistics import Statistics

if TYPE_CHECKING:
    from mendgraph.app import MendGraph

INDENT = "  "
PAIRS = "reflection"
ROUTING = "prompt_routing"
WRITING = "token_routing"
CONFLICT = "conflict"


@dataclass(slots=True)
class Session:
    """One conversation with one graph.

    Attributes:
        corrections: SQLite file that `/correct` writes to.
        threshold: confidence every check asks for; None leaves the fitted thresholds.
        down: tiers that are treated as dead from the start.
        faults: what the user has done to the tiers.
        answers: all answers so far, oldest first.
        last: the answers of the last submission.
        prompt: the client's latest turn, where rows are pairs.
        terms: what every prompt is routed under, where the graph chooses among LLMs; or how a text is written.
        over: set when the user has had enough.
    """

    graph: MendGraph
    console: Console
    corrections: Path
    threshold: float | None = None
    down: set[str] = field(default_factory=set)
    answers: list[Answer] = field(default_factory=list)
    last: list[Answer] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    statistics: Statistics = field(default_factory=Statistics)
    prompt: str = ""
    terms: dict[str, Any] = field(default_factory=dict)
    over: bool = False

    @property
    def paired(self) -> bool:
        """Whether a row has two parts, what a client said and what a counsellor answered."""
        return self.graph.name == PAIRS

    @property
    def routing(self) -> bool:
        """Whether the graph chooses among LLMs."""
        return self.graph.name == ROUTING

    @property
    def writing(self) -> bool:
        """Whether the answer is a text."""
        return self.graph.name == WRITING

    @property
    def questioning(self) -> bool:
        """Whether a row is a question with documents."""
        return self.graph.name == CONFLICT

    @property
    def glyphs(self) -> Glyphs:
        return glyphs(self.console)

    @property
    def ill(self) -> dict[str, str]:
        """Tier -> what is wrong with it by the user's own doing."""
        return {**dict.fromkeys(self.down, "down"), **self.faults.words}

    def keep(self, answers: list[Answer]) -> None:
        self.last = answers
        self.answers.extend(answers)
        for answer in answers:
            self.statistics.count(answer)

    def say(self, line: str | Text = "", style: str = "") -> None:
        """One indented paragraph."""
        text = Text(line, style) if isinstance(line, str) else line
        self.console.print(Padding(text, (0, 0, 0, len(INDENT)), expand=False) if text else "")
