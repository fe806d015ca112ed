"""Tables of figures on a terminal."""

from __future__ import annotations

from rich.console import Console

from mendgraph.cli.tables import figures_table
from mendgraph.evaluation.report import Table


def test_intervals_and_notes_are_no_markup() -> None:
    table = Table(
        "Scores [of 3]", ("system", "F1"), (("cascade [bold]", "0.7 [0.6, 0.8]"),), "mean [low, high]"
    )
    console = Console(width=80, record=True, file=None, force_terminal=False)
    with console.capture() as shown:
        console.print(figures_table(table))
    for words in ("Scores [of 3]", "cascade [bold]", "0.7 [0.6, 0.8]", "mean [low, high]"):
        assert words in shown.get()
