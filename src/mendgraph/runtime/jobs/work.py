"""Doing a job: answering what is left, then writing the output."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path

from mendgraph.core.values import Answer
from mendgraph.errors import JobError
from mendgraph.runtime.jobs.job import Job

Answering = Callable[[int, list[object]], Sequence[Answer]]
"""Number of the chunk and its rows -> one answer per row, in order."""

Writer = Callable[[Path], AbstractContextManager[Callable[[Sequence[Answer]], None]]]
"""Opens a new file for answers, as ``mendgraph.cli.output.writer``."""

BATCH = 2048
"""Answers written at a time; part of the output's bytes where the format has row groups."""


def answer_rest(job: Job, rows: Iterable[object], answering: Answering) -> Iterator[int]:
    """Answers the rows that are not committed yet, chunk by chunk; yields the rows done after every commit.

    Args:
        rows: all rows of the input, from the first; at most one chunk of them is held in memory.

    Raises:
        JobError: the input has other rows than when the job began; chunks committed before stay.
    """
    left = islice(iter(rows), job.done, None)
    number, size = job.chunks, job.chunk
    while chunk := list(islice(left, size)):
        started = time.perf_counter()
        answers = answering(number, chunk)
        if len(answers) != len(chunk):
            raise ValueError(
                f"chunk {number} of job {job.name!r}: {len(answers)} answers for {len(chunk)} rows"
            )
        job.commit(number, answers, seconds=time.perf_counter() - started, now=time.time())
        number += 1
        yield job.done
    job.same_input(Path(job.source.path))
    if job.done != job.rows:
        raise JobError(
            f"job {job.name!r} answered {job.done:,} rows, its input had {job.rows:,} when it began",
            hint=f"start over: mend jobs remove {job.name}",
        )


def write_output(job: Job, writer: Writer) -> None:
    """Writes the answers to the job's output and marks the job finished.

    The file is written under another name in the same folder and moved when it is complete and on the disk: whoever
    looks finds the whole output or none.

    Raises:
        DataError, JobError: the file cannot be written; the answers are safe.
    """
    output = job.output
    part = part_of(output, job.name)
    try:
        with writer(part) as write:
            for answers in job.answers(BATCH):
                write(answers)
        _to_disk(part)
        os.replace(part, output)
        if os.name != "nt":  # where folders cannot be opened
            _to_disk(output.parent)
    except OSError as error:
        raise JobError(
            f"cannot write {output}: {error.strerror or error}",
            hint="the answers are safe; the same command writes them again",
        ) from error
    finally:
        part.unlink(missing_ok=True)
    job.finish(time.time())


def part_of(output: Path, name: str) -> Path:
    """Where an unfinished output lies; one place per job, so that what a killed process left is written over."""
    return output.with_name(f".{output.stem}.{name}.part{output.suffix}")


def _to_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
