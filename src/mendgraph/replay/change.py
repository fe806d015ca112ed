"""What should have been different: settings, thresholds, dead tiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mendgraph.errors import ConfigError

_ASKS: Final = ("never", "return")
"""A run of the past can wait for nobody."""


@dataclass(frozen=True, slots=True)
class Change:
    """Changes to recorded runs; one that is None or empty leaves them as they were.

    Attributes:
        threshold: confidence every check asks for, in [0, 1].
        stages: stage -> confidence that is asked for there alone.
        ask: what happens to rows nothing could settle: ``never`` or ``return``.
        down: tiers to treat as dead, beside those that were.
        overrides: every other ``key.sub=value``, for the configuration.
    """

    threshold: float | None = None
    stages: Mapping[str, float] = field(default_factory=dict)
    ask: str | None = None
    down: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()

    @classmethod
    def parse(cls, graph: str, settings: Sequence[str], down: Sequence[str] = ()) -> Change:
        """From ``--set`` and ``--down``.

        ``GRAPH.threshold``, ``GRAPH.thresholds.STAGE`` and ``GRAPH.ask`` take the place of what a run itself had
        asked for; the rest changes the configuration it was made under.

        Raises:
            ConfigError: a threshold outside [0, 1], or an unknown way to ask.
        """
        threshold, ask = None, None
        stages: dict[str, float] = {}
        overrides: list[str] = []
        for setting in settings:
            key, _, value = (part.strip() for part in setting.partition("="))
            if key == f"{graph}.threshold":
                threshold = _share(key, value)
            elif key.startswith(f"{graph}.thresholds."):
                stages[key.removeprefix(f"{graph}.thresholds.")] = _share(key, value)
            elif key == f"{graph}.ask":
                if value not in _ASKS:
                    raise ConfigError(f"{key}: expected {' or '.join(_ASKS)}, got {value!r}")
                ask = value
            else:
                overrides.append(setting)
        return cls(threshold, stages, ask, tuple(down), tuple(overrides))


def _share(key: str, value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise ConfigError(f"{key}: expected a number in [0, 1], got {value!r}")
    return share
