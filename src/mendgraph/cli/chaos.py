"""`mend chaos`: a graph under load while its tiers break."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mendgraph.cli.console import answers_console, print_json, story, waiting
from mendgraph.cli.opening import fields_of, late
from mendgraph.cli.options import ConfigFile, GraphName, Overrides

if TYPE_CHECKING:
    from mendgraph.chaos.report import ChaosReport
    from mendgraph.chaos.storm import Moment

BROKEN = 1
ROWS_READ = 100_000


class Where(StrEnum):
    """Where tiers may run."""

    inline = "inline"
    thread = "thread"
    process = "process"


def chaos(
    graph: GraphName,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", help="A YAML or JSON file with the faults.", metavar="FILE"),
    ] = None,
    at_random: Annotated[
        bool, typer.Option("--random", help="Every kind of fault, drawn by --seed; each one ends.")
    ] = False,
    minutes: Annotated[float, typer.Option("--minutes", help="How long.", min=0.01, metavar="N")] = 1.0,
    isolation: Annotated[
        Where | None,
        typer.Option("--isolation", help="Where all tiers run, instead of what the configuration says."),
    ] = None,
    input_file: Annotated[
        Path | None,
        typer.Option(
            "--input",
            "-i",
            help="Rows to draw from, as for `mend run`; built-in texts by default.",
            metavar="FILE",
        ),
    ] = None,
    column: Annotated[
        str, typer.Option("--column", help="The column of the file that holds the text.", metavar="NAME")
    ] = "text",
    threads: Annotated[
        int, typer.Option("--threads", help="Requests under way at once.", min=1, max=64, metavar="K")
    ] = 4,
    rate: Annotated[
        float | None,
        typer.Option("--rate", help="Rows a second; as many as it can answer by default.", min=0.1),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")] = 0,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Write the whole report to FILE; - for stdout.", metavar="FILE"),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option("--plots", help="Write latency.png and memory.png to this folder.", metavar="DIR"),
    ] = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
) -> None:
    """Break a graph's tiers while it answers real texts, and count what became of every row.

    Small requests are sent from several threads while faults strike: crashes, hangs, killed workers, bad scores,
    damaged weights (in a copy that is thrown away). Breakers cool down faster than by default, so that a short run
    shows them close again; --set overrides that.

    A plan is a list of faults:

        seed: 7
        faults:
          - {tier: primary, kind: crash, at_call: 3}
          - {tier: primary, kind: hang, seconds: 10, from_call: 20, until_call: 22}
          - {kind: nan, share: 0.05}

    Exit codes: 0 every row was answered once and nothing leaked; 1 not so, or an error; 2 wrong usage.

    > mend chaos emotion --random --minutes 2 --isolation process

    > mend chaos emotion --plan faults.yaml --minutes 0.5 --json report.json --plots plots
    """
    if (plan is None) == (not at_random):
        raise typer.BadParameter("give --plan FILE or --random")
    run_chaos = late("mendgraph.chaos.run", "run_chaos", extra="viz")
    given: dict[str, Any] = {}
    if plan is not None:
        given["plan"] = late("mendgraph.testing", "FaultPlan", extra="viz").from_file(plan)
    if input_file is not None:
        given["texts"] = _texts(graph, input_file, column)
    with waiting("opening models") as tell, _stoppable() as stop:
        report: ChaosReport = run_chaos(
            graph,
            seconds=minutes * 60.0,
            isolation=isolation.value if isolation else None,
            threads=threads,
            rate=rate,
            seed=seed,
            config=config,
            overrides=tuple(overrides or ()),
            tell=lambda moment: tell(progress(moment)),
            stop=stop,
            **given,
        )
    if json_file == Path("-"):
        print_json(report.to_dict())
    else:
        _print(report)
        if json_file is not None:
            _write(json_file, report)
    if plots is not None:
        for path in late("mendgraph.chaos.charts", "chaos_charts", extra="viz")(report, plots):
            story(f"written to {path}")
    if report.problems:
        raise typer.Exit(BROKEN)


def progress(moment: Moment) -> str:
    """One line: time, rows, faults, and the tiers that are not well."""
    tally = moment.tally
    ill = (
        ", ".join(f"{tier} {state}" for tier, state in moment.tiers.items() if state != "up")
        or "all tiers up"
    )
    return (
        f"{moment.seconds:,.0f} s  {tally.sent:,} rows, {tally.lost} lost, {tally.duplicated} twice  "
        f"{tally.strikes:,} calls struck  {ill}"
    )


def _texts(graph: str, path: Path, column: str) -> list[str]:
    from itertools import islice

    from mendgraph.cli.replay import as_shown
    from mendgraph.cli.rows import read_rows

    if len(fields_of(graph)) > 1:
        return as_shown(graph, path, column)[:ROWS_READ]
    return [row for row in islice(read_rows(path, column), ROWS_READ) if isinstance(row, str) and row.strip()]


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """The first Ctrl-C ends the storm and the report is still made; the second one stops at once."""
    stop = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def end(number: int, frame: Any) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    signal.signal(signal.SIGINT, end)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _write(path: Path, report: ChaosReport) -> None:
    import json

    from mendgraph.errors import DataError

    try:
        path.write_text(json.dumps(report.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from error
    story(f"written to {path}")


def _print(report: ChaosReport) -> None:
    from rich.table import Table
    from rich.text import Text

    facts = report.facts
    rows, faults, resources = facts["rows"], facts["faults"], facts["resources"]
    console = answers_console()

    def section(title: str, lines: Sequence[tuple[str, str]]) -> None:
        console.print(Text(title, "bold"))
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(min_width=18)
        table.add_column(overflow="fold")
        for name, words in lines:
            table.add_row(f"  {name}", Text(words))
        console.print(table)

    failed = f"; {rows['all_tiers_failed']:,} failed in every tier" if rows["all_tiers_failed"] else ""
    unread = f"; {rows['unreadable']:,} could not be read" if rows["unreadable"] else ""
    section(
        "rows",
        [
            ("sent", f"{rows['sent']:,}"),
            ("answered", f"{rows['answered']:,} ({counted(rows['by_status'])}){failed}{unread}"),
            ("lost", f"{rows['lost']:,}"),
            ("answered twice", f"{rows['duplicated']:,}"),
            ("settled by", counted(rows["by_source"])),
            ("healed", f"{rows['healed']:,} ({counted(rows['healed_by'])})"),
        ],
    )
    section(
        "faults",
        [
            ("calls struck", f"{faults['struck']:,} ({counted(faults['by_kind'])})"),
            ("breakers opened", counted(facts["breaker_openings"])),
            ("workers restarted", counted({k: n for k, n in facts["worker_restarts"].items() if n})),
        ],
    )
    latency = facts["latency_ms"]
    section(
        "latency of a request",
        [(name.replace("_", " "), quantiles(latency[name])) for name in ("calm", "under_faults")],
    )
    if resources["measured"]:
        section("resources", held(resources))
    console.print(
        Text("every row answered once, nothing leaked", "bold green")
        if not report.problems
        else Text("; ".join(report.problems), "bold red")
    )


def counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none"


def quantiles(found: Mapping[str, Any]) -> str:
    if not found["requests"]:
        return "no requests"
    return f"p50 {found['p50']:,} ms, p95 {found['p95']:,} ms, p99 {found['p99']:,} ms over {found['requests']:,}"


def held(resources: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the process held at the start and at the end."""
    start, end, memory = resources["start"], resources["end"], resources["memory"]
    lines = [
        (name, f"{start[key]:,} at the start, {end[key]:,} at the end")
        for name, key in (
            ("open files", "files"),
            ("child processes", "processes"),
            ("shared memory", "shared"),
        )
    ]
    size = "{:,.0f} MB, then {:,.0f} MB; {}"
    slope = memory["parent_mb_per_min"]
    trend = (
        f"{slope:+.2f} MB a minute over {memory['over_s']:,.0f} s"
        if memory["judged"]
        else "too short for a trend"
    )
    lines.append(("memory, parent", size.format(start["parent_mb"], end["parent_mb"], trend)))
    if end["processes"]:
        steepest = memory["workers_mb_per_min"]
        trend = (
            f"at most {steepest:+.2f} MB a minute in the {memory['workers_judged']} that lived for some minutes"
            if memory["workers_judged"]
            else "none lived long enough for a trend"
        )
        lines.append(("memory, workers", size.format(start["workers_mb"], end["workers_mb"], trend)))
    return lines
