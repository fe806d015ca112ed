"""What is trained beside the shipped recipe, to compare it with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mendgraph.config import ReflectionTrainingSpec
from mendgraph.errors import UnknownNameError

SHIPPED = "shipped"
RESPONSE_ONLY = "response_only"
ADAPTERS = "adapters"
"""The upper layers tuned too: tens of times the work."""

ABLATIONS: Mapping[str, Mapping[str, Any]] = {
    "no_mismatch": {"mismatches": 0},
    "mse": {"objective": "mse"},
    "one_gap": {"objective": "one_gap"},
}
"""What each takes away from the shipped recipe."""

CHANGES: Mapping[str, Mapping[str, Any]] = {
    SHIPPED: {},
    **ABLATIONS,
    RESPONSE_ONLY: {"blind": True, "mismatches": 0},
    ADAPTERS: {"num_epochs": 3},
}

SEEDS: Mapping[str, tuple[int, ...]] = {SHIPPED: (0, 1, 2, 3, 4)}
"""Cross-validations of a recipe; one where it is not said."""


def recipe(name: str, settings: ReflectionTrainingSpec) -> ReflectionTrainingSpec:
    """The settings with a recipe's changes.

    Raises:
        UnknownNameError: no such recipe.
    """
    if name not in CHANGES:
        raise UnknownNameError("recipe", name, CHANGES)
    return ReflectionTrainingSpec.model_validate({**settings.model_dump(), **CHANGES[name]})
