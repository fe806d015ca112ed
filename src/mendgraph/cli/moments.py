"""Points in time as people type them."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Annotated

import typer

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


def seconds_of(age: str) -> float:
    """``45s``, ``90m``, ``12h``, ``30d`` or ``2w``."""
    found = _AGE.fullmatch(age.strip().lower())
    if found is None:
        raise typer.BadParameter(f"{age!r} is no span of time; e.g. 90m, 12h, 30d, 2w")
    return float(found[1]) * SECONDS[found[2]]


def moment_of(text: str) -> float:
    """A span of time before now, or a date such as ``2025-03-31`` or ``2025-03-31T18:00``, local unless it says.

    In seconds since the epoch.
    """
    if _AGE.fullmatch(text.strip().lower()):
        return time.time() - seconds_of(text)
    try:
        return datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time; e.g. 12h, 30d, 2025-03-31, 2025-03-31T18:00"
        ) from None


def shown(moment: float) -> str:
    """Local time, to the second."""
    return datetime.fromtimestamp(moment).astimezone().isoformat(" ", "seconds")


Since = Annotated[
    str | None,
    typer.Option(
        "--since", help="Only runs from then on: a span (12h, 30d) or a date (2025-03-31).", metavar="WHEN"
    ),
]
