"""A plan drawn by seed: every kind of fault strikes every tier in turn, and ends, so that the tier can recover."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from mendgraph.core.supervision import Isolation
from mendgraph.testing import Fault, FaultPlan

LEAD = 0.1
TAIL = 0.15
"""Shares of the time that are calm: at the start, to know how it is without faults; at the end, to recover."""

PACE = 60.0
"""Seconds of chaos from which faults last as long as below; shorter chaos has shorter ones."""

LONG = 600.0
"""Seconds of chaos from which the calm between two faults of a tier grows, up to three times as long."""

ANYWHERE: Mapping[str, tuple[tuple[float, float], dict[str, Any]]] = {
    "crash": ((2.0, 8.0), {}),
    "error": ((2.0, 8.0), {"error": "hub_unavailable"}),
    "nan": ((3.0, 8.0), {"share": 0.3}),
    "bad_label": ((3.0, 8.0), {"share": 0.3}),
    "wrong_count": ((2.0, 6.0), {}),
    "out_of_memory": ((3.0, 10.0), {"above": 2}),
    "slow": ((3.0, 8.0), {"seconds": 0.1}),
}
"""Kind -> how many seconds it lasts, from and to, and its parameters."""


VARIANTS = {
    "hang_in_c": "hang",
    "corrupt_truncate": "corrupt",
    "corrupt_flip": "corrupt",
    "corrupt_remove": "corrupt",
}
"""Names under which one kind of fault is drawn with different parameters."""


def random_plan(
    tiers: Mapping[str, Isolation],
    *,
    seconds: float,
    seed: int,
    hang_s: float = 5.0,
    weights: Mapping[str, str] | None = None,
) -> FaultPlan:
    """Faults for `seconds` of load.

    Args:
        tiers: name -> where it runs, which decides what it can survive: ``kill`` and ``segfault`` strike worker
            processes only, and a tier that is called inline hangs for a moment instead of `hang_s`.
        hang_s: longer than the tiers' deadline.
        weights: name -> a scratch copy of its artefact, to be damaged.
    """
    rng = random.Random(seed)
    scale = min(1.0, seconds / PACE)
    rest = min(max(seconds / LONG, 1.0), 3.0)
    faults: list[Fault] = []
    for tier, isolation in tiers.items():
        kinds = _kinds(isolation, hang_s, (weights or {}).get(tier))
        at = seconds * LEAD + rng.uniform(0, 6) * scale
        queue: list[str] = []
        while True:
            queue = queue or rng.sample(sorted(kinds), len(kinds))
            kind = queue.pop()
            lasts, parameters = kinds[kind]
            until = at + rng.uniform(*lasts) * scale
            if until > seconds * (1 - TAIL):
                break
            faults.append(
                Fault(
                    VARIANTS.get(kind, kind),
                    tier=tier,
                    from_s=round(at, 2),
                    until_s=round(until + 0.01, 2),
                    **parameters,
                )
            )
            at = until + rng.uniform(4, 20) * scale * rest
    return FaultPlan(sorted(faults, key=lambda fault: fault.from_s), seed)


def _kinds(
    isolation: Isolation, hang_s: float, weights: str | None
) -> dict[str, tuple[tuple[float, float], dict[str, Any]]]:
    kinds = dict(ANYWHERE)
    kinds["hang"] = ((2.0, 6.0), {"seconds": 0.3 if isolation == "inline" else hang_s})
    if isolation == "process":
        kinds["hang_in_c"] = ((2.0, 6.0), {"seconds": hang_s, "hard": True})
        kinds["kill"] = ((0.5, 3.0), {})
        kinds["segfault"] = ((0.5, 3.0), {})
    if weights is not None:
        for how in ("truncate", "flip", "remove"):
            kinds[f"corrupt_{how}"] = ((3.0, 8.0), {"path": weights, "how": how})
    return kinds
