"""The same run again: same inputs, options, configuration and batch; the same answers, or what differs and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mendgraph.app import READ, MendGraph
from mendgraph.assembly import BUILDS, load
from mendgraph.config import graph_spec
from mendgraph.core.record import RunRecord
from mendgraph.core.redaction import without_text
from mendgraph.core.values import Answer, Failure, Input
from mendgraph.errors import InputError, JournalError
from mendgraph.nodes.cascade import Cascade
from mendgraph.replay.differences import Cause, Difference, causes, differences
from mendgraph.replay.records import RecordedRun, config_of, replies_of, unreadable
from mendgraph.runtime.journal import NullJournal


@dataclass(frozen=True, slots=True)
class Replayed:
    """Two runs side by side.

    Attributes:
        then, now: what the runs were made with.
        compared: rows compared.
        differences: by row; empty when every answer is the same bit for bit, but for seconds and notes.
        causes: what differed in how the runs were made; it may differ and the answers be the same.
    """

    then: RunRecord
    now: RunRecord
    compared: int
    differences: tuple[Difference, ...]
    causes: tuple[Cause, ...]

    @property
    def identical(self) -> bool:
        return not self.differences


def open_again(run: RunRecord) -> MendGraph:
    """The graph as it was configured.

    Raises:
        JournalError: its configuration is not recorded, or it ran over tiers that were given in code.
    """
    config = config_of(run)
    configured = set(config.graph(run.graph).tiers)
    if strange := sorted(set(RecordedRun(run, {}).tiers) ^ configured):
        raise JournalError(
            f"run {run.id} used tiers given in code ({', '.join(strange)})",
            hint="replay it in Python, with the graph that has them",
        )
    return load(run.graph, config=config, journal=NullJournal())


def replay(recorded: RecordedRun, graph: MendGraph, *, texts: Sequence[str] | None = None) -> Replayed:
    """Runs it again on `graph`, which is left as it is.

    Args:
        texts: all inputs of the run, in order; needed where the journal does not hold them, or not all of them.

    Raises:
        JournalError: inputs are missing, or `texts` are not as many as the run had rows.
    """
    kept = _Kept()
    run = recorded.run
    then = {row: entry.answer for row, entry in recorded.entries.items()}
    ask = run.options.get("ask")
    options = {
        **run.options,
        "ask": "return" if ask == "interrupt" else ask,  # its questions are answered already
        "clarifications": replies_of(then, str(ask)),
    }
    context = replace(graph.context, journal=kept, prepare=_Reading(graph))
    inputs = _inputs(recorded, texts)
    # Built anew, because the graph's own may have a checkpointer that wants a thread.
    system = BUILDS[graph.name]
    if run.config:
        system = system.under(graph_spec(graph.name, run.config))
    again: Cascade = system.build(context)
    again.invoke({"inputs": inputs, "options": options}, output_keys=READ)
    assert kept.run is not None
    pairs = {
        row: (before, kept.answers[row] if recorded.texts else without_text(kept.answers[row]))
        for row, before in then.items()
    }
    found = [d for row, (before, now) in pairs.items() for d in differences(row, before, now)]
    changed = {row: pairs[row] for row in {d.row for d in found}}
    return Replayed(run, kept.run, len(pairs), tuple(found), tuple(causes(run, kept.run, changed)))


class _Kept:
    """A journal in memory."""

    def __init__(self) -> None:
        self.run: RunRecord | None = None
        self.answers: dict[int, Answer] = {}

    def record(self, run: RunRecord, answers: Mapping[int, Answer]) -> None:
        self.run = self.run or run
        self.answers.update(answers)

    def close(self) -> None:
        return None


class _Unreadable:
    """Stands in for an input that was no text; it fails as it did."""

    def __init__(self, shown: str, error: Failure) -> None:
        self.shown = shown
        self.error = error

    def __repr__(self) -> str:
        return self.shown


class _Reading:
    """The graph's own `prepare`, but for what could not be read the first time."""

    def __init__(self, graph: MendGraph) -> None:
        self._prepare = graph.context.prepare

    def __call__(self, raw: object) -> Input:
        if isinstance(raw, _Unreadable):
            raise InputError(raw.error.message, hint=raw.error.hint)
        return self._prepare(raw)


def _inputs(recorded: RecordedRun, texts: Sequence[str] | None) -> list[object]:
    run, entries = recorded.run, recorded.entries
    if texts is not None and len(texts) != run.rows:
        raise JournalError(
            f"run {run.id} had {run.rows} rows, got {len(texts)} texts", hint="give all its inputs"
        )
    if texts is None and not recorded.texts:
        raise JournalError(
            f"the journal does not hold the texts of run {run.id}", hint="give them with --input FILE"
        )
    if texts is None and len(entries) < run.rows:
        raise JournalError(
            f"{run.rows - len(entries)} of {run.rows} rows of run {run.id} wait for the user's answer",
            hint="rows of one batch decide each other's last bits: answer them first, or give --input FILE",
        )
    rows: list[object] = []
    for row in range(run.rows):
        answer = entries[row].answer if row in entries else None
        if answer is not None and answer.error is not None and unreadable(answer):
            rows.append(_Unreadable(answer.input, answer.error))
        elif texts is not None:
            rows.append(texts[row])
        else:
            assert answer is not None
            rows.append(run.given.get(str(row), answer.input))
    return rows
