"""Options that belong to one graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer


def given(options: Mapping[str, Any], graph: str, owner: str) -> dict[str, Any]:
    """Those that were given, by their names in Python.

    Raises:
        BadParameter: they belong to `owner`, and the graph is another one.
    """
    found = {name: value for name, value in options.items() if value not in (None, False)}
    if found and graph != owner:
        name = next(iter(found)).replace("_", "-")
        raise typer.BadParameter(f"--{name} belongs to {owner}, not to {graph}")
    return found
