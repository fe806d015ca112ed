"""The jobs that P11 kills: started again until they are finished, then checked."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import mendgraph.cli.job as command
from benchmarks.killing import Attempt, Plan, Point, forked
from benchmarks.texts import mixed_lengths
from mendgraph.runtime.jobs.job import Job

SUFFIXES = (".jsonl", ".parquet", ".csv")


@dataclass(slots=True)
class Count:
    """What went wrong, which must be nothing, and what it took."""

    kills: Counter[str] = field(default_factory=Counter)
    jobs: int = 0
    lost: int = 0
    twice: int = 0
    different: int = 0
    cut_commits: int = 0
    from_start: list[float] = field(default_factory=list)
    from_loaded: list[float] = field(default_factory=list)
    to_commit: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Arena:
    """Where jobs run, and how long an uninterrupted one takes: in the mean of late, as the machine's load changes."""

    folder: Path
    rows: int
    chunk: int
    models: bool
    whole: float
    commit: float
    output: float
    expected: Mapping[str, bytes]

    def wish(self, name: str, suffix: str) -> command.Wish:
        return wish(self.folder, name, suffix, self.chunk)

    def plan(self, rng: random.Random) -> Plan:
        kind = rng.choices(("any time", "in a commit", "in the output"), (6, 3, 1))[0]
        if kind == "in a commit":
            return Plan(kind, rng.uniform(0.0, 1.3 * self.commit), Point.committing, rng.randrange(6))
        if kind == "in the output":
            return Plan(kind, rng.uniform(0.0, 1.1 * self.output), Point.writing)
        return Plan(kind, rng.uniform(0.0, self.whole))


def wish(folder: Path, name: str, suffix: str, chunk: int) -> command.Wish:
    return command.Wish(
        name=name,
        graph="emotion",
        source=folder / "rows.jsonl",
        column="text",
        columns="text",
        output=folder / f"{name}{suffix}",
        chunk=chunk,
        wait=False,
        ask="never",
        threshold=None,
        down=(),
        config=None,
        overrides=(),
        journal=None,
    )


def prepared(folder: Path, rows: int, chunk: int, *, models: bool) -> Arena:
    """Writes the input and runs one job per kind of output without a kill."""
    texts = mixed_lengths(rows)
    lines = [json.dumps({"text": None if n % 97 == 96 else text}) + "\n" for n, text in enumerate(texts)]
    (folder / "rows.jsonl").write_text("".join(lines))
    expected, attempts = {}, []
    for suffix in SUFFIXES:
        asked = wish(folder, f"straight{suffix[1:]}", suffix, chunk)
        attempts.append(forked(asked, folder / "log.txt", None, models=models))
        expected[suffix] = asked.output.read_bytes()
    commits = [
        b.at - a.at
        for attempt in attempts
        for a, b in zip(attempt.told, attempt.told[1:], strict=False)
        if (a.point, b.point) == (Point.committing, Point.acknowledged)
    ]
    ends = [attempt.told[-1].at for attempt in attempts]
    return Arena(
        folder,
        rows,
        chunk,
        models,
        whole=float(np.median([end - a.began for end, a in zip(ends, attempts, strict=True)])),
        commit=float(np.median(commits)),
        output=float(
            np.median([end - (a.when(Point.writing) or end) for end, a in zip(ends, attempts, strict=True)])
        ),
        expected=expected,
    )


def one_job(arena: Arena, count: Count, rng: random.Random, points: int) -> None:
    """Kills and starts one job again until it is finished, then checks it; stops killing at `points` kills."""
    name, suffix = f"job{count.jobs}", SUFFIXES[count.jobs % len(SUFFIXES)]
    asked, log = arena.wish(name, suffix), arena.folder / "log.txt"
    acknowledged: Counter[int] = Counter()
    computed = 0
    killed = False
    while True:
        plan = arena.plan(rng) if count.kills.total() < points else None
        attempt = forked(asked, log, plan, models=arena.models)
        here = [t for t in attempt.told if t.point == Point.acknowledged]
        started = [t for t in attempt.told if t.point == Point.committing]
        if started and acknowledged and started[0].first < max(acknowledged) + 1:
            count.lost += (
                max(acknowledged) + 1 - started[0].first
            )  # an acknowledged row was not there any more
        for told in here:
            acknowledged.update(range(told.first, told.first + told.rows))
        computed += sum(t.rows for t in started)
        if killed:
            _timed(attempt, count)
        if os.WIFSIGNALED(attempt.status) and plan is not None:
            count.kills[plan.kind] += 1
            killed = True
        elif attempt.status == 0:
            if not killed:
                arena.whole = (arena.whole + attempt.told[-1].at - attempt.began) / 2
            break
        else:
            raise RuntimeError(f"an attempt ended by itself:\n{log.read_text()}")
    count.jobs += 1
    count.twice += sum(times - 1 for times in acknowledged.values())
    count.cut_commits += computed - arena.rows
    count.different += asked.output.read_bytes() != arena.expected[suffix]
    with closing(Job(name, command.job_folder().path / f"{name}.sqlite")) as job:
        count.lost += arena.rows - sum(job.statuses().values())
    command.job_folder().remove(name)
    asked.output.unlink()


def _timed(attempt: Attempt, count: Count) -> None:
    """Resume times of an attempt that came to answer something."""
    loaded, first = attempt.when(Point.loaded), attempt.when(Point.first_row)
    committed = attempt.when(Point.acknowledged)
    if loaded is None or first is None:
        return
    count.from_start.append(first - attempt.began)
    count.from_loaded.append(first - loaded)
    if committed is not None:
        count.to_commit.append(committed - loaded)


def cold_starts(arena: Arena, repeats: int) -> list[float]:
    """Seconds from starting the real command, imports and all, on a job half done, to its next commit."""
    taken = []
    for number in range(repeats):
        asked = arena.wish(f"cold{number}", ".csv")
        halfway = Plan("half", 0.0, Point.acknowledged, arena.rows // arena.chunk // 2)
        forked(asked, arena.folder / "log.txt", halfway, models=True)
        with closing(Job(asked.name, command.job_folder().path / f"{asked.name}.sqlite")) as job:
            before, start = job.done, time.monotonic()
            options = [
                "--input",
                asked.source,
                "--output",
                asked.output,
                "--job",
                asked.name,
                "--ask",
                "never",
            ]
            process = subprocess.Popen(
                [sys.executable, "-m", "mendgraph.cli.main", "run", "emotion", *map(str, options)],
                stderr=subprocess.DEVNULL,
            )
            while job.done == before and process.poll() is None:
                time.sleep(0.002)
            taken.append(time.monotonic() - start)
        process.kill()
        process.wait()
        command.job_folder().remove(asked.name)
    return taken
