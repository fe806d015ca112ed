"""A recorded run, and the configuration it ran under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mendgraph.assembly import BUILDS
from mendgraph.config import DEFAULTS, Config, graph_spec, load_config
from mendgraph.core.record import RunRecord
from mendgraph.core.values import Answer
from mendgraph.errors import JournalError
from mendgraph.runtime.journal_reader import Entry, JournalReader

POLICY = "policy"
"""The fingerprint that is no tier's."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as a journal has it.

    Attributes:
        entries: row number -> entry; rows whose question to the user is still open are missing.
        texts: whether the entries hold the texts.
    """

    run: RunRecord
    entries: Mapping[int, Entry]
    texts: bool = True

    @property
    def tiers(self) -> tuple[str, ...]:
        """In the order they were tried."""
        return tuple(name for name in self.run.fingerprints if name != POLICY)


def read_run(reader: JournalReader, run: RunRecord) -> RecordedRun:
    return RecordedRun(run, reader.answers(run.id), reader.text == "stored")


def config_of(run: RunRecord) -> Config:
    """The configuration the run was made under; everything outside its graph is the package's own.

    Raises:
        JournalError: the run was made by a graph that is not known here, or that no configuration described.
    """
    if run.graph not in BUILDS or not run.config:
        raise JournalError(
            f"run {run.id} was made by a graph put together in code: its configuration is not recorded",
            hint="replay it in Python: mendgraph.replay takes the graph and the policy themselves",
        )
    try:
        spec = graph_spec(run.graph, run.config)
    except ValueError as error:  # pydantic's, whose lines say where and what
        what = "; ".join(line.strip() for line in str(error).splitlines()[1:3])
        raise JournalError(
            f"run {run.id}: this version cannot read its configuration: {what}",
            hint="replay it with the version it was made with; `mend journal show` names it",
        ) from error
    return load_config(DEFAULTS).model_copy(update={run.graph: spec})


def replies_of(answers: Mapping[int, Answer], ask: str) -> dict[str, str | None]:
    """What the user had said, by row number as text; None for a question that was skipped.

    Where a run may ask, nothing but a skipped question ends in abstention.
    """
    replies: dict[str, str | None] = {}
    for row, answer in answers.items():
        if answer.trail and answer.trail[-1].tier == "user":
            replies[str(row)] = answer.label
        elif ask == "interrupt" and answer.status == "abstained":
            replies[str(row)] = None
    return replies


def unreadable(answer: Answer) -> bool:
    """Whether the row could not be read, so that no tier ever saw it."""
    return answer.error is not None and not answer.trail
