"""The graphs that the benchmarks time."""

from __future__ import annotations

import mendgraph
from mendgraph import MendGraph, Tier
from mendgraph.core.calibration.temperature import Temperature
from mendgraph.core.healing import HealingPolicy, IronyRule
from mendgraph.graphs.emotion import LABELS
from mendgraph.testing import Scripted

BACKUPS = ("lexical", "neighbours", "descriptions", "ensemble")


def settled_by(primary: Tier, *, backups: int = len(BACKUPS)) -> MendGraph:
    """The shape of the emotion graph: an emoji tier before `primary`, an irony check after it, four backups.

    With ``threshold=0`` the primary settles every row and no backup is called; ``backups=0`` leaves the primary
    and its checks alone.
    """
    tiers: dict[str, Tier] = {"emoji": Scripted({}), "primary": primary} if backups else {"primary": primary}
    tiers |= {name: Scripted({}) for name in BACKUPS[:backups]}
    policy = HealingPolicy(
        labels=LABELS,
        calibrators={name: Temperature(1.0, tier.fingerprint) for name, tier in tiers.items()},
        irony=IronyRule(1.0, LABELS[:1]),
    )
    return mendgraph.load("emotion", tiers=tiers, policy=policy)


def shipped() -> MendGraph | None:
    """The emotion graph as it ships; None where some of its weights are not installed."""
    graph = mendgraph.load("emotion")
    up = all(tier["state"] == "up" and tier["calibrated"] for tier in graph.health().values())
    return graph if up else None
