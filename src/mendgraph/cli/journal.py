"""`mend journal`: what was recorded, found again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from mendgraph.cli.console import answers_console, one_line, print_json, story, story_console, waiting
from mendgraph.cli.glyphs import glyphs, percent
from mendgraph.cli.journals import read_journal, recorded_path
from mendgraph.cli.moments import Since, moment_of, seconds_of, shown
from mendgraph.cli.options import Recorded
from mendgraph.cli.render import headline, text_of, why_table
from mendgraph.cli.sides import found_told
from mendgraph.errors import JournalError

if TYPE_CHECKING:
    from mendgraph.core.record import RunRecord
    from mendgraph.runtime.journal_reader import Entry, Wanted

app = typer.Typer(
    help="Look into a journal: list runs, show one, find rows, export, prune, check, salvage.",
    epilog="A journal is written by mend run or mend chat with --journal FILE.sqlite.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout, and nothing else.")]
Limit = Annotated[int, typer.Option("--limit", "-n", help="At most so many, the newest.", min=1, metavar="N")]
GraphOnly = Annotated[str | None, typer.Option("--graph", help="Only runs of this graph.", metavar="GRAPH")]
StatusOnly = Annotated[
    str | None,
    typer.Option("--status", help="accepted, abstained, needs_clarification or failed.", metavar="STATUS"),
]
Tier = Annotated[str | None, typer.Option("--tier", help="Rows this tier was asked about.", metavar="TIER")]
By = Annotated[str | None, typer.Option("--by", help="Rows this tier settled.", metavar="TIER")]
Label = Annotated[str | None, typer.Option("--label", help="The best guess.", metavar="LABEL")]
Failed = Annotated[
    str | None,
    typer.Option("--failure", help="A kind of failure on the way, e.g. deadline.", metavar="KIND"),
]
Contains = Annotated[
    str | None, typer.Option("--contains", help="Part of the text, in any case of letters.", metavar="TEXT")
]


@app.command("list")
def list_runs(
    journal: Recorded = None,
    graph: GraphOnly = None,
    since: Since = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest last.

    > mend journal list --since 12h --journal answers.sqlite
    """
    with read_journal(journal) as reader:
        runs = list(reader.runs(graph=graph, since=moment_of(since) if since else None))
    for run in runs[-limit:]:
        if as_json:
            print_json(_facts(run))
        else:
            typer.echo(
                "\t".join((run.id, shown(run.at), run.graph, f"{run.rows} rows", _options(run))).rstrip()
            )
    if len(runs) > limit and not as_json:
        story(f"{len(runs) - limit:,} older runs; --limit shows more")
    if not runs:
        story("no runs")


@app.command("show")
def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, its beginning, or last.")],
    journal: Recorded = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: what it was made with, and every row with its whole trail.

    > mend journal show last
    """
    with read_journal(journal) as reader:
        record = reader.find(run)
        entries = list(reader.answers(record.id).values())
    if as_json:
        print_json({**_facts(record), "answers": [entry.to_dict() for entry in entries]})
        return
    console, steps = answers_console(), story_console()
    for name, value in (
        ("run", f"{record.id}, {shown(record.at)}"),
        ("graph", f"{record.graph}, configuration {record.config_hash[:12] or 'not recorded'}"),
        ("rows", f"{len(entries)} of {record.rows}"),
        ("options", _options(record)),
        ("versions", ", ".join(f"{name} {version}" for name, version in record.versions.items())),
        ("weights", ", ".join(f"{name} {weights[:8]}" for name, weights in record.fingerprints.items())),
    ):
        steps.print(f"{name:<9} {one_line(value)}", style="dim", soft_wrap=True)
    for entry in entries:
        console.print(f"{entry.row}  {one_line(_text(entry))}", style="bold", soft_wrap=True)
        console.print(headline(entry.answer, glyphs(console)), soft_wrap=True)
        for found in found_told(entry.answer, glyphs(console)):
            console.print(found)
        if entry.answer.trail:
            console.print(why_table(entry.answer))


@app.command("query")
def query(
    journal: Recorded = None,
    graph: GraphOnly = None,
    status: StatusOnly = None,
    tier: Tier = None,
    by: By = None,
    label: Label = None,
    failure: Failed = None,
    since: Since = None,
    contains: Contains = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Find rows, the newest first: run, row, status, label, confidence, tier and text, separated by tabs.

    > mend journal query --status accepted --tier lexical --since 7d --contains "great"
    """
    wanted = _wanted(graph, status, tier, by, label, failure, since, contains)
    found = 0
    with read_journal(journal) as reader:
        for entry in reader.rows(wanted, limit=limit, newest=True):
            found += 1
            if as_json:
                print_json(entry.to_dict())
                continue
            answer = entry.answer
            said = answer.error.kind if answer.error else answer.best_guess or ""
            sure = percent(answer.confidence).strip()
            typer.echo(
                "\t".join(
                    (
                        entry.run,
                        str(entry.row),
                        answer.status,
                        said,
                        sure,
                        answer.source,
                        one_line(_text(entry)),
                    )
                )
            )
    story(f"{found:,} rows" + (f"; --limit {limit} was reached" if found == limit else ""))


@app.command("export")
def export(
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="A .parquet, .jsonl or .csv file.", metavar="FILE", dir_okay=False
        ),
    ],
    journal: Recorded = None,
    graph: GraphOnly = None,
    status: StatusOnly = None,
    since: Since = None,
) -> None:
    """Write rows to a file for other tools, oldest first; .jsonl holds whole answers.

    > mend journal export --output last_month.parquet --since 30d
    """
    from mendgraph.cli.journal_export import export_rows

    wanted = _wanted(graph, status, None, None, None, None, since, None)
    with read_journal(journal) as reader, waiting("exporting") as tell:

        def told(entries: Iterator[Entry]) -> Iterator[Entry]:
            for number, entry in enumerate(entries, start=1):
                if number % 1000 == 0:
                    tell(f"exporting: {number:,} rows")
                yield entry

        written = export_rows(told(reader.rows(wanted)), output)
    story(f"{written:,} rows written to {output}")


@app.command("prune")
def prune(
    older_than: Annotated[
        str, typer.Option("--older-than", help="Age from which runs are deleted, e.g. 30d.", metavar="AGE")
    ],
    journal: Recorded = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
) -> None:
    """Delete old runs. What they held is overwritten in the file, and the space given back.

    > mend journal prune --older-than 30d
    """
    from mendgraph.runtime.journal_care import prune

    before = time.time() - seconds_of(older_than)
    path = recorded_path(journal)
    with read_journal(path) as reader:
        count = sum(1 for _ in reader.runs(until=before))
    if (
        count
        and not yes
        and not typer.confirm(f"Delete {count:,} runs older than {shown(before)}?", err=True)
    ):
        story("nothing deleted")
        return
    with waiting("pruning"):
        deleted = prune(path, before) if count else 0
    story(f"{deleted:,} runs deleted")


@app.command("check")
def check(journal: Recorded = None, as_json: AsJson = False) -> None:
    """Read the whole file and say whether it is sound; exit code 1 if not.

    > mend journal check
    """
    from mendgraph.runtime.journal_care import check

    path = recorded_path(journal)
    with waiting("reading"):
        found = check(path)
    if as_json:
        print_json({name: getattr(found, name) for name in found.__slots__})
    else:
        size = f"{found.bytes / 1e6:.1f} MB"
        typer.echo(f"{path}: {found.runs:,} runs, {found.rows:,} rows, {size}, texts {found.text}")
    if found.problems:
        raise JournalError(
            f"journal {path} is damaged: {found.problems[0]}",
            hint=f"mend journal salvage NEW.sqlite --journal {path} copies what can still be read",
        )
    if not as_json:
        story("sound")


@app.command("salvage")
def salvage(
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The new journal.", dir_okay=False)],
    journal: Recorded = None,
) -> None:
    """Copy every run that can still be read from a damaged journal to a new one.

    > mend journal salvage rescued.sqlite --journal damaged.sqlite
    """
    from mendgraph.runtime.journal_care import salvage

    with waiting("copying"):
        done = salvage(recorded_path(journal), new)
    lost = f"; {done.lost_runs:,} runs could not be read" if done.lost_runs else ""
    story(f"{done.runs:,} runs with {done.rows:,} rows copied to {new}{lost}")


def _wanted(
    graph: str | None,
    status: str | None,
    tier: str | None,
    by: str | None,
    label: str | None,
    failure: str | None,
    since: str | None,
    contains: str | None,
) -> Wanted:
    from mendgraph.core.values import Status
    from mendgraph.runtime.journal_reader import Wanted

    if status is not None and status not in get_args(Status):
        raise typer.BadParameter(f"--status {status!r}: expected one of {', '.join(get_args(Status))}")
    return Wanted(
        graph=graph,
        status=status,  # type: ignore[arg-type]  # checked above
        tier=tier,
        source=by,
        label=label,
        failure=failure,
        since=moment_of(since) if since else None,
        contains=contains,
    )


def _facts(run: RunRecord) -> dict[str, object]:
    return {name: getattr(run, name) for name in run.__slots__}


def _options(run: RunRecord) -> str:
    """What differs from saying nothing."""
    return ", ".join(f"{name} {value}" for name, value in run.options.items() if value not in (None, [], {}))


def _text(entry: Entry) -> str:
    return text_of(entry.answer) or (f"#{entry.key[:12]}" if entry.key else "(no text)")
