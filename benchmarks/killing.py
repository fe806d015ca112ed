"""Killable runs of the durable job command: a child is forked, told on, and killed where a plan says.

The child is `mend run emotion --input ... --output ... --job NAME` from its options on.  It tells what it passes
through a pipe, which outlives it.
"""

from __future__ import annotations

import os
import select
import signal
import struct
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

import pyarrow.parquet  # noqa: F401  imported before the fork, used after it

import mendgraph
import mendgraph.assembly
import mendgraph.cli.job as command
from mendgraph import MendGraph
from mendgraph.cli.answering import answered as answering
from mendgraph.cli.opening import open_graph as opening_models
from mendgraph.core.calibration.temperature import Temperature
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.values import Answer
from mendgraph.graphs.emotion import LABELS
from mendgraph.runtime.jobs.job import Job
from mendgraph.runtime.jobs.work import write_output as writing
from mendgraph.testing import Scripted

_MESSAGE = struct.Struct("=Bdii")


class Point(IntEnum):
    """What a child tells of."""

    loaded = 1
    first_row = 2
    committing = 3
    acknowledged = 4
    writing = 5
    finished = 6


@dataclass(frozen=True, slots=True)
class Told:
    """`at` in seconds of the monotonic clock, which parent and child share; rows from `first` on, `rows` of them."""

    point: Point
    at: float
    first: int = 0
    rows: int = 0


@dataclass(slots=True)
class Attempt:
    """One child from fork to end."""

    began: float
    told: list[Told] = field(default_factory=list)
    status: int = 0

    def when(self, point: Point) -> float | None:
        return next((t.at for t in self.told if t.point == point), None)


@dataclass(frozen=True, slots=True)
class Plan:
    """When to kill: `after` seconds from the fork, or from the `skip`-th telling of `point`."""

    kind: str
    after: float
    point: Point | None = None
    skip: int = 0


def primary(text: str) -> tuple[str, float]:
    """Two texts in three are plain; which ones, and how plain, follows from the text alone."""
    number = sum(text.encode())
    return LABELS[number % len(LABELS)], 0.9 if number % 3 else 0.4 + number % 7 / 100


def scripted(*_: object, **given: Any) -> MendGraph:
    tiers = {"primary": Scripted(primary, fingerprint="one"), "backup": Scripted(primary, fingerprint="two")}
    calibrators = {name: Temperature(1.0, tier.fingerprint) for name, tier in tiers.items()}
    policy = HealingPolicy(labels=LABELS, calibrators=calibrators, thresholds={"default": 0.6})
    return mendgraph.load("emotion", tiers=tiers, policy=policy, journal=given.get("journal"))


def child(pipe: int, wish: command.Wish, *, models: bool) -> None:
    """The command, telling of what it passes."""

    def tell(point: Point, first: int = 0, rows: int = 0) -> None:
        os.write(pipe, _MESSAGE.pack(point, time.monotonic(), first, rows))

    opening = opening_models if models else scripted
    committing = Job.commit
    new = [True]

    def open_graph(*given: Any, **named: Any) -> MendGraph:
        graph = opening(*given, **named)
        tell(Point.loaded)
        return graph

    def heard(events: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for event in events:
            if new and (event["event"] == "answer" or event.get("attempt", {}).get("verdict") == "accept"):
                new.clear()
                tell(Point.first_row)
            yield event

    def answered(events: Iterable[dict[str, Any]], rows: int, advance: Callable[[int], None]) -> list[Answer]:
        return answering(heard(events), rows, advance)

    def commit(job: Job, number: int, answers: Sequence[Answer], **named: Any) -> None:
        first = job.done
        tell(Point.committing, first, len(answers))
        committing(job, number, answers, **named)
        tell(Point.acknowledged, first, len(answers))

    def write_output(*given: Any) -> None:
        tell(Point.writing)
        writing(*given)
        tell(Point.finished)

    for owner, name, replacement in (
        (command, "open_graph", open_graph),
        (command, "answered", answered),
        (command, "write_output", write_output),
        (Job, "commit", commit),
    ):
        setattr(owner, name, replacement)
    command.run_job(wish)


def warm() -> None:
    """What is imported at first use is imported here, once; a process with threads must not fork."""
    with scripted() as graph:
        graph.run(["warm"])
    if (threads := threading.active_count()) != 1:
        raise RuntimeError(f"{threads} threads before the fork, expected 1")


def forked(wish: command.Wish, log: Path, plan: Plan | None, *, models: bool) -> Attempt:
    """Runs a child to its end, or to the point where the plan kills it."""
    ours, theirs = os.pipe()
    attempt = Attempt(time.monotonic())
    process = os.fork()
    if process == 0:
        status = 1
        try:
            os.close(ours)
            with log.open("w") as story:
                os.dup2(story.fileno(), 2)
                try:
                    child(theirs, wish, models=models)
                    status = 0
                except BaseException:
                    traceback.print_exc()
                    raise
                finally:
                    story.flush()
                    os._exit(status)
        finally:
            os._exit(status)
    os.close(theirs)
    with open(ours, "rb", buffering=0) as pipe:
        _follow(pipe.fileno(), attempt, plan, process)
    _, attempt.status = os.waitpid(process, 0)
    if plan is None and attempt.status:
        raise RuntimeError(f"a run that nobody killed failed:\n{log.read_text()}")
    return attempt


def _follow(pipe: int, attempt: Attempt, plan: Plan | None, process: int) -> None:
    """Collects what the child tells until its end of the pipe is closed, by its end or by ours."""
    at = None if plan is None or plan.point is not None else attempt.began + plan.after
    skip = plan.skip if plan else 0
    killed = False
    while True:
        left = None if at is None or killed else max(at - time.monotonic(), 0.0)
        if not select.select([pipe], [], [], left)[0]:
            os.kill(process, signal.SIGKILL)
            killed = True
            continue
        message = os.read(pipe, _MESSAGE.size)  # smaller than a pipe's atomic write: whole or absent
        if not message:
            return
        told = Told(Point(message[0]), *_MESSAGE.unpack(message)[1:])
        attempt.told.append(told)
        if plan is not None and told.point == plan.point and at is None:
            if skip == 0:
                at = told.at + plan.after
            skip -= 1
