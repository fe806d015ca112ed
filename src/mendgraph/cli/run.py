"""`mend run`: texts in, answers out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mendgraph.cli.background import interruptible
from mendgraph.cli.console import answers_console, one_line, print_json, story, story_console
from mendgraph.cli.opening import open_graph
from mendgraph.cli.options import ConfigFile, Down, GraphName, JournalFile, Overrides, Threshold
from mendgraph.errors import DataError

if TYPE_CHECKING:
    from mendgraph.app import MendGraph
    from mendgraph.cli.meter import Meter
    from mendgraph.core.values import Answer

ALL_FAILED = 3
STDIN = Path("-")


class AskChoice(StrEnum):
    """What a command can do with a row that nothing settled."""

    never = "never"
    back = "return"


def run(
    graph: GraphName,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXT]...",
            help="Texts, one row each; - reads standard input, a row per line.",
            show_default=False,
        ),
    ] = None,
    input_file: Annotated[
        Path | None,
        typer.Option(
            "--input",
            "-i",
            help="Rows from a .txt (one per line), .csv, .tsv, .jsonl or .parquet file; - reads standard input.",
            metavar="FILE",
        ),
    ] = None,
    column: Annotated[
        str, typer.Option("--column", help="The column of the file that holds the text.", metavar="NAME")
    ] = "text",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write the answers to a .csv, .jsonl or .parquet file.",
            metavar="FILE",
            dir_okay=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One answer per line as JSON on stdout, and nothing else.")
    ] = False,
    threshold: Threshold = None,
    ask: Annotated[
        AskChoice | None,
        typer.Option(
            "--ask", help="Rows nothing was sure of: 'return' gives the plausible labels, 'never' abstains."
        ),
    ] = None,
    down: Down = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    journal: JournalFile = None,
) -> None:
    """Answer texts, each with the reason for its answer.

    One text shows its answer on stdout and the steps that led there on stderr. Many rows become a table, or
    tab-separated lines where stdout is no terminal. A row that cannot be read fails with a reason; the others
    are answered all the same.

    Exit codes: 0 the run worked, even where rows abstained; 3 every row failed; 1 an error; 2 wrong usage.

    > mend run emotion "Oh great, another Monday. Just perfect."

    > mend run emotion --input reviews.csv --column body --output answers.jsonl
    """
    from mendgraph.cli.rows import chunks, read_rows

    source = _source(texts, input_file)
    if source is not None and output is not None and _same(source, output):
        raise DataError(f"--output is the input file {str(output)!r}", hint="give another name")
    rows = iter(texts or ()) if source is None else read_rows(source, column)
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        opened = open_graph(graph, config=config, overrides=overrides, journal=journal)
        stack.callback(opened.close)
        write = stack.enter_context(_writing(output))
        meter = stack.enter_context(_metered(source, column))
        options = {"ask": _chosen(opened, ask), "threshold": threshold, "down": tuple(down or ())}
        if output is not None:
            stack.push(_telling_what_is_written(counts, output))
        for chunk in chunks(rows):
            answers = answered(opened, chunk, meter.advance, options)
            write(answers)
            if as_json or output is None:
                with meter.hidden():
                    _print(answers, as_json=as_json, first=counts.total() + 1, several=source is not None)
            counts.update(a.status for a in answers)
    if source is not None or output is not None:
        _summary(counts, output)
    if counts and set(counts) == {"failed"}:
        raise typer.Exit(ALL_FAILED)


def answered(
    graph: MendGraph, rows: list[object], advance: Callable[[int], None], options: dict[str, Any]
) -> list[Answer]:
    """The answers of one chunk; `advance` hears of rows as checks settle them, not only at the end."""
    from mendgraph.core.values import Answer

    answers: dict[int, Answer] = {}
    settled: set[int] = set()
    told = 0
    for event in interruptible(graph.stream(rows, **options)):
        if event["event"] == "answer":
            answers[event["row"]] = Answer.from_dict(event["answer"])
            settled.add(event["row"])
        elif event["event"] == "verdict" and event["attempt"]["verdict"] == "accept":
            settled.add(event["row"])
        if len(settled) - told >= 16 or len(answers) == len(rows):
            advance(len(settled) - told)
            told = len(settled)
    return [answers[row] for row in range(len(rows))]


def _source(texts: Sequence[str] | None, input_file: Path | None) -> Path | None:
    """The file to read, or None where the texts were given."""
    if texts and input_file is not None:
        raise typer.BadParameter("give texts or --input, not both")
    if list(texts or ()) == ["-"]:
        return STDIN
    if not texts and input_file is None:
        raise typer.BadParameter("nothing to answer: give a text, --input FILE, or - for standard input")
    return input_file


def _same(source: Path, output: Path) -> bool:
    return source.exists() and output.exists() and source.samefile(output)


def _chosen(graph: MendGraph, ask: AskChoice | None) -> str | None:
    """A command cannot wait for the user: a configured ``interrupt`` becomes ``return``."""
    if ask is not None:
        return ask.value
    return "return" if graph.context.ask == "interrupt" else None


@contextmanager
def _writing(output: Path | None) -> Iterator[Callable[[Sequence[Answer]], None]]:
    if output is None:
        yield lambda answers: None
        return
    from mendgraph.cli.output import writer

    with writer(output) as write:
        yield write


@contextmanager
def _metered(source: Path | None, column: str) -> Iterator[Meter]:
    from mendgraph.cli.meter import Meter, meter
    from mendgraph.cli.rows import count_rows

    if source is None or not story_console().is_terminal:
        yield Meter()
        return
    with meter(count_rows(source, column)) as shown:
        yield shown


def _telling_what_is_written(counts: Counter[str], output: Path) -> Callable[..., None]:
    """For an exit stack: a run that is interrupted says what it leaves behind."""

    def leave(kind: type[BaseException] | None, *others: object) -> None:
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            _summary(counts, output)

    return leave


def _print(answers: Sequence[Answer], *, as_json: bool, first: int, several: bool) -> None:
    if as_json:
        for answer in answers:
            print_json(answer.to_dict())
    elif len(answers) == 1 and not several:
        _print_one(answers[0])
    elif answers_console().is_terminal:
        from mendgraph.cli.glyphs import glyphs
        from mendgraph.cli.render import answers_table

        console = answers_console()
        console.print(answers_table(answers, glyphs(console), first=first))
    else:
        for answer in answers:
            typer.echo("\t".join(_fields(answer)))


def _print_one(answer: Answer) -> None:
    from mendgraph.cli.glyphs import glyphs
    from mendgraph.cli.render import headline, trail

    console, steps = answers_console(), story_console()
    console.print(headline(answer, glyphs(console)), soft_wrap=True)
    console.file.flush()
    for line in trail(answer, glyphs(steps)):
        steps.print(line)


def _fields(answer: Answer) -> tuple[str, ...]:
    """Status, label (best guess unless accepted), confidence, tier and text."""
    sure = "" if answer.confidence is None else f"{answer.confidence:.3f}"
    said = one_line(answer.error.message) if answer.error else answer.best_guess or ""
    return (answer.status, said, sure, answer.source, one_line(answer.input))


def _summary(counts: Counter[str], output: Path | None) -> None:
    parts = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in counts.most_common())
    where = f"; written to {output}" if output else ""
    story(f"{counts.total():,} rows: {parts}{where}" if counts else f"no rows{where}")
