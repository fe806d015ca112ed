"""Puts a graph together: configuration in, tiers, policy and face out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from loguru import logger

from mendgraph.adapters.kinds import Workshop, build_tier
from mendgraph.adapters.policies import open_policy
from mendgraph.app import Build, MendGraph
from mendgraph.config import Config, GraphSpec, load_config, with_overrides
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.preprocess import prepare
from mendgraph.core.tier import Tier
from mendgraph.errors import TierError, UnknownNameError
from mendgraph.graphs import emotion
from mendgraph.nodes.context import Context
from mendgraph.runtime.journal import Journal, NullJournal

BUILDS: Mapping[str, tuple[Build, tuple[str, ...]]] = {"emotion": (emotion.build, emotion.LABELS)}
"""Graph name -> its builder and its label space."""


class DownTier:
    """Stands in for a tier whose weights were refused; every row it is asked about gets the reason."""

    fingerprint = ""

    def __init__(self, name: str, error: TierError) -> None:
        self.name = name
        self.error = error

    def predict(self, rows: Sequence[object]) -> Any:
        raise self.error


def load(
    name: str = "emotion",
    *,
    config: Config | Path | str | None = None,
    overrides: Sequence[str] = (),
    tiers: Mapping[str, Tier] | None = None,
    policy: HealingPolicy | None = None,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    journal: Journal | None = None,
) -> MendGraph:
    """Opens a graph with its models.

    Args:
        name: which system, e.g. ``"emotion"``.
        config: a configuration, or the path of one; by default the package's own.
        overrides: ``key.sub=value`` settings on top of the configuration.
        tiers: tiers to use instead of the configured ones, in the order to try them.
        policy: fitted policy to use instead of the configured one.
        checkpointer: LangGraph checkpointer, needed for ``ask="interrupt"``.
        journal: where final answers are recorded.

    Raises:
        UnknownNameError: no such graph.
        ConfigError: the configuration is wrong.

    A tier whose weights are missing or refused does not stop the graph: it is marked down with the reason
    (see `MendGraph.health`) and the next tier answers.
    """
    if name not in BUILDS:
        raise UnknownNameError("graph", name, BUILDS)
    build, labels = BUILDS[name]
    settings = (
        with_overrides(config, overrides) if isinstance(config, Config) else load_config(config, overrides)
    )
    spec = settings.graph(name)
    context = Context(
        prepare=prepare,
        tiers=dict(tiers) if tiers is not None else build_tiers(spec, labels),
        policy=policy or load_policy(spec.policy, labels),
        ask=spec.ask,
        journal=journal or NullJournal(),
    )
    return MendGraph(name, _self_calibrated(context), build, checkpointer=checkpointer)


def build_tiers(spec: GraphSpec, labels: Sequence[str]) -> dict[str, Tier]:
    """The configured tiers; refused ones as `DownTier`."""
    workshop = Workshop(spec, tuple(labels))
    tiers: dict[str, Tier] = {}
    for name, tier in spec.tiers.items():
        try:
            tiers[name] = build_tier(name, tier.kind, tier.arguments, workshop)
        except TierError as error:
            logger.warning("tier {} is down: {}", name, error)
            tiers[name] = DownTier(name, error)
    return tiers


def tiers_of(config: Config, name: str = "emotion") -> dict[str, Tier]:
    """The tiers a configuration names for one graph.

    Raises:
        TierError: one of them is down; held-out rows have to be heard by all.
    """
    tiers = build_tiers(config.graph(name), BUILDS[name][1])
    for tier in tiers.values():
        if isinstance(tier, DownTier):
            raise tier.error
    return tiers


def load_policy(source: str, labels: Sequence[str]) -> HealingPolicy:
    """The fitted policy; an empty one, under which nothing is accepted unasked, when it cannot be read."""
    try:
        return open_policy(source, labels)
    except TierError as error:
        logger.warning("no policy: {}", error)
        return HealingPolicy(labels=tuple(labels))


def _self_calibrated(context: Context) -> Context:
    """Tiers that bring a calibration of their own use it where the policy's is for other weights."""
    calibrators = dict(context.policy.calibrators)
    for name, tier in context.tiers.items():
        own = getattr(tier, "calibrator", None)
        fitted = calibrators.get(name)
        if own is not None and (fitted is None or fitted.fingerprint != tier.fingerprint):
            calibrators[name] = own
    return replace(context, policy=replace(context.policy, calibrators=calibrators))
