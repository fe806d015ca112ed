"""Opens what the configuration names: reader, detector, refinements, types classifier, and the graph of them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from mendgraph.adapters.answerability import Answerability
from mendgraph.adapters.artifacts import MANIFEST, open_artifact, resolve
from mendgraph.adapters.conflict_reader import ConflictReaderTier
from mendgraph.adapters.conflict_types import ConflictTypesTier
from mendgraph.adapters.kinds import Workshop, build_tier
from mendgraph.adapters.reader.refiner import REFINEMENT_KIND, Refiner, load_refinement
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.app import MendGraph
from mendgraph.assembly import load
from mendgraph.config import Config, ConflictSpec
from mendgraph.core.conflict import LEVELS
from mendgraph.core.tier import Tier
from mendgraph.core.values import Answer
from mendgraph.errors import ConfigError
from mendgraph.evaluation.conflict.parts import Parts
from mendgraph.evaluation.conflict.said import REFINED

__all__ = ["Opened", "open_parts"]

READER: Final = "conflict_reader"
TYPES: Final = "conflict_types"

_PARTS: Final = ("detector", "refinement", "answerability")

Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Opened:
    """
    Attributes:
        vectors: of sentences, which a baseline reads.
        weights: what -> fingerprint.
    """

    parts: Parts
    graph: MendGraph
    spec: ConflictSpec
    vectors: SentenceVectors
    weights: Mapping[str, str]


def open_parts(config: Config, *, echo: Echo = lambda line: None) -> Opened:
    """The graph, and its parts as the first tier of each kind names them, or as they lie beside its reader; what is not
    there is told and left out.

    Raises:
        ConfigError: no tier is a reader.
        ArtifactError: the reader is missing, or a part is damaged or belongs to another.
    """
    spec = config.conflict
    workshop = Workshop(spec, LEVELS)
    stanza = _first(spec, READER)
    if stanza is None:
        raise ConfigError(
            f"{config.source}: conflict.tiers: none is of kind {READER!r}",
            hint=f"reader: {{kind: {READER}, model: embedded:conflict/reader}}",
        )
    own = {
        name: _there(name, stanza.get(name) or _beside(str(stanza["model"]), name), echo) for name in _PARTS
    }
    tier = _built(READER, {**stanza, **own}, workshop)
    assert isinstance(tier, ConflictReaderTier)
    refiners = _refiners(tier, own["refinement"])
    named = _first(spec, TYPES)
    types = None if named is None else _built(TYPES, named, workshop)
    if types is None:
        echo("no types classifier is configured: what needs one is left out")
    assert types is None or isinstance(types, ConflictTypesTier)
    judge = None
    if own["answerability"] is not None:
        artifact = open_artifact(resolve(own["answerability"]))
        judge = Answerability(workshop.encoder_of(artifact), artifact)
    graph = load("conflict", config=config)
    for name, health in graph.health().items():
        if health["state"] == "down":
            echo(f"the graph's tier {name} is down: {health['error']}")
    parts = {"detector": tier.detector, **refiners, "types": types, "answerability": judge}
    weights = {name: part.fingerprint for name, part in parts.items() if part is not None}
    return Opened(
        Parts(tier.reader, tier.detector, refiners, types, judge, partial(_answered, graph)),
        graph,
        spec,
        workshop.vectors,
        {"reader": tier.reader.fingerprint, **weights},
    )


def _answered(graph: MendGraph, rows: Sequence[Mapping[str, Any]]) -> list[Answer]:
    return graph.run(list(rows), ask="never")


def _first(spec: ConflictSpec, kind: str) -> dict[str, Any] | None:
    return next((tier.arguments for tier in spec.tiers.values() if tier.kind == kind), None)


def _built(kind: str, arguments: Mapping[str, Any], workshop: Workshop) -> Tier:
    return build_tier(kind, kind, arguments, workshop)


def _beside(model: str, name: str) -> str | None:
    """A part that was trained for the reader and lies beside it, though the graph does without."""
    if not (model.startswith("embedded:") or Path(model).is_dir()):
        return None
    folder = resolve(model).parent / name
    return str(folder) if (folder / MANIFEST).is_file() else None


def _there(name: str, place: str | None, echo: Echo) -> str | None:
    """The folder, unless it is not there."""
    if place is not None and (resolve(place) / MANIFEST).is_file():
        return place
    echo(f"no {name} in {place!r}: what needs one is left out" if place else f"no {name} is configured")
    return None


def _refiners(tier: ConflictReaderTier, place: str | None) -> dict[str, Refiner]:
    """The graph's own, and those in folders beside it that begin with its name and ``_``: gated, single shot."""
    if tier.refiner is None or place is None:
        return {}
    found = {REFINED: tier.refiner}
    folder = resolve(place)
    for other in sorted(folder.parent.glob(f"{folder.name}_*")):
        if (other / MANIFEST).is_file() and open_artifact(other).manifest.kind == REFINEMENT_KIND:
            name = other.name.removeprefix(f"{folder.name}_").replace("_", " ")
            found[f"{REFINED}, {name}"] = load_refinement(other, reader=tier.reader.fingerprint)
    return found
