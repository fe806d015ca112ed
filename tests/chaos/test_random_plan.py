"""Random plans: the same from the same seed, every fault ends, and nothing a tier could not survive."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mendgraph.chaos.random_plan import LEAD, TAIL, random_plan
from mendgraph.testing import KINDS, FaultPlan

TIERS = {"primary": "process", "backup": "thread", "rule": "inline"}
WEIGHTS = {"primary": "/copy/primary"}


@given(st.integers(), st.floats(1.0, 600.0))
def test_faults_of_a_tier_follow_one_another_between_two_calms(seed: int, seconds: float) -> None:
    plan = random_plan(TIERS, seconds=seconds, seed=seed, weights=WEIGHTS)  # type: ignore[arg-type]
    assert plan == random_plan(TIERS, seconds=seconds, seed=seed, weights=WEIGHTS)  # type: ignore[arg-type]
    assert FaultPlan.from_dict(plan.to_dict()) == plan
    for tier in TIERS:
        faults = plan.of(tier).faults
        for fault in faults:
            assert fault.from_s >= LEAD * seconds - 0.01
            assert (fault.until_s or seconds) <= (1 - TAIL) * seconds + 0.02
            assert fault.timed
        assert all((one.until_s or 0) <= other.from_s + 0.02 for one, other in pairwise(faults))


def test_every_kind_a_tier_can_survive_comes_up_and_no_other() -> None:
    plan = random_plan(TIERS, seconds=3000, seed=0, weights=WEIGHTS)  # type: ignore[arg-type]
    kinds = {tier: {fault.kind for fault in plan.of(tier).faults} for tier in TIERS}
    assert kinds["primary"] == set(KINDS)
    assert kinds["backup"] == kinds["rule"] == set(KINDS) - {"kill", "segfault", "corrupt"}
    assert any(fault.hard for fault in plan.of("primary").faults)
    assert all((fault.seconds or 0) < 1 for fault in plan.of("rule").faults)
