"""`mend replay`: a recorded run again, or as it would have gone under other settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mendgraph.cli.console import print_json, story, story_console, waiting
from mendgraph.cli.journals import read_journal
from mendgraph.cli.moments import Since, moment_of
from mendgraph.cli.options import Recorded
from mendgraph.errors import DataError, InputError, JournalError

if TYPE_CHECKING:
    from mendgraph.core.record import RunRecord
    from mendgraph.replay.records import RecordedRun
    from mendgraph.runtime.journal_reader import JournalReader

DIFFERENT = 1
WHAT_IF = "What if"


def replay(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN]...", help="Ids of runs, their beginnings, or last.", show_default=False
        ),
    ] = None,
    journal: Recorded = None,
    input_file: Annotated[
        Path | None,
        typer.Option(
            "--input",
            "-i",
            help="The texts of the run, where the journal does not hold them.",
            metavar="FILE",
        ),
    ] = None,
    column: Annotated[
        str, typer.Option("--column", help="The column of the files that holds the text.", metavar="NAME")
    ] = "text",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="What if this had been set: emotion.threshold=0.8, emotion.thresholds.primary=0.7, emotion.ask=never,"
            " emotion.tiers.lexical=null, or any other setting. Repeatable.",
            metavar="KEY=VALUE",
            rich_help_panel=WHAT_IF,
        ),
    ] = None,
    down: Annotated[
        list[str] | None,
        typer.Option(
            "--down",
            help="What if this tier had been dead. Repeatable.",
            metavar="TIER",
            rich_help_panel=WHAT_IF,
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Over all runs.", rich_help_panel=WHAT_IF)] = False,
    since: Since = None,
    call_models: Annotated[
        bool,
        typer.Option(
            "--call-models", help="Really ask tiers that were not asked then.", rich_help_panel=WHAT_IF
        ),
    ] = False,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth",
            help="Right labels for texts, a file with a column 'label'; corrections are used anyway.",
            metavar="FILE",
            rich_help_panel=WHAT_IF,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write the rows that change to a .jsonl file.",
            metavar="FILE",
            dir_okay=False,
            rich_help_panel=WHAT_IF,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on stdout, and nothing else.")
    ] = False,
) -> None:
    """Run it again: same inputs, settings and batch. Prints identical, or what differs and why.

    With --set or --down, say what would have happened. No model is called: tiers repeat what is on record. Rows that
    would have gone to a tier nobody asked are unknown, and every figure is then a range; --call-models asks.

    Exit codes: 0 identical, or the what-if was computed; 1 something differs, or an error; 2 wrong usage.

    > mend replay last

    > mend replay --all --since 7d --set emotion.threshold=0.8 --down primary
    """
    names = list(runs or ())
    if bool(names) == (every or since is not None):
        raise typer.BadParameter("name one or more runs, or give --all or --since")
    supposing = bool(settings or down)
    if not supposing and (call_models or truth or output or not names):
        raise typer.BadParameter("that needs a what-if: give --set KEY=VALUE or --down TIER")
    if supposing and input_file is not None:
        raise typer.BadParameter("a what-if needs no texts: --input is for running again")
    with read_journal(journal) as reader:
        if not supposing:
            same = [_again(reader, name, input_file, column, as_json=as_json) for name in names]
            if not all(same):
                raise typer.Exit(DIFFERENT)
            return
        chosen = [reader.find(name) for name in names] or list(
            reader.runs(since=moment_of(since) if since else None)
        )
        _suppose(reader, chosen, settings or [], down or [], call_models, truth, column, output, as_json)


def _again(reader: JournalReader, name: str, input_file: Path | None, column: str, *, as_json: bool) -> bool:
    from mendgraph.cli.replay_report import print_replayed
    from mendgraph.replay.again import open_again, replay
    from mendgraph.replay.records import read_run

    recorded = read_run(reader, reader.find(name))
    texts = _texts(reader, recorded, input_file, column)
    with waiting("opening models") as tell:
        graph = open_again(recorded.run)
        tell("running it again")
        with graph:
            found = replay(recorded, graph, texts=texts)
    if as_json:
        print_json(
            {
                "run": found.then.id,
                "identical": found.identical,
                "rows": found.compared,
                "differences": [_plain(d) for d in found.differences],
                "causes": [_plain(c) for c in found.causes],
            }
        )
    else:
        print_replayed(found)
    return found.identical


def _texts(
    reader: JournalReader, recorded: RecordedRun, input_file: Path | None, column: str
) -> list[str] | None:
    """Raises JournalError where a given text is not the one on record."""
    if input_file is None:
        return None
    texts = as_shown(recorded.run.graph, input_file, column)
    for row, entry in recorded.entries.items():
        known = entry.key and entry.answer.error is None
        if known and row < len(texts) and reader.key(texts[row]) != entry.key:
            raise JournalError(
                f"row {row} of {input_file} is not the text of run {recorded.run.id}",
                hint="give the run's inputs, all of them, in their order",
            )
    return texts


def as_shown(graph: str, path: Path, column: str) -> list[str]:
    """The rows of a file as their answers show them; those that cannot be read are on record as failures anyway."""
    from mendgraph.assembly import BUILDS
    from mendgraph.cli.rows import read_rows

    system = BUILDS.get(graph)
    paired = system is not None and len(system.fields) > 1

    def shown(row: object) -> str:
        if isinstance(row, str) or system is None or not paired:
            return row if isinstance(row, str) else repr(row)
        try:
            return system.prepare(row).raw
        except InputError:
            return repr(row)

    return [shown(row) for row in read_rows(path, system.fields if system and paired else column)]


def _suppose(
    reader: JournalReader,
    chosen: list[RunRecord],
    settings: list[str],
    down: list[str],
    call_models: bool,
    truth: Path | None,
    column: str,
    output: Path | None,
    as_json: bool,
) -> None:
    from mendgraph.cli.replay_report import print_effects
    from mendgraph.replay.change import Change
    from mendgraph.replay.counterfactual import rerun
    from mendgraph.replay.effects import effects_of
    from mendgraph.replay.records import read_run

    graphs = {run.graph for run in chosen}
    if len(graphs) != 1:
        raise DataError(
            "no recorded runs fit" if not graphs else f"runs of several graphs: {', '.join(sorted(graphs))}",
            hint="`mend journal list` shows them; name runs of one graph",
        )
    change = Change.parse(graphs.pop(), settings, down)
    with waiting("replaying") as tell:

        def read() -> Iterator[RecordedRun]:
            for number, run in enumerate(chosen, start=1):
                if number % 50 == 0:
                    tell(f"replaying: {number:,} of {len(chosen):,} runs")
                yield read_run(reader, run)

        known = _truth(reader, chosen[0].graph, truth, column)
        found = effects_of(rerun(read(), change, call_models=call_models), known)
    if output is not None:
        _write(found.changed, output)
    if as_json:
        print_json({"runs": len(chosen), **found.to_dict()})
    else:
        print_effects(found, len(chosen))
    if output is not None:
        story(f"{len(found.changed):,} rows that change written to {output}")


def _truth(reader: JournalReader, graph: str, path: Path | None, column: str) -> dict[str, str]:
    """`Entry.key` -> label, from corrections and the file; the file wins."""
    from mendgraph.assembly import BUILDS
    from mendgraph.cli.rows import read_rows
    from mendgraph.config import load_config
    from mendgraph.home import home
    from mendgraph.runtime.corrections import CorrectionStore

    known: dict[str, Any] = {}
    corrections = home() / "corrections.sqlite"
    if graph in BUILDS and corrections.is_file():
        labels = BUILDS[graph].under(load_config().graph(graph)).labels
        store = CorrectionStore(corrections, labels, graph=graph)
        known = {reader.key(c.text): c.label for c in store.all()}
    if path is not None:
        rows = zip(as_shown(graph, path, column), read_rows(path, "label"), strict=True)
        known |= {reader.key(text): label for text, label in rows if isinstance(label, str)}
    known.pop("", None)  # what every text is known by where the journal keeps none
    if path is not None and not known:
        story_console().print(f"note: the journal keeps its texts {reader.text}, so no truth can be matched")
    return known


def _write(rows: Any, path: Path) -> None:
    from mendgraph.runtime.journal import json_line

    if path.suffix.lower() != ".jsonl":
        raise DataError(f"cannot write {str(path)!r}: unknown kind", hint="known: .jsonl")
    try:
        with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(json_line(row.to_dict()) for row in rows)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


def _plain(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}
