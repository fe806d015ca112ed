"""config.yaml as one value, and where it is read from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from mendgraph.config.conflict import ConflictSpec
from mendgraph.config.frozen import Frozen
from mendgraph.config.graph import GraphSpec
from mendgraph.config.routing import RoutingSpec, TokenRoutingSpec
from mendgraph.config.training import LoraSpec, ModelSpec, ReflectionTrainingSpec, TrainingSpec
from mendgraph.errors import ConfigError
from mendgraph.settings_file import merged, read_mapping, settings_of, with_absolute_paths

DEFAULTS = Path(__file__).parents[1] / "config.yaml"
FILE = "(file)"
"""Where a configuration came from, among its keys."""


class Config(Frozen):
    """The whole configuration; `source` is the file it came from."""

    source: Path = Field(validation_alias=FILE)
    model: ModelSpec = ModelSpec()
    lora: LoraSpec = LoraSpec()
    training: TrainingSpec = TrainingSpec()
    reflection_training: ReflectionTrainingSpec = ReflectionTrainingSpec()
    emotion: GraphSpec
    reflection: GraphSpec
    prompt_routing: RoutingSpec
    token_routing: TokenRoutingSpec
    conflict: ConflictSpec

    def graph(self, name: str) -> GraphSpec:
        spec = getattr(self, name, None)
        if not isinstance(spec, GraphSpec):
            raise ConfigError(
                f"{self.source}: no graph named {name!r}", hint=f"known graphs: {', '.join(graph_names())}"
            )
        return spec


def graph_names() -> list[str]:
    """Every graph that a configuration describes."""
    return list(_graph_specs())


def graph_spec(name: str, data: Mapping[str, Any]) -> GraphSpec:
    """The stanza of one graph, from what `GraphSpec.model_dump` gave."""
    return _graph_specs()[name].model_validate(dict(data))


def _graph_specs() -> dict[str, type[GraphSpec]]:
    entries = ((name, entry.annotation) for name, entry in Config.model_fields.items())
    return {name: kind for name, kind in entries if isinstance(kind, type) and issubclass(kind, GraphSpec)}


def load_config(path: Path | str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Defaults, then the user's file, then ``key.sub=value`` overrides.

    The user's file is `path`, else ``$MENDGRAPH_CONFIG``, else ``./mendgraph.yaml`` if it is there.

    Raises:
        ConfigError: ``where: what`` for everything that is wrong at once.
    """
    source = _source(path)
    data = read_mapping(DEFAULTS)
    if source != DEFAULTS:
        data = _own_models(data, given := with_absolute_paths(read_mapping(source), source.parent))
        data = merged(data, given)
    return _checked(merged(data, settings_of(overrides)), source)


def with_overrides(config: Config, overrides: Sequence[str]) -> Config:
    """The same configuration with ``key.sub=value`` settings on top.

    Raises:
        ConfigError: as `load_config`.
    """
    return _checked(merged(config.model_dump(exclude={"source"}), settings_of(overrides)), config.source)


_MODELS = {"prompt_routing": "llms", "token_routing": "experts"}
"""Graph -> its key for the models to choose among."""


def _own_models(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The defaults without their LLMs or experts where a file names its own: those of others are no candidates."""
    for graph, key in _MODELS.items():
        stanza = given.get(graph)
        if isinstance(stanza, dict) and key in stanza:
            defaults = {**defaults, graph: {**defaults[graph], key: {}}}
    return defaults


def _checked(data: dict[str, Any], source: Path) -> Config:
    for name in graph_names():
        graph = data.get(name)
        for key in ("tiers", "llms", "experts"):
            if isinstance(graph, dict) and isinstance(graph.get(key), dict):
                used = {entry: stanza for entry, stanza in graph[key].items() if stanza is not None}
                graph = {**graph, key: used}
                data = {**data, name: graph}
    try:
        # Under its own alias, so that a key named "source" in a file is as unknown as any other.
        return Config.model_validate({**data, FILE: source})
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ConfigError(f"{source}: " + "; ".join(lines), hint=f"see {DEFAULTS} for every key") from error


def _source(path: Path | str | None) -> Path:
    named = path or os.environ.get("MENDGRAPH_CONFIG")
    if named:
        return Path(os.path.expanduser(named)).resolve()
    local = Path("mendgraph.yaml")
    return local.resolve() if local.is_file() else DEFAULTS
