"""What exactly was measured: weights, data they saw, policy, versions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mendgraph.adapters.artifacts import open_artifact, resolve
from mendgraph.app import MendGraph
from mendgraph.config import Config, TierSpec
from mendgraph.errors import TierError

PACKAGES = ("mendgraph", "langgraph", "numpy", "scikit-learn", "torch", "transformers")


def about(graph: MendGraph, config: Config) -> dict[str, Any]:
    policy, spec = graph.context.policy, config.graph(graph.name)
    return {
        "config": config.source.name,  # its folder is nobody else's business
        "settings": spec.model_dump(mode="json", exclude={"tiers"}),
        "tiers": graph.health(),
        "trained_on": {name: trained_on(tier) for name, tier in spec.tiers.items()},
        "policy": {
            "thresholds": dict(policy.thresholds),
            "target": dict(policy.target),
            "irony_threshold": policy.irony.threshold if policy.irony else None,
            "calibrators": {name: c.kind for name, c in policy.calibrators.items()},
        },
        "versions": _versions(),
        "platform": platform.platform(),
    }


def trained_on(spec: TierSpec) -> list[str]:
    """Names of the data sets that a tier's weights have seen, as their manifests say; empty when unknown."""
    arguments = spec.arguments
    places = [arguments["path"]] if "path" in arguments else list(arguments.get("members", ()))
    names: dict[str, None] = {}
    for place in places:
        try:
            sources = open_artifact(resolve(place)).manifest.data
        except TierError:  # the tier is down, and `tiers` says why
            continue
        names.update(dict.fromkeys(source.name for source in sources))
    return list(names)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
