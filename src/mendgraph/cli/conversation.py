"""`mend run reflection --input CONVERSATION`: a session, turn by turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mendgraph.cli.asked import Asked, turns_in
from mendgraph.cli.console import answers_console, one_line, print_json, story
from mendgraph.cli.opening import open_graph, waiting_for_nobody

if TYPE_CHECKING:
    from rich.table import Table

    from mendgraph.cli.glyphs import Glyphs
    from mendgraph.core.conversation_report import ConversationReport, ScoredTurn
    from mendgraph.core.speakers import Role

COLUMNS = (
    "turn",
    "speaker",
    "role",
    "text",
    "score",
    "level",
    "confidence",
    "status",
    "source",
    "shared",
    "note",
)
"""Columns of CSV and Parquet; `shared` lists the turns that were joined, with spaces between."""


def converse(
    graph: str,
    wanted: Asked,
    *,
    roles: Mapping[str, Role],
    options: Mapping[str, Any],
    config: Path | None,
    overrides: Sequence[str] | None,
    journal: Path | None,
    as_json: bool,
    output: Path | None,
    plot: Path | None,
) -> Counter[str]:
    """Scores a session and shows the report; status -> answers to the client."""
    assert wanted.source is not None
    turns = turns_in(wanted.source, roles)
    with open_graph(graph, config=config, overrides=overrides, journal=journal) as opened:
        score: Any = opened  # only the faces of graphs over pairs can
        ask = waiting_for_nobody(opened, options["ask"])
        report = score.score_conversation(turns, roles=roles, **{**options, "ask": ask})
    show(report, as_json=as_json, output=output, plot=plot)
    return Counter(answer.status for answer in report.answers)


def show(report: ConversationReport, *, as_json: bool, output: Path | None, plot: Path | None) -> None:
    """The report where it was asked for: JSON or a table on stdout, a file of turns, a chart."""
    if output is not None:
        from mendgraph.cli.output import writer

        with writer(output, COLUMNS, _record) as write:
            write(report.turns)
    if as_json:
        print_json(report.to_dict())
    elif output is None:
        _print(report)
    if plot is not None:
        from mendgraph.evaluation.conversation import conversation_chart

        story(f"written: {conversation_chart(report, plot)}")
    story(_summary(report) + (f"; written to {output}" if output else ""))


def _record(turn: ScoredTurn) -> Mapping[str, Any]:
    found = turn.to_dict()
    return {**found, "turn": str(found["turn"]), "shared": " ".join(map(str, found["shared"]))}


def _print(report: ConversationReport) -> None:
    console = answers_console()
    if not console.is_terminal:
        for turn in report.turns:
            typer.echo("\t".join(_fields(turn)))
        return
    from mendgraph.cli.glyphs import glyphs

    console.print(turns_table(report, glyphs(console)))


def _fields(turn: ScoredTurn) -> tuple[str, ...]:
    """Number, speaker, score, level, confidence, the turns that share the score, text, note."""
    sure = turn.answer.confidence if turn.answer else None
    return (
        str(turn.number),
        one_line(turn.speaker),
        "" if turn.score is None else f"{turn.score:.3f}",
        turn.level or "",
        "" if sure is None else f"{sure:.3f}",
        " ".join(map(str, turn.shared)),
        one_line(turn.text),
        one_line(turn.note),
    )


def turns_table(report: ConversationReport, g: Glyphs) -> Table:
    """A line per turn; a score that several share is shown once, with their numbers."""
    from rich.table import Table
    from rich.text import Text

    from mendgraph.cli.glyphs import bar

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("#", justify="right", style="dim")
    table.add_column("speaker", no_wrap=True, max_width=14, overflow="ellipsis")
    table.add_column("text", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("score", no_wrap=True)
    table.add_column("level", no_wrap=True)
    table.add_column("note", overflow="fold", style="dim", max_width=34)
    for turn in report.turns:
        style = "cyan" if turn.role == "counsellor" else ""
        score, level, note = Text(), "", turn.note
        first = not turn.shared or turn.number == turn.shared[0]
        if turn.score is not None and first:
            score = Text.assemble(bar(turn.score, g, style="cyan", width=10), f" {turn.score:.2f}")
            sure = turn.answer is not None and turn.answer.accepted
            level = (turn.level or "") if sure else f"{turn.level}?"
        elif turn.score is not None:
            score = Text(f"as turn {turn.shared[0]}", "dim")
        if turn.shared and first:
            joined = f"turns {', '.join(map(str, turn.shared))} scored as one"
            note = "; ".join(filter(None, (joined, note)))
        elif turn.shared:
            note = ""
        table.add_row(
            str(turn.number),
            Text(one_line(turn.speaker), style),
            Text(one_line(turn.text[:400])),
            score,
            Text(level, "bold"),
            Text(one_line(note)),
        )
    return table


def _summary(report: ConversationReport) -> str:
    found = report.summary()
    parts = [f"{found['turns']:,} turns", f"{found['exchanges']:,} answers to the client"]
    if found["scored"]:
        parts.append(f"mean score {found['mean_score']:.2f}")
        parts += [f"{count:,} {level}" for level, count in found["levels"].items() if count]
    if found["complex_share"] is not None:
        parts.append(f"{found['complex_share']:.0%} of the reflections complex")
    if found["failed"]:
        parts.append(f"{found['failed']:,} failed")
    return ", ".join(parts)
