"""`mend stats`: what a journal says about many runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mendgraph.cli.console import answers_console, print_json, story
from mendgraph.cli.journals import SQLITE, read_journal
from mendgraph.errors import DataError

if TYPE_CHECKING:
    from mendgraph.core.values import Answer


def stats(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A journal, or what mend run --json printed.", show_default=False
        ),
    ],
    plots: Annotated[
        Path | None,
        typer.Option(
            "--plots",
            help="Write the charts as PNG files (needs the extra 'viz').",
            metavar="DIR",
            file_okay=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The figures as one JSON object on stdout.")
    ] = False,
) -> None:
    """Count a journal: statuses, tiers, emotions, confidence, and how much was healed.

    > mend run emotion --input texts.txt --journal answers.jsonl

    > mend stats answers.jsonl --plots charts/
    """
    from mendgraph.runtime.statistics import Statistics

    answers, skipped = read_answers(file)
    statistics = Statistics()
    for answer in answers:
        statistics.count(answer)
    if skipped:
        story(f"note: {skipped} lines hold no answer and were skipped")
    if as_json:
        print_json(statistics.summary())
    else:
        from mendgraph.cli.glyphs import glyphs
        from mendgraph.cli.render import summary

        console = answers_console()
        for line in summary(statistics.summary(), glyphs(console)):
            console.print(line)
    if plots is not None:
        from mendgraph.evaluation.charts import session_charts

        for path in session_charts(answers, plots):
            story(f"written: {path}")


def read_answers(path: Path) -> tuple[list[Answer], int]:
    """The answers of a file of JSON lines, and how many lines hold none, e.g. one cut short by a crash."""
    from mendgraph.core.values import Answer

    if path.suffix.lower() in SQLITE:
        with read_journal(path) as reader:
            return [entry.answer for entry in reader.rows()], 0
    answers: list[Answer] = []
    skipped = 0
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in filter(str.strip, file):
                try:
                    answers.append(Answer.from_dict(json.loads(line)))
                except (ValueError, TypeError, KeyError, AttributeError):
                    skipped += 1
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    if not answers:
        raise DataError(f"{path} holds no answers", hint="write one with mend run ... --journal FILE")
    return answers, skipped
