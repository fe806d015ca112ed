"""Kinds of tier that a configuration may name.  Built-ins and plug-ins come in by the same door.

A plug-in package registers a builder under the entry-point group ``mendgraph.tiers``; its keyword arguments
are the keys its stanza in config.yaml may have.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from typing import Any

from mendgraph.adapters.adapter_tier import AdapterTier
from mendgraph.adapters.artifacts import Artifact, open_artifact, resolve
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import Expert
from mendgraph.adapters.causal.state import Mode
from mendgraph.adapters.classifier import ClassifierTier
from mendgraph.adapters.cross_scorer import CrossScorerTier
from mendgraph.adapters.descriptions import DescriptionTier
from mendgraph.adapters.emoji_tier import EmojiTier
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.ensemble import EnsembleTier
from mendgraph.adapters.hub import HUB_SCHEME
from mendgraph.adapters.lexical import LexicalTier
from mendgraph.adapters.llm_catalog import catalog_of
from mendgraph.adapters.neighbours import NeighbourTier
from mendgraph.adapters.pair_checkpoint import PairCheckpointTier
from mendgraph.adapters.reflection_features import ReflectionFeatureTier
from mendgraph.adapters.router_model import RouterModel
from mendgraph.adapters.router_tiers import BlindTier, OutcomeNeighbourTier, RouterTier
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.adapters.writer_tier import open_writer
from mendgraph.adapters.zero_shot import ZeroShotTier
from mendgraph.config import GraphSpec, RoutingSpec, TokenRoutingSpec
from mendgraph.core.registry import Registry
from mendgraph.core.routing import Catalog
from mendgraph.core.tier import Tier
from mendgraph.errors import ConfigError

GROUP = "mendgraph.tiers"


@dataclass(frozen=True)
class Workshop:
    """What builders share: the graph's settings, and one encoder opened when first needed."""

    spec: GraphSpec
    labels: tuple[str, ...]

    @property
    def limits(self) -> dict[str, Any]:
        """Where and how models run, as keyword arguments of every model's constructor."""
        spec = self.spec
        return {
            "device": spec.device,
            "precision": spec.precision,
            "max_length": spec.max_length,
            "batch_size": spec.batch_size,
        }

    @cached_property
    def encoder(self) -> SharedEncoder:
        return SharedEncoder.open(self.spec.encoder, **self.limits)

    def encoder_of(self, artifact: Artifact) -> SharedEncoder:
        """The encoder an adapter was trained on: the shared one, unless its manifest names another."""
        base = artifact.manifest.base_model
        if base is None or base.name == self.spec.encoder or base.sha256 == self.encoder.backbone.sha256:
            return self.encoder
        return SharedEncoder.open(base.name, **self.limits)

    @property
    def catalog(self) -> Catalog:
        """The LLMs to choose among.

        Raises:
            ConfigError: the graph chooses among none.
        """
        if not isinstance(self.spec, RoutingSpec):
            raise ConfigError(
                "this kind of tier rates LLMs, and the graph has none", hint="it belongs to prompt_routing"
            )
        return catalog_of(self.spec)

    @property
    def writing(self) -> TokenRoutingSpec:
        """
        Raises:
            ConfigError: the graph does not write.
        """
        if not isinstance(self.spec, TokenRoutingSpec):
            raise ConfigError(
                "this kind of tier writes, and the graph does not", hint="it belongs to token_routing"
            )
        return self.spec

    @cached_property
    def ensemble(self) -> Ensemble:
        """The configured experts."""
        return self.ensemble_of({name: one.model_dump() for name, one in self.writing.experts.items()})

    def ensemble_of(self, experts: Mapping[str, Mapping[str, Any]]) -> Ensemble:
        """
        Args:
            experts: name -> ``path`` and, if it has one, ``adapter``.
        """
        wanted: list[Expert | Mapping[str, Any]] = [{"name": name, **one} for name, one in experts.items()]
        return Ensemble.open(wanted, device=self.spec.device, precision=self.spec.precision)

    @cached_property
    def vectors(self) -> SentenceVectors:
        return SentenceVectors(self.encoder)

    def vectors_of(self, artifact: Artifact) -> SentenceVectors:
        """Vectors of the encoder an artefact was made over; see `encoder_of`."""
        encoder = self.encoder_of(artifact)
        return self.vectors if encoder is self.encoder else SentenceVectors(encoder)


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
