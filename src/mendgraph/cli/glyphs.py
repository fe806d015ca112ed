"""The few symbols the terminal shows: bars, marks, sparklines."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from mendgraph.cli.console import one_line
from mendgraph.core.values import Attempt


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The few symbols used, for terminals with and without Unicode."""

    full: str
    rest: str
    mark: str
    steps: str
    arrow: str
    dot: str
    accept: str
    defer: str
    ask: str
    abstain: str
    failed: str
    heard: str
    marks: tuple[str, str]
    """Put around a part of a text that matters."""

    def of(self, attempt: Attempt) -> tuple[str, str]:
        """Symbol and style of an attempt."""
        if attempt.failure is not None:
            return self.failed, "red"
        return {
            "accept": (self.accept, "green"),
            "defer": (self.defer, "yellow"),
            "ask": (self.ask, "cyan"),
            "abstain": (self.abstain, "yellow"),
        }.get(attempt.verdict or "", (self.heard, "dim"))


UNICODE = Glyphs("━", "─", "┃", "▁▂▃▄▅▆▇█", "›", "·", "✓", "↓", "?", "∅", "✗", "·", ("▸", "◂"))
ASCII = Glyphs("#", "-", "|", "_.-=+*#@", ">", ".", "+", "v", "?", "0", "x", ".", (">", "<"))


def glyphs(console: Console) -> Glyphs:
    return ASCII if console.options.ascii_only else UNICODE


def bar(share: float | None, g: Glyphs, *, style: str, width: int = 20, mark: float | None = None) -> Text:
    """A bar of `width` cells filled to `share` in [0, 1], with a tick where `mark` lies."""
    filled = round(min(max(share or 0.0, 0.0), 1.0) * width)
    tick = None if mark is None else min(int(mark * width), width - 1)
    text = Text()
    for cell in range(width):
        inside = cell < filled
        text.append(
            g.mark if cell == tick else g.full if inside else g.rest,
            style="bold" if cell == tick else style if inside else "dim",
        )
    return text


def percent(share: float | None) -> str:
    """Three cells and a sign; never 100 unless it is, since almost sure is not sure."""
    if share is None:
        return "   ?"
    return f"{min(round(share * 100), 99 if share < 1.0 else 100):>3}%"


def fitted(text: str, width: int) -> str:
    """The text in exactly `width` terminal cells."""
    flat = one_line(text)
    return set_cell_size(flat, width) if cell_len(flat) <= width else set_cell_size(flat, width - 1) + "…"


def shortened(text: str, width: int) -> str:
    """The text on one line of at most `width` terminal cells."""
    return fitted(text, width).rstrip()


def sparkline(values: Sequence[float], g: Glyphs, *, width: int = 60) -> str:
    """Values in [0, 1] as one character each; more than `width` are averaged in equal groups."""
    if len(values) > width:
        edges = [round(place * len(values) / width) for place in range(width + 1)]
        values = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(edges)]
    top = len(g.steps) - 1
    return "".join(g.steps[min(max(round(value * top), 0), top)] for value in values)
