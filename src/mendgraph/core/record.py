"""What a journal keeps about a run beside its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything about one graph run that its answers do not say, as JSON values.

    Attributes:
        id: unique and sortable by time.
        graph: name of the system, e.g. ``emotion``.
        at: when it began, in seconds since the epoch.
        rows: how many rows the run had; together they are its batch, which decides the last bits of its scores.
        options: what the run overrode, see `Options`.
        thresholds: stage -> confidence that was asked for there.
        fingerprints: tier -> hash of its weights; ``policy`` -> hash of the fitted policy.
        config: the graph's configuration; empty for a graph that was put together in code.
        config_hash: SHA-256 of `config`; "" when it is empty.
        versions: packages, device and threads, as far as they decide the numbers.
        given: row number as text -> the text as given, where the answer's `input` is not quite it: a lone surrogate
            shows there as "?", but is read as nothing.
    """

    id: str
    graph: str
    at: float
    rows: int
    options: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    config_hash: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
