"""Doubles and faults, for tests of this package and of yours, and for `mend chaos`.

from mendgraph.testing import Failing, Scripted
from mendgraph import load

graph = load("emotion", tiers={"primary": Failing(), "backup": Scripted({"hello": "joy"})})

A real graph whose primary crashes at its third call, and is slow from the tenth on:

from mendgraph.testing import Fault, FaultPlan, injecting

plan = FaultPlan([Fault("crash", tier="primary", at_call=3), Fault("slow", factor=10, from_call=10)])
graph = load("emotion", wrap=injecting(plan))
"""

from __future__ import annotations

from mendgraph.testing.damage import Damage, scratch_copy
from mendgraph.testing.doubles import LABELS, Failing, Hanging, Scripted, scores_for
from mendgraph.testing.fault import KINDS, Fault
from mendgraph.testing.faulty import Faulty, faulty_tier, injecting
from mendgraph.testing.plan import FaultPlan

__all__ = [
    "KINDS",
    "LABELS",
    "Damage",
    "Failing",
    "Fault",
    "FaultPlan",
    "Faulty",
    "Hanging",
    "Scripted",
    "faulty_tier",
    "injecting",
    "scores_for",
    "scratch_copy",
]
