"""A tier as an importable function and plain arguments, so that another process can build the same one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from mendgraph.core.tier import Tier
from mendgraph.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to build a tier anywhere.

    Attributes:
        target: ``package.module:function``; the function returns the tier.
        arguments: its keyword arguments; JSON values only, because they travel without pickle.
    """

    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def open(self) -> Tier:
        """Builds the tier here.

        Raises:
            ConfigError: there is no such function.
            TierError: its weights were refused.
        """
        module, _, name = self.target.partition(":")
        try:
            build = getattr(import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigError(
                f"recipe {self.target!r}: {error}",
                hint="name a function as package.module:function; it must be importable in a fresh process",
            ) from error
        tier: Tier = build(**self.arguments)
        return tier
