"""What differs between two answers, and between what two runs were made with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mendgraph.core.record import RunRecord
from mendgraph.core.values import Answer, Attempt
from mendgraph.replay.records import POLICY

_ABSENT = "(none)"
_BY_CHANCE = frozenset({"seconds", "notes"})
"""Fields of an attempt that depend on the moment."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one row, e.g. ``trail.1.lexical.prediction.label``, as it was and as it is."""

    row: int
    field: str
    then: str
    now: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that may explain differences: what, as it was, and as it is."""

    what: str
    then: str
    now: str


def differences(row: int, then: Answer, now: Answer) -> list[Difference]:
    """Every field but seconds and notes, bit for bit; empty when the answers are the same."""
    return [Difference(row, *found) for found in _walk("", _plain(then), _plain(now))]


def causes(then: RunRecord, now: RunRecord, answers: Mapping[int, tuple[Answer, Answer]]) -> list[Cause]:
    """What of weights, policy, thresholds, versions and batch differs, and which tiers failed in one run only.

    Args:
        answers: row number -> the answer then and now.
    """
    found: list[Cause] = []
    for name in _names(then.fingerprints, now.fingerprints):
        what = "fitted policy" if name == POLICY else f"weights of {name}"
        found += _cause(what, _short(then.fingerprints.get(name)), _short(now.fingerprints.get(name)))
    for stage in _names(then.thresholds, now.thresholds):
        found += _cause(f"threshold of {stage}", then.thresholds.get(stage), now.thresholds.get(stage))
    for package in _names(then.versions, now.versions):
        found += _cause(package, then.versions.get(package), now.versions.get(package))
    found += _cause("configuration", _short(then.config_hash), _short(now.config_hash))
    found += _cause("rows in the batch", then.rows, now.rows)
    return [*found, *_failures(answers)]


def _failures(answers: Mapping[int, tuple[Answer, Answer]]) -> Iterator[Cause]:
    """Tiers that failed on a row in one of the two runs only, or in another way."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for then, now in answers.values():
        before, after = _outcomes(then.trail), _outcomes(now.trail)
        for tier in before.keys() & after.keys():
            if before[tier] != after[tier]:
                counted[tier, before[tier], after[tier]] += 1
    for (tier, before_, after_), count in sorted(counted.items()):
        rows = "1 row" if count == 1 else f"{count:,} rows"
        yield Cause(f"{tier}, on {rows}", before_, after_)


def _outcomes(trail: Sequence[Attempt]) -> dict[str, str]:
    return {a.tier: f"failed: {a.failure.kind}" if a.failure else "answered" for a in trail}


def _plain(answer: Answer) -> dict[str, Any]:
    whole = answer.to_dict()
    trail = {
        f"{place}.{step['tier']}": {k: v for k, v in step.items() if k not in _BY_CHANCE}
        for place, step in enumerate(whole["trail"])
    }
    return {**whole, "trail": trail}


def _walk(place: str, then: Any, now: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in _names(then, now):
            yield from _walk(f"{place}.{key}" if place else key, then.get(key), now.get(key))
    elif then != now:
        yield place, _shown(then), _shown(now)


def _cause(what: str, then: object, now: object) -> list[Cause]:
    return [] if then == now else [Cause(what, _shown(then), _shown(now))]


def _names(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return list({**one, **other})


def _short(fingerprint: str | None) -> str | None:
    return fingerprint[:12] if fingerprint else fingerprint


def _shown(value: object) -> str:
    if value is None or value == "":
        return _ABSENT
    if isinstance(value, Mapping) and value.get("tier"):
        said = value.get("prediction")
        return f"{value['tier']} said {said['label']}" if said else f"{value['tier']} failed"
    return value if isinstance(value, str) else repr(value)
