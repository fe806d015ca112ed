"""What a replay found, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from mendgraph.cli.console import answers_console, one_line, story

if TYPE_CHECKING:
    from mendgraph.replay.again import Replayed
    from mendgraph.replay.effects import Effect, Effects

MOST_SHOWN = 20
"""Differences and label changes shown; --json has all of them."""


def print_replayed(found: Replayed) -> None:
    console = answers_console()
    rows = _count(found.compared, "row")
    if found.identical:
        console.print(Text.assemble(("identical", "bold green"), f"  {found.then.id}, {rows}"))
    else:
        changed = len({d.row for d in found.differences})
        console.print(Text.assemble(("different", "bold red"), f"  {found.then.id}, {changed:,} of {rows}"))
        lines = [(str(d.row), d.field, d.then, d.now) for d in found.differences[:MOST_SHOWN]]
        console.print(_table(("row", "field", "then", "now"), lines))
        if len(found.differences) > MOST_SHOWN:
            story(f"{len(found.differences) - MOST_SHOWN:,} more differences; --json has them")
    if found.causes:
        console.print(Text("why" if found.differences else "though these differ", style="bold"))
        console.print(_table(("what", "then", "now"), [(c.what, c.then, c.now) for c in found.causes]))
    elif found.differences:
        story("nothing that was recorded explains it: same weights, policy, thresholds, versions and batch")


def print_effects(found: Effects, runs: int) -> None:
    console = answers_console()
    unknown = f", {found.unknown:,} unknown" if found.unknown else ""
    what = (
        f"{_count(len(found.rows), 'row')} of {_count(runs, 'run')}: {len(found.changed):,} changed{unknown}"
    )
    console.print(Text(what, style="bold"))
    console.print(
        _table(
            ("status", "before", "after"),
            [(name.replace("_", " "), f"{b:,}", f"{a:,}") for name, (b, a) in found.statuses.items()],
        )
    )
    console.print(
        _table(
            ("figure", "rows", "before", "after", "change, 95 % interval"), list(map(_effect, found.effects))
        )
    )
    if found.tiers:
        asked = [(name, f"{b:,}", f"{a:,}") for name, (b, a) in found.tiers.items()]
        console.print(_table(("step", "rows before", "rows after"), asked))
    if found.labels:
        moves = [(b, a, f"{n:,}") for (b, a), n in list(found.labels.items())[:MOST_SHOWN]]
        console.print(_table(("answer before", "answer after", "rows"), moves))
    if found.unknown:
        story(
            f"{found.unknown:,} rows would have gone to tiers that were not asked then: figures are ranges, or of the "
            "other rows; --call-models asks them"
        )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _effect(effect: Effect) -> tuple[str, ...]:
    seconds = effect.name.startswith("seconds")
    after = _figure(effect.after_low, seconds)
    if effect.after_high != effect.after_low:
        after += f" to {_figure(effect.after_high, seconds)}"
    change = f"{_figure(effect.low, seconds, signed=True)} to {_figure(effect.high, seconds, signed=True)}"
    return effect.name, f"{effect.rows:,}", _figure(effect.before, seconds), after, change


def _figure(value: float, seconds: bool, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    if value != value:
        return "-"
    return f"{value * 1000:{sign}.2f} ms" if seconds else f"{value:{sign}.3f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Group:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    return Group("", table)
