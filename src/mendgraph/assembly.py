"""Puts a graph together: configuration in, tiers, policy and face out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, overload

from langgraph.checkpoint.base import BaseCheckpointSaver
from loguru import logger

from mendgraph.adapters.kinds import Workshop, build_tier, check_arguments
from mendgraph.adapters.policies import open_policy
from mendgraph.adapters.provenance import facts_of
from mendgraph.app import Build, MendGraph
from mendgraph.config import Config, GraphSpec, graph_spec, load_config, with_overrides
from mendgraph.conflict import ConflictGraph, conflict_parts, prepare_row
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.preprocess import prepare
from mendgraph.core.prompts import prepare_prompt
from mendgraph.core.reflection import level_value, prepare_pair
from mendgraph.core.routed import route_value, surest
from mendgraph.core.tier import Tier
from mendgraph.core.values import Input, Prediction
from mendgraph.core.writing import prepare_writing
from mendgraph.errors import TierError, UnknownNameError
from mendgraph.graphs import conflict, emotion, prompt_routing, reflection, token_routing
from mendgraph.nodes.context import Context, probabilities
from mendgraph.prompt_routing import PromptRoutingGraph, routing_parts
from mendgraph.reflection import ReflectionGraph
from mendgraph.runtime.journal import Journal, NullJournal
from mendgraph.runtime.recipe import Recipe
from mendgraph.runtime.sqlite_journal import SqliteJournal
from mendgraph.runtime.supervised import Supervised
from mendgraph.token_routing import TokenRoutingGraph, token_routing_parts


@dataclass(frozen=True, slots=True)
class System:
    """What makes a graph's cascade one about emotion, or reflection.

    Attributes:
        build: lays out the graph over a `Context`.
        labels: the label space, in order.
        prepare, value, question: see `Context`.
        fields: what a row is made of; one name where a row is a text.
        pool, pooling: see `Context`.
        face: what `load` returns.
        configured: what of all this depends on the graph's configuration; see `under`.
    """

    build: Build
    labels: tuple[str, ...]
    fields: tuple[str, ...]
    prepare: Callable[[object], Input]
    value: Callable[..., Any] = probabilities
    question: str = "Which label fits?"
    face: Callable[..., MendGraph] = MendGraph
    pool: Callable[..., Sequence[Prediction | None]] = HealingPolicy.combine
    pooling: str = "weighs"
    configured: Callable[[GraphSpec], Mapping[str, Any]] | None = None

    def under(self, spec: GraphSpec) -> System:
        """As this configuration makes it."""
        return replace(self, **self.configured(spec)) if self.configured else self

    @property
    def example(self) -> object:
        """A row that `prepare` takes."""
        text = "Good morning, how are you?"
        return text if len(self.fields) == 1 else dict.fromkeys(self.fields, text)

    def context(self, **given: Any) -> Context:
        """A `Context` of this system; `given` are its other fields."""
        own = ("prepare", "value", "question", "pool", "pooling")
        return Context(**{**{name: getattr(self, name) for name in own}, **given})


BUILDS: Mapping[str, System] = {
    "emotion": System(emotion.build, emotion.LABELS, emotion.FIELDS, prepare),
    "reflection": System(
        reflection.build,
        reflection.LABELS,
        reflection.FIELDS,
        prepare_pair,
        level_value,
        reflection.QUESTION,
        ReflectionGraph,
    ),
    "prompt_routing": System(
        prompt_routing.build,
        (),  # the configured LLMs
        prompt_routing.FIELDS,
        prepare_prompt,
        route_value,
        prompt_routing.QUESTION,
        PromptRoutingGraph,
        surest,
        "the surest of",
        routing_parts,
    ),
    "token_routing": System(
        token_routing.build,
        token_routing.LABELS,
        token_routing.FIELDS,
        prepare_writing,
        face=TokenRoutingGraph,
        configured=token_routing_parts,
    ),
    "conflict": System(
        conflict.build,
        conflict.LABELS,
        conflict.FIELDS,
        prepare_row,
        face=ConflictGraph,
        configured=partial(conflict_parts, build=conflict.build),
    ),
}
"""Graph name -> what it is made of."""

Source = Recipe | Callable[[], Tier]
Wrap = Callable[[str, Source], Source]


class Loading(TypedDict, total=False):
    """What `load` takes beside the name."""

    config: Config | Path | str | None
    overrides: Sequence[str]
    tiers: Mapping[str, Tier] | None
    policy: HealingPolicy | None
    checkpointer: BaseCheckpointSaver[Any] | None
    journal: Journal | None
    wrap: Wrap | None


@overload
def load(name: Literal["reflection"], **given: Unpack[Loading]) -> ReflectionGraph: ...


@overload
def load(name: Literal["prompt_routing"], **given: Unpack[Loading]) -> PromptRoutingGraph: ...


@overload
def load(name: Literal["token_routing"], **given: Unpack[Loading]) -> TokenRoutingGraph: ...


@overload
def load(name: Literal["conflict"], **given: Unpack[Loading]) -> ConflictGraph: ...


@overload
def load(name: str = ..., **given: Unpack[Loading]) -> MendGraph: ...


def load(
    name: str = "emotion",
    *,
    config: Config | Path | str | None = None,
    overrides: Sequence[str] = (),
    tiers: Mapping[str, Tier] | None = None,
    policy: HealingPolicy | None = None,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    journal: Journal | None = None,
    wrap: Wrap | None = None,
) -> MendGraph:
    """Opens a graph with its models.

    Args:
        name: which system, e.g. ``"emotion"``.
        config: a configuration, or the path of one; by default the package's own.
        overrides: ``key.sub=value`` settings on top of the configuration.
        tiers: tiers to use instead of the configured ones, in the order to try them.
        policy: fitted policy to use instead of the configured one.
        checkpointer: LangGraph checkpointer, needed for ``ask="interrupt"``.
        journal: where final answers are recorded; by default where the configuration says, if anywhere.
        wrap: changes how a configured tier is opened, given its name; for injecting faults.

    Raises:
        UnknownNameError: no such graph.
        ConfigError: the configuration is wrong.
        JournalError: the journal that the configuration names cannot be written.

    A tier whose weights are missing or refused does not stop the graph: it is marked down with the reason
    (see `MendGraph.health`), the next tier answers, and it comes back by itself when its files are good.
    """
    if name not in BUILDS:
        raise UnknownNameError("graph", name, BUILDS)
    settings = (
        with_overrides(config, overrides) if isinstance(config, Config) else load_config(config, overrides)
    )
    spec = settings.graph(name)
    system = BUILDS[name].under(spec)
    healing = policy or load_policy(spec.policy, system.labels)
    kept = journal if journal is not None else _configured_journal(spec)
    context = system.context(
        tiers=dict(tiers) if tiers is not None else build_tiers(name, spec, system.labels, wrap),
        policy=healing,
        ask=spec.ask,
        journal=kept,
        deadline_s=spec.deadline_s,
        budget=spec.budget,
        costs={tier: stanza.cost for tier, stanza in spec.tiers.items()},
        facts=facts_of(name, spec, healing),
    )
    return system.face(
        name, context, system.build, checkpointer=checkpointer, closing=() if journal else (kept,)
    )


def _configured_journal(spec: GraphSpec) -> Journal:
    return SqliteJournal(Path(spec.journal)) if spec.journal else NullJournal()


def build_tiers(
    graph: str, spec: GraphSpec, labels: Sequence[str], wrap: Wrap | None = None
) -> dict[str, Supervised]:
    """The configured tiers, each looked after as its stanza says; refused ones are down until their files are good."""
    workshop = Workshop(spec, tuple(labels))
    for name, stanza in spec.tiers.items():
        check_arguments(name, stanza.kind, stanza.arguments)

    def opened(name: str) -> Supervised:
        source = _source_of(graph, spec, name, workshop)
        return Supervised(name, wrap(name, source) if wrap else source, spec.supervision_of(name))

    # Worker processes start side by side, because opening one is waiting; the others share one encoder, in turn.
    workers = [name for name in spec.tiers if spec.supervision_of(name).isolation == "process"]
    with ThreadPoolExecutor(max(len(workers), 1), thread_name_prefix="mendgraph opens") as pool:
        started = {name: pool.submit(opened, name) for name in workers}
        here = {name: opened(name) for name in spec.tiers if name not in started}
        tiers = {name: here.get(name) or started[name].result() for name in spec.tiers}
    for name, tier in tiers.items():
        if error := tier.error:
            logger.warning("tier {} is down: {}", name, error)
    return tiers


def _source_of(graph: str, spec: GraphSpec, name: str, workshop: Workshop) -> Source:
    if spec.supervision_of(name).isolation == "process":
        return Recipe(
            "mendgraph.assembly:tier_in_worker",
            {"graph": graph, "spec": spec.model_dump(mode="json"), "tier": name},
        )
    stanza = spec.tiers[name]
    return partial(build_tier, name, stanza.kind, stanza.arguments, workshop)


def tier_in_worker(graph: str, spec: Mapping[str, Any], tier: str) -> Tier:
    """One tier of a configuration that came as JSON; what worker processes open.

    It has answered a row already: the first forward pass of a process takes many times as long as any later one, and
    a deadline is meant for those.
    """
    settings = graph_spec(graph, spec)
    system = BUILDS[graph].under(settings)
    stanza = settings.tiers[tier]
    opened = build_tier(tier, stanza.kind, stanza.arguments, Workshop(settings, system.labels))
    opened.predict([system.prepare(system.example)])
    return opened


def tiers_of(config: Config, name: str = "emotion") -> dict[str, Tier]:
    """The tiers a configuration names for one graph.

    Raises:
        TierError: one of them is down; held-out rows have to be heard by all.
    """
    spec = config.graph(name)
    tiers = build_tiers(name, spec, BUILDS[name].under(spec).labels)
    for tier in tiers.values():
        if tier.error is not None:
            raise tier.error
    return dict(tiers)


def load_policy(source: str, labels: Sequence[str]) -> HealingPolicy:
    """The fitted policy; an empty one, under which nothing is accepted unasked, when it cannot be read."""
    try:
        return open_policy(source, labels)
    except TierError as error:
        logger.warning("no policy: {}", error)
        return HealingPolicy(labels=tuple(labels))
