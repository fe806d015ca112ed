"""One durable job in a SQLite file."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mendgraph.core.values import Answer
from mendgraph.errors import JobError
from mendgraph.runtime.jobs.database import JobDatabase
from mendgraph.runtime.jobs.progress import Progress, State
from mendgraph.runtime.jobs.source import Source
from mendgraph.runtime.jobs.terms import Terms, differences, told

LATEST = 8
"""Chunks the rate is taken over."""


class Job:
    """What is known of a job, and the answers committed so far.

    A method that returns has its effect on the disk (write-ahead log, ``synchronous=FULL``).  One thread at a time.

    Raises:
        JobError: from the constructor and every method, where the file cannot be read or written, or is of another
            version.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._database = JobDatabase(path)
        self._session: int | None = None

    def close(self) -> None:
        self._database.close()

    # ---- beginning and going on --------------------------------------------------------------------------------

    def begin_session(self, now: float) -> None:
        """Makes this process the one that may commit; whoever was before it no longer can."""
        with self._database.transaction():
            self._session = self._database.insert(
                "INSERT INTO sessions (pid, host, began) VALUES (?, ?, ?)",
                os.getpid(),
                socket.gethostname(),
                now,
            )

    @property
    def begun(self) -> bool:
        """Whether its input and terms are on record; until then it is a name and nothing else."""
        return self._database.fact("source") is not None

    def begin(
        self, *, graph: str, source: Source, output: Path, rows: int, chunk: int, terms: Terms, now: float
    ) -> None:
        """Puts on record what is to be done."""
        facts = {
            "graph": graph,
            "source": source.to_dict(),
            "output": str(output),
            "rows": rows,
            "chunk": chunk,
            "created": now,
        }
        with self._database.transaction():
            self._database.state(facts)
            self._agree_on(terms)

    def agree(self, terms: Terms) -> None:
        """Checks terms against those on record; parts and weights not yet on record are put there.

        Raises:
            JobError: what differs, and the ways out.
        """
        if changed := differences(self.terms(), terms):
            raise self._refusal(told(changed))
        with self._database.transaction():
            self._agree_on(terms)

    def same_input(self, path: Path) -> None:
        """Checks that the input still has the content the job began with.

        Raises:
            JobError: it has not.
            DataError: it cannot be read.
        """
        known = self.source
        found = Source.of(path, known)
        if found.sha256 != known.sha256:
            raise self._refusal(f"the content of {path} has changed since")
        if found != known:
            with self._database.transaction():
                self._database.state({"source": found.to_dict()})

    def _refusal(self, what: str) -> JobError:
        return JobError(
            f"job {self.name!r} began otherwise: {what}",
            hint=f"go on as it began, take another name with --job, or start over: mend jobs remove {self.name}",
        )

    @property
    def source(self) -> Source:
        return Source.from_dict(self._database.fact("source"))

    @property
    def output(self) -> Path:
        return Path(self._database.fact("output"))

    def move_output(self, path: Path) -> None:
        """The answers do not depend on where they go."""
        with self._database.transaction():
            self._database.state({"output": str(path), "finished": None})

    @property
    def rows(self) -> int:
        return int(self._database.fact("rows"))

    @property
    def chunk(self) -> int:
        return int(self._database.fact("chunk"))

    def terms(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for part, name, value in self._database.all(
            "SELECT part, name, value FROM terms ORDER BY part, name"
        ):
            found.setdefault(part, {})[name] = value
        return found

    # ---- answers -----------------------------------------------------------------------------------------------

    @property
    def done(self) -> int:
        """Rows whose answers are committed; they are the first ones of the input."""
        latest = self._database.all("SELECT first + rows FROM chunks ORDER BY number DESC LIMIT 1")
        return int(latest[0][0]) if latest else 0

    @property
    def chunks(self) -> int:
        """Chunks committed; also the number of the next one."""
        latest = self._database.all("SELECT max(number) FROM chunks")[0][0]
        return 0 if latest is None else int(latest) + 1

    def run_id(self, number: int) -> str:
        """Identity of the graph run that answers chunk `number`, the same at every attempt; sorts by time."""
        began = datetime.fromtimestamp(self._database.fact("created"), UTC)
        return f"{began:%Y%m%dT%H%M%S}{began.microsecond // 1000:03d}-{self.name}-{number:06d}"

    def commit(self, number: int, answers: Sequence[Answer], *, seconds: float, now: float) -> None:
        """Puts the answers of the next chunk on the disk, all or none.  Attempts lose their wall time, see `timeless`.

        Raises:
            JobError: another process has taken the job over, or this is not the next chunk.
        """
        stored = [(a.status, json.dumps(timeless(a).to_dict(), allow_nan=False)) for a in answers]
        with self._database.transaction():
            [(latest,)] = self._database.all("SELECT max(id) FROM sessions")
            if latest != self._session or number != self.chunks:
                raise JobError(
                    f"job {self.name!r} was taken over by another process; nothing of chunk {number} was kept",
                    hint=f"mend jobs show {self.name} says which",
                )
            first = self.done
            self._database.insert(
                "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?)",
                *(number, first, len(answers), self._session, seconds, now),
            )
            self._database.many(
                "INSERT INTO answers VALUES (?, ?, ?)",
                ((first + place, status, text) for place, (status, text) in enumerate(stored)),
            )

    def answers(self, size: int) -> Iterator[list[Answer]]:
        """The committed answers in order, `size` at a time; the rest of them stays on the disk."""
        for found in self._database.stream("SELECT answer FROM answers ORDER BY row", size):
            yield [Answer.from_dict(json.loads(text)) for (text,) in found]

    def statuses(self) -> dict[str, int]:
        return dict(
            self._database.all("SELECT status, count(*) FROM answers GROUP BY status ORDER BY count(*) DESC")
        )

    @property
    def finished(self) -> float | None:
        """When the output was written, in seconds since the epoch."""
        when = self._database.fact("finished")
        return None if when is None else float(when)

    def finish(self, now: float) -> None:
        with self._database.transaction():
            self._database.state({"finished": now})

    # ---- looking -----------------------------------------------------------------------------------------------

    def latest_session(self) -> tuple[int, float] | None:
        """Process id and beginning of the process that has, or last had, the job."""
        found = self._database.all("SELECT pid, began FROM sessions ORDER BY id DESC LIMIT 1")
        return found[0] if found else None

    def progress(self, *, running: bool) -> Progress | None:
        """None for a job that never came to begin."""
        if not self.begun:
            return None
        state: State = "running" if running else "stopped" if self.finished is None else "finished"
        [(updated, sessions)] = self._database.all(
            "SELECT (SELECT max(at) FROM chunks), (SELECT count(*) FROM sessions)"
        )
        [(rows, seconds)] = self._database.all(
            f"SELECT sum(rows), sum(seconds) FROM (SELECT * FROM chunks ORDER BY number DESC LIMIT {LATEST})"
        )
        pid, since = self.latest_session() or (0, 0.0)
        return Progress(
            name=self.name,
            graph=self._database.fact("graph"),
            state=state,
            input=self.source.path,
            output=str(self.output),
            rows=self.rows,
            done=self.done,
            chunk=self.chunk,
            statuses=self.statuses(),
            rate=rows / seconds if seconds else None,
            sessions=sessions,
            pid=pid,
            since=since,
            created=self._database.fact("created"),
            updated=updated,
            finished=self.finished,
            written=self.output.is_file(),
            terms=self.terms(),
        )

    def _agree_on(self, terms: Terms) -> None:
        self._database.many(
            "INSERT INTO terms VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value WHERE value = ''",
            ((part, name, value) for part, values in terms.items() for name, value in values.items()),
        )


def timeless(answer: Answer) -> Answer:
    """The answer with the wall time of its attempts set to 0, the one part of it that no two runs share."""
    return replace(answer, trail=tuple(replace(attempt, seconds=0.0) for attempt in answer.trail))
