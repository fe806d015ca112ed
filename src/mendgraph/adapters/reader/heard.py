"""What a reader hears a document say."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Heard"]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one document says to a question.

    Attributes:
        value: None where it says nothing to it.
        probability: that the reader gave to just this, in [0, 1].
        tokens: that were read and written to hear it; 0 where nobody read it.
    """

    value: str | None
    probability: float
    tokens: int = 0
