"""Under what a recorded run would have run after a change, and which of its tiers' records still count then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mendgraph.adapters.hashing import sha256_of_json
from mendgraph.assembly import BUILDS, load_policy
from mendgraph.config import Config, GraphSpec, with_overrides
from mendgraph.core.calibration import Calibrator
from mendgraph.core.healing import HealingPolicy
from mendgraph.errors import ConfigError, JournalError
from mendgraph.replay.change import Change
from mendgraph.replay.records import POLICY, RecordedRun, config_of

_OF_MODELS = ("encoder", "precision", "max_length")
"""Settings of a graph that change what its models say by more than the last bits."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run would have been given.

    Attributes:
        tiers: in the order they would be tried.
        policy: with the thresholds as changed.
        usable: tiers for which the record still speaks: same weights, arguments and calibration.
        threshold: confidence every check asks for; None leaves the policy's.
        costs_before, costs: tier -> cost of one row; 1 for tiers not listed.
        config: the configuration as changed.
    """

    graph: str
    tiers: tuple[str, ...]
    policy: HealingPolicy
    usable: frozenset[str]
    ask: str
    threshold: float | None
    down: tuple[str, ...]
    costs_before: Mapping[str, float]
    costs: Mapping[str, float]
    config: Config


_IN_STAGES = ("conflict",)


def setting_of(recorded: RecordedRun, change: Change, policy: HealingPolicy | None = None) -> Setting:
    """Raises:
    JournalError: the policy is no longer the one that calibrated what is on record; or the graph works in stages.
    ConfigError: the change names a tier or a stage that is not there, or is no valid configuration.
    """
    run = recorded.run
    config = config_of(run)
    if run.graph in _IN_STAGES:
        raise JournalError(
            f"{run.graph} asks a tier several things about a row, each by what came before: run {run.id} does not tell "
            "what it would have said otherwise",
            hint="run the inputs anew with mend run and these settings",
        )
    changed = with_overrides(config, change.overrides) if change.overrides else config
    before, after = config.graph(run.graph), changed.graph(run.graph)
    labels = BUILDS[run.graph].under(before).labels
    fitted = policy or load_policy(before.policy, labels)
    if sha256_of_json(fitted.to_dict()) != run.fingerprints.get(POLICY):
        raise JournalError(
            f"run {run.id} was calibrated by another policy than {before.policy} holds now",
            hint="put the old policy back, or run the inputs anew with mend run",
        )
    chosen = (
        fitted
        if after.policy == before.policy
        else load_policy(after.policy, BUILDS[run.graph].under(after).labels)
    )
    tiers = _tiers(recorded, before, after)
    same_models = all(getattr(before, name) == getattr(after, name) for name in _OF_MODELS)
    usable = {
        name
        for name in recorded.tiers
        if same_models
        and _stanza(before, name) == _stanza(after, name)
        and _fitted(fitted.calibrators.get(name)) == _fitted(chosen.calibrators.get(name))
    }
    if strange := sorted(set(change.down) - {*tiers, *recorded.tiers}):
        raise ConfigError(f"down: unknown tiers {strange}", hint=f"known: {', '.join(tiers)}")
    ask = change.ask or str(run.options.get("ask") or before.ask)
    threshold = run.options.get("threshold") if change.threshold is None else change.threshold
    if change.stages:
        chosen, threshold = _with_stages(chosen, tiers, threshold, change.stages), None
    return Setting(
        graph=run.graph,
        tiers=tiers,
        policy=chosen,
        usable=frozenset(usable),
        ask="return" if ask == "interrupt" else ask,
        threshold=threshold,
        down=tuple(dict.fromkeys([*(run.options.get("down") or ()), *change.down])),
        costs_before={name: stanza.cost for name, stanza in before.tiers.items()},
        costs={name: stanza.cost for name, stanza in after.tiers.items()},
        config=changed,
    )


def _tiers(recorded: RecordedRun, before: GraphSpec, after: GraphSpec) -> tuple[str, ...]:
    """The configured tiers; for a run over tiers given in code those, less what the change takes out."""
    if set(recorded.tiers) == set(before.tiers):
        return tuple(after.tiers)
    gone = set(before.tiers) - set(after.tiers)
    return tuple(name for name in recorded.tiers if name not in gone)


def _with_stages(
    policy: HealingPolicy, tiers: tuple[str, ...], threshold: float | None, stages: Mapping[str, float]
) -> HealingPolicy:
    known = [*tiers, "irony"] if policy.irony else list(tiers)
    if strange := sorted(set(stages) - set(known)):
        raise ConfigError(f"thresholds: unknown stages {strange}", hint=f"known: {', '.join(known)}")
    base = policy.thresholds if threshold is None else {"default": threshold}
    return replace(policy, thresholds={**base, **stages})


def _stanza(spec: GraphSpec, tier: str) -> dict[str, Any] | None:
    """Everything that decides what a tier says."""
    stanza = spec.tiers.get(tier)
    return {"kind": stanza.kind, **stanza.arguments} if stanza else None


def _fitted(calibrator: Calibrator | None) -> dict[str, Any] | None:
    return calibrator.to_dict() if calibrator else None
