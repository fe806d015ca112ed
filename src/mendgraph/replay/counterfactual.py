"""What would have happened: the graph runs over what its tiers said then, under other settings.

No model is called: tiers repeat what is on record.  A row that reaches a tier which had not been asked about it is
*unknown*: whatever that tier would have said might have settled the row, so nothing later in its trail counts.
Scores of combined tiers may differ from a real run's in the last bits, because rows of many runs are weighed in one
batch; deadlines and budgets of the recorded runs are not applied again.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mendgraph.app import CHUNK, READ, MendGraph, answers_of
from mendgraph.assembly import BUILDS, System, load
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.values import Answer, Attempt, Input, Prediction
from mendgraph.errors import InputError, JournalError
from mendgraph.nodes.call import call
from mendgraph.nodes.cascade import Cascade
from mendgraph.nodes.limits import CUTS
from mendgraph.replay.change import Change
from mendgraph.replay.recorded_tier import PLACE, UNRECORDED, Outcome, RecordedTier
from mendgraph.replay.records import RecordedRun, replies_of, unreadable
from mendgraph.replay.setting import Setting, setting_of
from mendgraph.runtime.journal import NullJournal
from mendgraph.runtime.journal_reader import Entry
from mendgraph.runtime.supervised import Supervised

_NOT_CALLED = CUTS | {"tier_down", UNRECORDED}
"""Kinds of failure of a tier that was not called, and cost nothing."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """One row, as it was and as it would have been.

    Attributes:
        after: what would have become of it, as far as the record tells.
        known: False where a tier is needed that had not been asked about this row.
        cost_before, cost_after: in the unit of the configuration's ``cost``.
    """

    entry: Entry
    after: Answer
    known: bool
    cost_before: float
    cost_after: float

    @property
    def before(self) -> Answer:
        return self.entry.answer


def rerun(
    runs: Iterable[RecordedRun],
    change: Change,
    *,
    policy: HealingPolicy | None = None,
    models: MendGraph | None = None,
    call_models: bool = False,
) -> Iterator[Rerun]:
    """Every recorded row of the runs under a change; rows of like runs come together.

    Args:
        policy: the policy of graphs that were given theirs in code.
        call_models: ask tiers about rows the record lacks.  Where a tier has other weights now than then, its
            rows stay unknown.
        models: where to find those tiers; by default they are opened as the changed configuration says.

    Raises:
        JournalError, ConfigError: see `setting_of`; or `call_models` and the journal holds no texts.
    """
    groups: dict[str, _Group] = {}
    for recorded in runs:
        key = _kind(recorded)
        if key not in groups:
            groups[key] = _Group(recorded, setting_of(recorded, change, policy), call_models, models)
        yield from groups[key].add(recorded)
    for group in groups.values():
        yield from group.flush()


class _Group:
    """Runs of one graph, configuration, weights and options; their rows go through the graph together."""

    def __init__(
        self, first: RecordedRun, setting: Setting, call_models: bool, models: MendGraph | None
    ) -> None:
        if call_models and not first.texts:
            raise JournalError("the journal holds no texts: models cannot be asked about its rows")
        self._setting = setting
        self._fingerprints = dict(first.run.fingerprints)
        self._texts = first.texts
        self._waiting: list[tuple[Entry, bool, str | None]] = []
        self._models: MendGraph | None = None
        if call_models:
            self._models = models or load(setting.graph, config=setting.config, journal=NullJournal())
        self._system = BUILDS[setting.graph].under(setting.config.graph(setting.graph))
        self._context = self._system.context(
            tiers={name: self._tier(name, []) for name in setting.tiers},
            # What is on record is calibrated already.
            policy=replace(setting.policy, calibrators={}),
            ask=setting.ask,
            costs=setting.costs,
        )
        self._graph: Cascade = self._system.build(self._context)

    def add(self, recorded: RecordedRun) -> Iterator[Rerun]:
        answers = {row: entry.answer for row, entry in recorded.entries.items()}
        replies = replies_of(answers, str(recorded.run.options.get("ask")))
        for row, entry in recorded.entries.items():
            self._waiting.append((entry, str(row) in replies, replies.get(str(row))))
            if len(self._waiting) == CHUNK:
                yield from self.flush()

    def flush(self) -> Iterator[Rerun]:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        setting, entries = self._setting, [entry for entry, _, _ in waiting]
        tiers = {name: self._tier(name, entries) for name in setting.tiers}
        options = {
            "ask": setting.ask,
            "threshold": setting.threshold,
            "down": list(setting.down),
            "clarifications": {str(n): reply for n, (_, replied, reply) in enumerate(waiting) if replied},
        }
        state = self._graph.invoke(
            {"inputs": list(range(len(entries))), "options": options},
            context=replace(self._context, tiers=tiers, prepare=_Reading(self._system, entries, self._texts)),
            output_keys=READ,
        )
        for place, (entry, answer) in enumerate(zip(entries, answers_of(state), strict=True)):
            trail = tuple(
                replace(a, seconds=tiers[a.tier].seconds(place) if _called(a) else 0.0)
                if a.tier in tiers
                else a
                for a in answer.trail
            )
            yield Rerun(
                entry,
                replace(answer, input=entry.answer.input, trail=trail),
                not any(a.failure is not None and a.failure.kind == UNRECORDED for a in trail),
                _cost(entry.answer, setting.costs_before, self._fingerprints),
                _cost(answer, setting.costs, tiers),
            )

    def _tier(self, name: str, entries: Sequence[Entry]) -> RecordedTier:
        usable = name in self._setting.usable
        said = {
            place: attempt
            for place, entry in enumerate(entries)
            for attempt in (entry.answer.trail if usable else ())
            if attempt.tier == name and (attempt.failure is None or attempt.failure.kind not in CUTS)
        }
        fingerprint = self._fingerprints.get(name, "") if usable else ""
        tier = self._models.tiers.get(name) if self._models else None
        if tier is None or (fingerprint and tier.fingerprint != fingerprint):
            return RecordedTier(name, fingerprint, said)
        return RecordedTier(name, tier.fingerprint, said, _Live(name, tier, self._setting.policy))


class _Reading:
    """Stands in for the graph's `prepare`; rows go by their place."""

    def __init__(self, system: System, entries: Sequence[Entry], texts: bool) -> None:
        self._prepare = system.prepare
        self._entries = entries
        self._texts = texts

    def __call__(self, raw: object) -> Input:
        assert isinstance(raw, int)
        answer = self._entries[raw].answer
        if answer.error is not None and unreadable(answer):
            raise InputError(answer.error.message, hint=answer.error.hint)
        if self._texts:
            row = self._prepare(answer.input)
            return replace(row, facts={**row.facts, PLACE: raw})
        only = any(attempt.tier == "emoji" for attempt in answer.trail)
        return Input("", "", {"emoji_only": only, PLACE: raw})


class _Live:
    """A model's own word on rows the record lacks, calibrated as the recorded ones are."""

    def __init__(self, name: str, tier: Supervised, policy: HealingPolicy) -> None:
        self._name = name
        self._tier = tier
        self._policy = policy

    def __call__(self, rows: Sequence[Input]) -> list[Outcome]:
        outcomes = call(self._name, self._tier, rows, self._policy.labels).outcomes
        said = [o for o in outcomes if isinstance(o, Prediction)]
        own = self._tier.calibrator
        calibrated = iter(self._policy.calibrate(self._name, self._tier.fingerprint, said, own))
        return [next(calibrated) if isinstance(o, Prediction) else o for o in outcomes]


def _kind(recorded: RecordedRun) -> str:
    """Runs of one kind can go through one graph."""
    run = recorded.run
    options = {name: value for name, value in run.options.items() if name != "clarifications"}
    return json.dumps([run.graph, run.config, run.fingerprints, options, recorded.texts])


def _called(attempt: Attempt) -> bool:
    return attempt.failure is None or attempt.failure.kind not in _NOT_CALLED


def _cost(answer: Answer, costs: Mapping[str, float], tiers: Container[str]) -> float:
    return sum(costs.get(a.tier, 1.0) for a in answer.trail if a.tier in tiers and _called(a))
