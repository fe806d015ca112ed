"""What a record of a run says about the graph that answered: settings, policy, versions."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any, Final

from mendgraph.adapters.device import choose_device, compute_threads
from mendgraph.adapters.hashing import sha256_of_json
from mendgraph.config import GraphSpec
from mendgraph.core.healing import HealingPolicy

__all__ = ["DECIDING", "facts_of", "versions"]

DECIDING: Final = ("mendgraph", "torch", "transformers", "peft", "tokenizers", "numpy", "langgraph")
"""Packages whose version may change an answer."""


def facts_of(name: str, spec: GraphSpec, policy: HealingPolicy) -> dict[str, Any]:
    """What a record of a run says about the graph; see `Context.facts`."""
    config = spec.model_dump(mode="json", exclude={"journal"})  # where runs are kept changes no answer
    return {
        "graph": name,
        "config": config,
        "config_hash": sha256_of_json(config),
        "policy": sha256_of_json(policy.to_dict()),
        "versions": versions(spec.device),
    }


def versions(device: str) -> dict[str, str]:
    """Whatever may change the last bits of a score: packages, the device, and how many threads share a sum."""
    found = {package: metadata.version(package) for package in DECIDING}
    return {
        "python": platform.python_version(),
        **found,
        "device": str(choose_device(device)),
        "threads": str(compute_threads()),
    }
