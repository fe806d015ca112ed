"""Tables of figures as rich text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from mendgraph.evaluation import report

NUMERIC = frozenset("0123456789+-")
"""What a number starts with; a lone dash stands for an undefined one."""


def figures_table(table: report.Table) -> Padding:
    """Columns of numbers are set flush right; nothing is read as markup."""
    drawn = Table(
        title=Text(table.title, "bold"),
        caption=Text(table.note, "dim") if table.note else None,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for place, name in enumerate(table.header):
        numbers = all(row[place][:1] in NUMERIC for row in table.rows)
        drawn.add_column(Text(name), justify="right" if numbers else "left", overflow="fold")
    for row in table.rows:
        drawn.add_row(*map(Text, row))
    return Padding(drawn, (0, 0, 1, 0))
