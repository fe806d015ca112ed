"""`mend jobs`: what durable jobs there are, how far they are, and the end of them."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from mendgraph.cli.console import answers_console, fail, one_line, print_json, story
from mendgraph.errors import JobError

if TYPE_CHECKING:
    from mendgraph.runtime.jobs.progress import Progress

app = typer.Typer(
    help="List, show and remove durable jobs, begun by mend run ... --job NAME.", no_args_is_help=True
)


def _names() -> list[str]:
    from mendgraph.cli.job import job_folder

    return job_folder().names()


Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the job.", autocompletion=_names, show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="One job per line as JSON on stdout.")]


@app.command("list")
def list_jobs(as_json: AsJson = False) -> None:
    """List every job: its state, how far it is, how fast, and where its output goes.

    > mend jobs list
    """
    from mendgraph.cli.job import job_folder

    folder = job_folder()
    found: list[Progress] = []
    for name in folder.names():
        try:
            if (progress := folder.look(name)) is not None:
                found.append(progress)
        except JobError as error:
            fail(error)
    if as_json:
        for one in found:
            print_json(one.to_dict())
    elif found:
        _table(found)
    else:
        story("no jobs yet; mend run GRAPH --input FILE --output FILE --job NAME begins one")


@app.command("show")
def show(name: Name, as_json: AsJson = False) -> None:
    """Show one job in full: progress, statuses, times, and everything its answers depend on.

    > mend jobs show reviews
    """
    from mendgraph.cli.job import job_folder

    progress = job_folder().look(name)
    if progress is None:
        raise JobError(f"job {name!r} never came to begin", hint="start its command again")
    if as_json:
        print_json(progress.to_dict())
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for what, value in _lines(progress):
        table.add_row(what, Text(one_line(value)))
    answers_console().print(table)


@app.command("remove")
def remove(name: Name) -> None:
    """Forget a job and the answers in it; the output file stays where it is.

    > mend jobs remove reviews
    """
    from mendgraph.cli.job import job_folder

    folder = job_folder()
    progress = None
    with suppress(JobError):  # a file that cannot be read can be removed all the same
        progress = folder.look(name)
    folder.remove(name)
    lost = "" if progress is None or progress.finished else f", with the answers of {progress.done:,} rows"
    story(f"removed job {name}{lost}")


def _table(found: list[Progress]) -> None:
    from rich.table import Table
    from rich.text import Text

    colours = {"running": "cyan", "finished": "green", "stopped": "yellow"}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("job", "graph", "state"):
        table.add_column(column, no_wrap=True)
    for column in ("rows", "rows/s"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("latest", no_wrap=True)
    table.add_column("output", style="dim", overflow="fold")
    for one in found:
        table.add_row(
            one.name,
            one.graph,
            Text(one.state, colours[one.state]),
            f"{one.done:,} of {one.rows:,}",
            "" if one.rate is None else f"{one.rate:,.0f}",
            _when(one.finished or one.updated or one.created),
            one_line(one.output) + ("" if one.written or not one.finished else " (missing)"),
        )
    answers_console().print(table)


def _lines(one: Progress) -> list[tuple[str, str]]:
    share = f" ({one.done / one.rows:.0%})" if one.rows else ""
    lines = [
        ("job", one.name),
        ("state", _state(one)),
        ("graph", one.graph),
        ("input", one.input),
        ("output", one.output + ("" if one.written else " (not there)" if one.finished else " (when done)")),
        ("rows", f"{one.done:,} of {one.rows:,}{share}, in chunks of {one.chunk:,}"),
        ("answers", ", ".join(f"{n:,} {s.replace('_', ' ')}" for s, n in one.statuses.items()) or "none yet"),
        ("rate", "" if one.rate is None else f"{one.rate:,.0f} rows/s"),
        ("begun", _when(one.created)),
        ("latest answers", "" if one.updated is None else _when(one.updated)),
        ("finished", "" if one.finished is None else _when(one.finished)),
        ("processes", f"{one.sessions:,} so far, the latest {one.pid} since {_when(one.since)}"),
    ]
    for part, values in one.terms.items():
        lines += [(part if place == 0 else "", f"{n} = {v}") for place, (n, v) in enumerate(values.items())]
    return [(what, value) for what, value in lines if value]


def _state(one: Progress) -> str:
    if one.state == "stopped":
        return "stopped; the same command goes on from there"
    return one.state


def _when(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M:%S}"
