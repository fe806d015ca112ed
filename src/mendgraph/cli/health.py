"""How the tiers are, as a table."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from mendgraph.cli.console import one_line

STYLES = {
    "up": "green",
    "closed": "green",
    "starting": "yellow",
    "half_open": "yellow",
    "down": "red",
    "open": "red",
}


def health_table(health: Mapping[str, Mapping[str, Any]]) -> Group:
    """One line per tier of `MendGraph.health`, and under the table the latest error of each tier that had one."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("tier", "state", "breaker", "runs"):
        table.add_column(name, no_wrap=True)
    for name in ("calls", "failed", "p50 ms", "p95 ms"):
        table.add_column(name, no_wrap=True, justify="right")
    for tier, one in health.items():
        table.add_row(
            tier,
            Text(one["state"], STYLES[one["state"]]),
            Text(one["breaker"].replace("_", "-"), STYLES[one["breaker"]]),
            runs(one),
            f"{one['calls']:,}",
            f"{one['failures']:,}",
            _milliseconds(one["latency"]["p50"]),
            _milliseconds(one["latency"]["p95"]),
        )
    errors = [Text(f"{tier}, {said}", "dim") for tier, one in health.items() if (said := last_error(one))]
    return Group(table, *errors)


def runs(one: Mapping[str, Any]) -> str:
    """Where it runs, and how often its worker had to be replaced."""
    times = f", {one['restarts']} restarts" if one["restarts"] else ""
    return f"{one['isolation']}{times}"


def last_error(one: Mapping[str, Any]) -> str:
    if not one["error"]:
        return ""
    ago = max(0.0, time.time() - (one["error_at"] or time.time()))
    return f"{ago:,.0f} s ago: {one_line(one['error'])}"


def _milliseconds(seconds: float | None) -> str:
    return "" if not seconds else f"{seconds * 1e3:.1f}"
