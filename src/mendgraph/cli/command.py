"""One command of the REPL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mendgraph.cli.session import Session

Run = Callable[[Session, str], None]
"""Takes the session and the rest of the line."""


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    usage: str
    help: str
    run: Run
    only: str = ""
    """The one graph it means something to; "" for all."""
