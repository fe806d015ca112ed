"""`mend run ... --job NAME`: many rows, each answered once, whatever stops the command in between."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mendgraph.cli.answering import answered
from mendgraph.cli.console import story, story_console, waiting
from mendgraph.cli.opening import open_graph
from mendgraph.cli.output import columns_for, writer, writer_of
from mendgraph.cli.rows import Columns, count_rows, read_rows
from mendgraph.core.values import Answer
from mendgraph.errors import DataError
from mendgraph.home import home
from mendgraph.runtime.jobs.folder import JobFolder
from mendgraph.runtime.jobs.job import Job
from mendgraph.runtime.jobs.journal import ChunkJournal
from mendgraph.runtime.jobs.source import Source
from mendgraph.runtime.jobs.terms import flat
from mendgraph.runtime.jobs.work import answer_rest, write_output

if TYPE_CHECKING:
    from mendgraph.app import MendGraph
    from mendgraph.cli.meter import Meter

CHUNK = 256
"""Rows per chunk unless the command says otherwise: little is lost by a kill, and a commit costs next to nothing."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for; `columns` are read of the input, of which `column` is the text."""

    name: str
    graph: str
    source: Path
    column: str
    columns: Columns
    output: Path
    chunk: int | None
    wait: bool
    ask: str | None
    threshold: float | None
    down: tuple[str, ...]
    config: Path | None
    overrides: tuple[str, ...]
    journal: Path | None

    def terms(self) -> dict[str, dict[str, str]]:
        """Everything that is known before a model is opened, and that the answers depend on."""
        from mendgraph.config import load_config

        settings = load_config(self.config, self.overrides).graph(self.graph).model_dump(mode="json")
        run = {
            "graph": self.graph,
            "--column": self.column,
            "the kind of input": self.source.suffix.lower(),
            "--ask": self.ask,
            "--threshold": self.threshold,
            "--down": ", ".join(sorted(self.down)) or None,
            "--chunk": self.chunk,
        }
        return {"run": flat(run), "config": flat(settings)}


def job_folder() -> JobFolder:
    return JobFolder(home() / "jobs")


def run_job(wish: Wish) -> dict[str, int]:
    """Begins the job, goes on with it, or says that it is finished; gives status -> answers."""
    _check_output(wish.output)
    folder = job_folder()
    if wish.wait and (holder := folder.holder(wish.name)):
        story(f"waiting for {holder}")
    with folder.hold(wish.name, now=time.time(), wait=wish.wait) as job, _telling_how_to_go_on(job):
        if job.begun:
            _go_on(job, wish)
        else:
            _begin(job, wish)
        if job.finished is not None and job.output.is_file():
            story(f"job {job.name!r} is finished already; mend jobs remove {job.name} to start over")
            return job.statuses()
        if job.done < job.rows:
            _answer(job, wish)
        with waiting(f"writing {job.output}"):
            write_output(job, partial(writer, columns=columns_for(wish.graph)))
        return job.statuses()


def _begin(job: Job, wish: Wish) -> None:
    with waiting(f"looking through {wish.source}"):
        rows = count_rows(wish.source, wish.columns)
        source = Source.of(wish.source)
    wish = replace(wish, chunk=wish.chunk or CHUNK)
    job.begin(
        graph=wish.graph,
        source=source,
        output=wish.output.resolve(),
        rows=rows or 0,
        chunk=wish.chunk or CHUNK,
        terms=wish.terms(),
        now=time.time(),
    )


def _go_on(job: Job, wish: Wish) -> None:
    if wish.source.exists() or job.done < job.rows:  # answered rows can be written without their input
        with waiting(f"looking whether {wish.source} is still the same"):
            job.same_input(wish.source)
    job.agree(replace(wish, chunk=wish.chunk or job.chunk).terms())
    if job.output != wish.output.resolve():
        job.move_output(wish.output.resolve())
    if 0 < job.done < job.rows:
        story(f"resumed at {job.done:,} of {job.rows:,} rows")


def _answer(job: Job, wish: Wish) -> None:
    graph = open_graph(wish.graph, config=wish.config, overrides=wish.overrides, journal=wish.journal)
    with graph:
        job.agree(_weights(graph))
        ask = wish.ask or ("return" if graph.context.ask == "interrupt" else None)
        options: dict[str, Any] = {"ask": ask, "threshold": wish.threshold, "down": wish.down}
        with _metered(job) as meter:

            def answering(number: int, rows: list[object]) -> Sequence[Answer]:
                journal = ChunkJournal(graph.context.journal, job.run_id(number))
                # A limit in seconds would let the clock decide what is answered.
                context = replace(graph.context, journal=journal, deadline_s=None, budget=None)
                events = graph.graph.stream(
                    graph.request(rows, **options), stream_mode="custom", context=context
                )
                return answered(events, len(rows), meter.advance)

            for _ in answer_rest(job, read_rows(Path(job.source.path), wish.columns), answering):
                pass


def _weights(graph: MendGraph) -> dict[str, dict[str, str]]:
    facts: Any = graph.context.facts
    weights = {name: tier.fingerprint for name, tier in graph.tiers.items()}
    return {
        "weights": {**weights, "the policy": facts.get("policy", "")},
        "software": flat(facts.get("versions", {})),
    }


def _check_output(output: Path) -> None:
    """A job may run for hours: what would stop its last step is better known before the first."""
    writer_of(output)
    folder = output.resolve().parent
    if not folder.is_dir():
        raise DataError(f"cannot write {output}: no folder {str(folder)!r}", hint="make it first")
    if not os.access(folder, os.W_OK):
        raise DataError(f"cannot write {output}: the folder is read-only", hint="give another place")
    if output.exists() and not output.is_file():
        raise DataError(f"cannot write {output}: it is no regular file", hint="give another name")


@contextmanager
def _metered(job: Job) -> Iterator[Meter]:
    from mendgraph.cli.meter import Meter, meter

    if not story_console().is_terminal:
        yield Meter()
        return
    with meter(job.rows, job.done) as shown:
        yield shown


@contextmanager
def _telling_how_to_go_on(job: Job) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if job.begun:
            story(
                f"job {job.name!r} has {job.done:,} of {job.rows:,} rows; the same command goes on from there"
            )
        raise
