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
    paired: bool = False
    """Only where a row is what a client said and what a counsellor answered."""
    routing: bool = False
    """Only where the graph chooses among LLMs."""
    writing: bool = False
    """Only where the answer is a text."""
