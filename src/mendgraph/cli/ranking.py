"""The LLMs ranked for a prompt, as a table: what each is expected to be worth, what it costs, why it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from mendgraph.cli.console import one_line
from mendgraph.cli.glyphs import Glyphs, bar
from mendgraph.core.routing import dollars
from mendgraph.core.values import Answer

MOST = 12
"""LLMs shown; of more, the best ones."""


def is_route(answer: Answer) -> bool:
    """Whether the answer is a choice among LLMs that some tier has rated."""
    return isinstance(answer.value, Mapping) and bool(answer.value.get("quality"))


def ranking(answer: Answer, g: Glyphs, *, lead: str = "") -> Table:
    """The best first, those that may not be chosen last."""
    value: Mapping[str, Any] = answer.value
    quality, excluded = value["quality"], value.get("excluded", {})
    names = sorted(quality, key=lambda name: (name in excluded, name != value["model"], -quality[name]))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(f"{lead}  LLM", no_wrap=True)
    table.add_column("expected quality", no_wrap=True)
    table.add_column("cost", no_wrap=True, justify="right")
    table.add_column("", no_wrap=True, style="dim")
    for name in names[:MOST]:
        chosen = name == value["model"]
        style = "bold green" if chosen else "dim" if name in excluded else ""
        mark = g.accept if chosen else " "
        note = excluded.get(name) or (
            "chosen" if chosen else "runner-up" if name == value["runner_up"] else ""
        )
        table.add_row(
            Text.assemble(f"{lead}{mark} ", (one_line(name), style)),
            Text.assemble(
                bar(quality[name], g, style="green" if chosen else "cyan"), f" {quality[name]:.2f}"
            ),
            Text(dollars(value["cost"][name]), "dim" if name in excluded else ""),
            note,
        )
    if len(names) > MOST:
        table.add_row(Text(f"{lead}  and {len(names) - MOST} more", "dim"))
    return table
