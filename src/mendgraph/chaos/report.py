"""What a storm showed, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mendgraph.chaos.resources import Sample, leaks, memory
from mendgraph.chaos.storm import Storm
from mendgraph.chaos.tally import quantiles

SAMPLES_KEPT = 240


@dataclass(frozen=True, slots=True)
class ChaosReport:
    """The outcome of `mend chaos`.

    Attributes:
        facts: JSON values only; see `report_of`.
        problems: why it failed, in words; empty when every row was answered once and nothing leaked.
        at: seconds from the start to the beginning of each request, (requests,).
        seconds: how long it took, (requests,).
        under_faults: whether a fault struck while it ran, (requests,).
        samples: memory and the like over time.
    """

    facts: Mapping[str, Any]
    problems: Sequence[str]
    at: npt.NDArray[np.float64]
    seconds: npt.NDArray[np.float64]
    under_faults: npt.NDArray[np.bool_]
    samples: Sequence[Sample]
    began: float

    def to_dict(self) -> dict[str, Any]:
        step = max(len(self.samples) // SAMPLES_KEPT, 1)
        kept = [
            {**sample.to_dict(), "at": round(sample.at - self.began, 1)} for sample in self.samples[::step]
        ]
        return {**self.facts, "problems": list(self.problems), "samples": _rounded(kept)}


def report_of(
    storm: Storm, settings: Mapping[str, Any], after: Sample | None, before: Sample | None
) -> ChaosReport:
    """The figures of a storm.

    Args:
        settings: what was asked for; part of the report as it is.
        before, after: resources before the graph was opened and after it was closed; None where not measurable.

    Keys of `ChaosReport.facts`: ``settings``; ``rows``: sent, answered, lost, duplicated, out_of_order,
    unreadable, all_tiers_failed, partial, by_status, by_source, healed_by; ``faults``: calls struck, by_kind,
    by_tier; ``failures``: failed attempts by tier and kind; ``errors``: why requests vanished; ``latency_ms``: calm
    and under_faults; ``breaker_openings`` and ``worker_restarts`` by tier; ``resources``; ``tiers``: health at the end.
    """
    tally = storm.tally
    seconds, troubled = tally.seconds(), tally.under_faults()
    resources = _resources(storm, before, after, tally.first_strike)
    problems = [
        f"{count} rows {what}"
        for count, what in (
            (tally.lost, "lost"),
            (tally.duplicated, "answered twice"),
            (tally.out_of_order, "in the wrong place"),
        )
        if count
    ]
    problems += [f"{count} requests vanished: {why}" for why, count in tally.errors.items()]
    problems += resources["leaks"]
    facts = {
        "settings": dict(settings),
        "rows": {
            "sent": tally.sent,
            "answered": tally.answered,
            "lost": tally.lost,
            "duplicated": tally.duplicated,
            "out_of_order": tally.out_of_order,
            "unreadable": tally.unreadable,
            "all_tiers_failed": tally.all_tiers_failed,
            "partial": tally.partial,
            "by_status": dict(tally.status.most_common()),
            "by_source": dict(tally.source.most_common()),
            "healed": tally.healed.total(),
            "healed_by": dict(tally.healed.most_common()),
        },
        "faults": {"struck": tally.strikes, "by_kind": tally.by_kind(), "by_tier": tally.by_tier()},
        "failures": dict(tally.failures.most_common()),
        "errors": dict(tally.errors.most_common()),
        "latency_ms": {
            "calm": quantiles(seconds[~troubled]),
            "under_faults": quantiles(seconds[troubled]),
        },
        "breaker_openings": storm.openings,
        "worker_restarts": storm.restarts,
        "resources": resources,
        "tiers": storm.health,
    }
    return ChaosReport(
        facts, problems, tally.began() - storm.began, seconds, troubled, storm.samples, storm.began
    )


def _resources(
    storm: Storm, before: Sample | None, after: Sample | None, first_strike: float | None
) -> dict[str, Any]:
    """Start is the last look before the first fault, when the graph has warmed up on calm requests."""
    if not storm.samples:
        return {"measured": False, "leaks": []}
    calm = [sample for sample in storm.samples if first_strike is None or sample.at < first_strike]
    start, end = (calm or storm.samples)[-1 if first_strike else 0], storm.samples[-1]
    slopes = memory(storm.samples)
    found = leaks(start, end, slopes)
    if before is not None and after is not None and after.processes > before.processes:
        found.append(f"{after.processes - before.processes} child processes left after closing")
    return {
        "measured": True,
        "start": _look(start, storm.began),
        "end": _look(end, storm.began),
        "processes_after_close": None if after is None else after.processes,
        "memory": _rounded(slopes),
        "leaks": found,
    }


def _look(sample: Sample, began: float) -> Any:
    return _rounded({**sample.to_dict(), "at": sample.at - began})


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 3) if isinstance(value, float) else value
