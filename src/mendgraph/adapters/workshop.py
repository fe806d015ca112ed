"""What builders of tiers share: settings, and models that are opened when first needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import Expert
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.llm_catalog import catalog_of
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.config import GraphSpec, RoutingSpec, TokenRoutingSpec
from mendgraph.core.routing import Catalog
from mendgraph.errors import ConfigError

__all__ = ["Workshop"]


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
