"""How a document writes a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Surface:
    """One way to write a value.

    Attributes:
        text: as it stands in a document.
        width: how much it leaves open, as a share of the value or in days; smaller is more precise.
        preposition: what a sentence puts before it where a date is told, with its blank.
    """

    text: str
    width: float = 0.0
    preposition: str = ""
