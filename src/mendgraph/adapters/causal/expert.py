"""One expert: which model or adapter it is, and what it is good for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from mendgraph.errors import ConfigError

__all__ = ["MODELS", "Expert", "experts_of"]


@dataclass(frozen=True, slots=True)
class Expert:
    """A causal language model, or a LoRA adapter over one that several experts share.

    Attributes:
        name: how traces and commands call it.
        path: ``embedded:lm/base``, a folder, or a hub name.
        adapter: a PEFT folder, put over the model in `path`; None for the model itself.
        task: what it is good for, for people.
    """

    name: str
    path: str
    adapter: str | None = None
    task: str = ""


_FIELDS = "an expert has name and path, and may have adapter and task"

MODELS = (
    Expert("general", "embedded:lm/base", "embedded:lm/general", "general English"),
    Expert("math", "embedded:lm/base", "embedded:lm/math", "mathematics"),
    Expert("medical", "embedded:lm/base", "embedded:lm/medical", "medicine"),
)
"""The embedded experts: three adapters over one base."""


def experts_of(given: Iterable[Expert | Mapping[str, Any]]) -> tuple[Expert, ...]:
    """Experts, or mappings with their fields; an ``id`` stands in for a missing name.

    Raises:
        ConfigError: none, a name twice, or a field that is unknown or missing.
    """
    found = tuple(one if isinstance(one, Expert) else _expert(one) for one in given)
    names = [one.name for one in found]
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"experts: need names of their own, got {names}")
    return found


def _expert(given: Mapping[str, Any]) -> Expert:
    if not isinstance(given, Mapping):
        raise ConfigError(f"experts: cannot read {given!r}", hint=_FIELDS)
    known = {field.name for field in fields(Expert)}
    values = {key: value for key, value in given.items() if key != "id"}
    values.setdefault("name", given.get("id"))
    odd = sorted(set(values) - known)
    if odd or not isinstance(values["name"], str) or not isinstance(values.get("path"), str):
        raise ConfigError(
            f"experts: cannot read {dict(given)!r}" + (f", unknown {odd}" if odd else ""),
            hint=_FIELDS,
        )
    return Expert(**values)
