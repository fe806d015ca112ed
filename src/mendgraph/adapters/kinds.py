"""Kinds of tier that a configuration may name.  Built-ins and plug-ins come in by the same door.

A plug-in package registers a builder under the entry-point group ``mendgraph.tiers``; its keyword arguments
are the keys its stanza in config.yaml may have.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any

from mendgraph.adapters.adapter_tier import AdapterTier
from mendgraph.adapters.answerability import Answerability
from mendgraph.adapters.artifacts import open_artifact, resolve
from mendgraph.adapters.causal.state import Mode
from mendgraph.adapters.classifier import ClassifierTier
from mendgraph.adapters.conflict_opening import open_conflict_reader
from mendgraph.adapters.conflict_types import ConflictClassifierTier, ConflictTypesTier
from mendgraph.adapters.conflict_values import ConflictValuesTier
from mendgraph.adapters.cross_scorer import CrossScorerTier
from mendgraph.adapters.descriptions import DescriptionTier
from mendgraph.adapters.emoji_tier import EmojiTier
from mendgraph.adapters.ensemble import EnsembleTier
from mendgraph.adapters.hub import HUB_SCHEME
from mendgraph.adapters.lexical import LexicalTier
from mendgraph.adapters.neighbours import NeighbourTier
from mendgraph.adapters.pair_checkpoint import PairCheckpointTier
from mendgraph.adapters.reflection_features import ReflectionFeatureTier
from mendgraph.adapters.router_model import RouterModel
from mendgraph.adapters.router_tiers import BlindTier, OutcomeNeighbourTier, RouterTier
from mendgraph.adapters.workshop import Workshop
from mendgraph.adapters.writer_tier import open_writer
from mendgraph.adapters.zero_shot import ZeroShotTier
from mendgraph.core.registry import Registry
from mendgraph.core.tier import Tier
from mendgraph.errors import ConfigError

__all__ = ["TIER_KINDS", "Workshop", "build_tier", "check_arguments"]

GROUP = "mendgraph.tiers"


Builder = Callable[..., Tier]
TIER_KINDS: Registry[Builder] = Registry("kind of tier")


def build_tier(name: str, kind: str, arguments: Mapping[str, Any], workshop: Workshop) -> Tier:
    """The tier that a stanza of the configuration describes.

    Raises:
        UnknownNameError: no such kind.
        ConfigError: an argument is missing, or is none of the builder's.
        TierError: the weights were refused.
    """
    return check_arguments(name, kind, arguments)(name, workshop, **arguments)


def check_arguments(name: str, kind: str, arguments: Mapping[str, Any]) -> Builder:
    """The builder of a kind, once it is clear that it takes these arguments.

    Raises:
        UnknownNameError: no such kind.
        ConfigError: an argument is missing, or is none of the builder's.
    """
    builder = TIER_KINDS[kind] if kind in TIER_KINDS else _plugged_in(kind)
    signature = inspect.signature(builder)
    try:
        signature.bind(name, None, **arguments)
    except TypeError as error:
        keys = [p for p in signature.parameters if p not in {"name", "workshop"}]
        raise ConfigError(f"tiers.{name}: {error}", hint=f"kind {kind!r} takes: {', '.join(keys)}") from error
    return builder


def _plugged_in(kind: str) -> Builder:
    for entry in entry_points(group=GROUP, name=kind):
        builder: Builder = entry.load()
        return builder
    return TIER_KINDS[kind]  # raises, naming the known kinds


@TIER_KINDS.register("emoji")
def _emoji(name: str, workshop: Workshop, path: str) -> Tier:
    return EmojiTier(open_artifact(resolve(path)).path("emoji.json"))


@TIER_KINDS.register("adapter")
def _adapter(name: str, workshop: Workshop, path: str, merge: bool = True) -> Tier:
    artifact = open_artifact(resolve(path))
    return AdapterTier(name, workshop.encoder_of(artifact), artifact, merge=merge)


@TIER_KINDS.register("ensemble")
def _ensemble(name: str, workshop: Workshop, members: Sequence[str]) -> Tier:
    if not isinstance(members, list | tuple) or not members:
        raise ConfigError(f"tiers.{name}.members: expected a list of folders, got {members!r}")
    artifacts = [open_artifact(resolve(member)) for member in members]
    return EnsembleTier(name, [AdapterTier(name, workshop.encoder_of(a), a, merge=False) for a in artifacts])


@TIER_KINDS.register("lexical")
def _lexical(name: str, workshop: Workshop, path: str) -> Tier:
    return LexicalTier(name, open_artifact(resolve(path)))


@TIER_KINDS.register("neighbours")
def _neighbours(name: str, workshop: Workshop, path: str) -> Tier:
    artifact = open_artifact(resolve(path))
    return NeighbourTier(name, workshop.vectors_of(artifact), artifact)


@TIER_KINDS.register("descriptions")
def _descriptions(name: str, workshop: Workshop, path: str) -> Tier:
    artifact = open_artifact(resolve(path))
    return DescriptionTier(name, workshop.vectors_of(artifact), artifact)


@TIER_KINDS.register("classifier")
def _classifier(
    name: str, workshop: Workshop, model: str, label_map: Mapping[str, str | None] | None = None
) -> Tier:
    return ClassifierTier(name, model, workshop.labels, label_map, **workshop.limits)


@TIER_KINDS.register("zero_shot")
def _zero_shot(
    name: str,
    workshop: Workshop,
    model: str,
    template: str = "This text expresses {}.",
    wording: Mapping[str, str] | None = None,
) -> Tier:
    return ZeroShotTier(name, model, workshop.labels, template, wording=wording, **workshop.limits)


@TIER_KINDS.register("cross_scorer")
def _cross_scorer(name: str, workshop: Workshop, path: str, merge: bool = True) -> Tier:
    artifact = open_artifact(resolve(path))
    return CrossScorerTier(name, workshop.encoder_of(artifact), artifact, merge=merge)


@TIER_KINDS.register("reflection_features")
def _reflection_features(name: str, workshop: Workshop, path: str) -> Tier:
    artifact = open_artifact(resolve(path))
    return ReflectionFeatureTier(name, workshop.vectors_of(artifact), artifact)


@TIER_KINDS.register("pair_checkpoint")
def _pair_checkpoint(
    name: str,
    workshop: Workshop,
    path: str | None = None,
    repo: str | None = None,
    file: str | None = None,
    cache: str | None = None,
    encoder: str = "roberta-base",
    levels: Mapping[str, Any] | None = None,
    head: Mapping[str, Any] | None = None,
) -> Tier:
    if (path is None) == (repo is None) or (repo is None) != (file is None):
        raise ConfigError(
            f"tiers.{name}: expected either path, or repo and file",
            hint="repo: Khriis/PAIR with file: reflection_scorer_weight.pt, for instance",
        )
    checkpoint = path if path is not None else f"{HUB_SCHEME}{repo}/{file}"
    return PairCheckpointTier(
        name, checkpoint, encoder, levels=levels, cache=cache, head=head, **workshop.limits
    )


@TIER_KINDS.register("router")
def _router(name: str, workshop: Workshop, path: str) -> Tier:
    artifact = open_artifact(resolve(path))
    return RouterTier(
        name, RouterModel.open(artifact, workshop.encoder_of(artifact)), artifact, workshop.catalog
    )


@TIER_KINDS.register("router_neighbours")
def _router_neighbours(name: str, workshop: Workshop, path: str) -> Tier:
    artifact = open_artifact(resolve(path))
    return OutcomeNeighbourTier(name, workshop.vectors_of(artifact), artifact, workshop.catalog)


@TIER_KINDS.register("prompt_blind")
def _prompt_blind(name: str, workshop: Workshop, path: str) -> Tier:
    return BlindTier(name, open_artifact(resolve(path)), workshop.catalog)


@TIER_KINDS.register("writer")
def _writer(
    name: str,
    workshop: Workshop,
    mode: Mode,
    expert: str | None = None,
    heads: str | None = None,
    experts: Mapping[str, Mapping[str, Any]] | None = None,
    own_way: bool = False,
) -> Tier:
    ensemble = workshop.ensemble if experts is None else workshop.ensemble_of(experts)
    trained = workshop.writing.heads
    folder = f"{trained}/{mode}" if heads is None and mode != "forced" else heads
    others = None if heads is not None else lambda other: f"{trained}/{other}"
    return open_writer(name, ensemble, mode, heads=folder, expert=expert, own_way=own_way, others=others)


@TIER_KINDS.register("conflict_reader")
def _conflict_reader(
    name: str,
    workshop: Workshop,
    model: str,
    detector: str | None = None,
    refinement: str | None = None,
    answerability: str | None = None,
    adapter: str | None = None,
    documents: int = 7,
    memory: int = 32_768,
) -> Tier:
    judge = None
    if answerability is not None:
        artifact = open_artifact(resolve(answerability))
        judge = Answerability(workshop.encoder_of(artifact), artifact)
    return open_conflict_reader(
        name,
        model,
        detector=detector,
        refinement=refinement,
        judge=judge,
        adapter=adapter,
        device=workshop.spec.device,
        precision=workshop.spec.precision,
        documents=documents,
        memory=memory,
        batch_size=workshop.spec.batch_size,
    )


@TIER_KINDS.register("conflict_types")
def _conflict_types(name: str, workshop: Workshop, path: str, merge: bool = True) -> Tier:
    artifact = open_artifact(resolve(path))
    return ConflictTypesTier(name, workshop.encoder_of(artifact), artifact, merge=merge)


@TIER_KINDS.register("conflict_classifier")
def _conflict_classifier(
    name: str, workshop: Workshop, model: str, label_map: Mapping[str, str | None] | None = None
) -> Tier:
    return ConflictClassifierTier(name, model, label_map, **workshop.limits)


@TIER_KINDS.register("conflict_values")
def _conflict_values(name: str, workshop: Workshop) -> Tier:
    return ConflictValuesTier(name)
