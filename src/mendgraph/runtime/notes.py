"""Notes for the trail: code far below a tier's call says what it had to do, without anything being passed down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_COLLECTED: ContextVar[list[str] | None] = ContextVar("mendgraph_notes", default=None)


def note(text: str) -> None:
    """Adds a sentence to the notes of the call in progress; nothing happens outside of one."""
    notes = _COLLECTED.get()
    if notes is not None:
        notes.append(text)


@contextmanager
def collecting() -> Iterator[list[str]]:
    """The notes made inside the block, in order; they do not reach an outer collector."""
    notes: list[str] = []
    token = _COLLECTED.set(notes)
    try:
        yield notes
    finally:
        _COLLECTED.reset(token)
