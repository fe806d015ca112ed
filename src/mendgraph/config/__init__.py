"""config.yaml as frozen values."""

from mendgraph.config.conflict import ConflictSpec
from mendgraph.config.graph import GraphSpec, TierSpec
from mendgraph.config.routing import EndpointSpec, ExpertSpec, LLMSpec, RoutingSpec, TokenRoutingSpec
from mendgraph.config.settings import DEFAULTS, Config, graph_names, graph_spec, load_config, with_overrides
from mendgraph.config.training import LoraSpec, ModelSpec, ReflectionTrainingSpec, TrainingSpec

__all__ = [
    "DEFAULTS",
    "Config",
    "ConflictSpec",
    "EndpointSpec",
    "ExpertSpec",
    "GraphSpec",
    "LLMSpec",
    "LoraSpec",
    "ModelSpec",
    "ReflectionTrainingSpec",
    "RoutingSpec",
    "TierSpec",
    "TokenRoutingSpec",
    "TrainingSpec",
    "graph_names",
    "graph_spec",
    "load_config",
    "with_overrides",
]
