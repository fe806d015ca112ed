"""How far a job is, for people and programs to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["running", "stopped", "finished"]


@dataclass(frozen=True, slots=True)
class Progress:
    """A job as it is right now.

    Attributes:
        name, graph: of the job.
        state: ``running`` while a process works on it; ``stopped`` when none does and rows, or the output, are left.
        input, output: absolute paths.
        rows, done: rows of the input, and those whose answers are committed.
        chunk: rows per chunk.
        statuses: status -> answers.
        rate: rows per second of model time over the latest chunks; None before the first.
        sessions: processes that have worked on it so far.
        pid, since: the latest of them, and when it began in seconds since the epoch.
        created, updated, finished: seconds since the epoch: first start, latest commit, output written.
        written: whether the output file is there.
        terms: what the answers depend on, part -> name -> value.
    """

    name: str
    graph: str
    state: State
    input: str
    output: str
    rows: int
    done: int
    chunk: int
    statuses: Mapping[str, int]
    rate: float | None
    sessions: int
    pid: int
    since: float
    created: float
    updated: float | None
    finished: float | None
    written: bool
    terms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {
            "statuses": dict(self.statuses),
            "terms": {part: dict(values) for part, values in self.terms.items()},
        }
