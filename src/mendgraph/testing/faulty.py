"""A tier to which a plan's faults happen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import TierError
from mendgraph.runtime.recipe import Recipe
from mendgraph.testing.fault import ONLY_IN_A_WORKER, Fault
from mendgraph.testing.ledger import Ledger
from mendgraph.testing.plan import FaultPlan
from mendgraph.testing.reopening import Reopening
from mendgraph.testing.strikes import Call, only_in_worker, strike_after, strike_before

Opener = Recipe | Callable[[], Tier]


class Faulty:
    """Answers as the tier inside does, except where the plan says otherwise.

    Args:
        tier: a tier, or how to open one; ``corrupt`` needs the latter, since it opens the weights again.
        plan: what goes wrong.  The path of a plan instead is read again whenever that file changes, so that faults
            can be switched on and off while the tier is at work, in whichever process that is; no file, no faults.
        name: what the plan calls this tier; by default its own name.
        ledger: folder that keeps the count of calls when the process dies; see `Ledger`.
        clock: epoch seconds.

    Raises:
        ConfigError: the plan kills processes and this one is no worker, or it breaks weights that are no copy.
        TierError: the weights were refused, also where the plan has just broken them.
    """

    def __init__(
        self,
        tier: Tier | Opener,
        plan: FaultPlan | Path,
        *,
        name: str | None = None,
        ledger: Path | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._created = clock()
        inner = tier if isinstance(tier, Tier) else None
        opener = None if isinstance(tier, Tier) else tier.open if isinstance(tier, Recipe) else tier
        self._inner = Reopening(inner, opener)
        self.name = name or self._inner.under(()).name
        self._ledger = Ledger(self.name, ledger)
        self._file = plan if isinstance(plan, Path) else None
        self._stamp: tuple[int, int, int] | None = None
        self._plan = FaultPlan() if isinstance(plan, Path) else self._usable(plan)
        now = self._current()
        broken = [f for f in _corrupting(now.faults) if f.timed and f.lasts(self._since(now))]
        self.fingerprint = self._inner.under(broken).fingerprint

    @property
    def calibrator(self) -> Any:
        return getattr(self._inner.tier, "calibrator", None)

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        number = self._ledger.number()
        plan = self._current()
        calls = [
            (fault, Call(self.name, number, rows, (plan.seed, self.name, place, number), self._sleep))
            for place, fault in plan.due(self.name, number, self._since(plan), rows)
        ]
        for fault, call in calls:
            self._ledger.struck(fault.kind, number)
            strike_before(fault, call)
        tier = self._inside([fault for fault, _ in calls])
        started = time.perf_counter()
        outcomes = list(tier.predict(rows))
        spent = time.perf_counter() - started
        for fault, call in calls:
            outcomes = strike_after(fault, call, outcomes, spent)
        return outcomes

    def close(self) -> None:
        """Mends what was broken on disk and closes the tier inside."""
        self._inner.close()

    def _inside(self, faults: Sequence[Fault]) -> Tier:
        try:
            tier = self._inner.under(_corrupting(faults))
        except TierError:
            self.fingerprint = ""
            raise
        self.fingerprint = tier.fingerprint
        return tier

    def _since(self, plan: FaultPlan) -> float:
        return self._clock() - (self._created if plan.start is None else plan.start)

    def _current(self) -> FaultPlan:
        if self._file is None:
            return self._plan
        try:
            status = os.stat(self._file)
        except FileNotFoundError:
            self._stamp, self._plan = None, FaultPlan()
            return self._plan
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp != self._stamp:
            self._plan = self._usable(FaultPlan.from_file(self._file))
            self._stamp = stamp
        return self._plan

    def _usable(self, plan: FaultPlan) -> FaultPlan:
        plan = plan.of(self.name)
        for fault in plan.faults:
            if fault.kind in ONLY_IN_A_WORKER:
                only_in_worker(fault.kind)
        self._inner.check(plan.faults)
        return plan


def faulty_tier(
    target: str,
    arguments: Mapping[str, Any],
    plan: Mapping[str, Any] | str,
    name: str | None = None,
    ledger: str | None = None,
) -> Faulty:
    """A `Faulty` out of JSON values: what a worker process builds.

    Args:
        target, arguments: the `Recipe` of the tier inside.
        plan: `FaultPlan.to_dict`, or the path of a file that is read again whenever it changes.
        name, ledger: as for `Faulty`.
    """
    faults = Path(plan) if isinstance(plan, str) else FaultPlan.from_dict(dict(plan))
    kept = None if ledger is None else Path(ledger)
    return Faulty(Recipe(target, dict(arguments)), faults, name=name, ledger=kept)


def injecting(plan: FaultPlan | Path, *, ledger: Path | None = None) -> Callable[[str, Any], Any]:
    """The ``wrap`` of `mendgraph.load`: every tier of the graph becomes faulty, wherever it runs.

    A recipe, which another process will follow, becomes the recipe of a faulty tier; a function that opens a tier
    becomes one that opens a faulty one.
    """

    def wrap(name: str, source: Opener) -> Opener:
        if not isinstance(source, Recipe):
            return lambda: Faulty(source, plan, name=name, ledger=ledger)
        return Recipe(
            "mendgraph.testing:faulty_tier",
            {
                "target": source.target,
                "arguments": dict(source.arguments),
                "plan": str(plan) if isinstance(plan, Path) else plan.of(name).to_dict(),
                "name": name,
                "ledger": None if ledger is None else str(ledger),
            },
        )

    return wrap


def _corrupting(faults: Sequence[Fault]) -> list[Fault]:
    return [fault for fault in faults if fault.kind == "corrupt"]
