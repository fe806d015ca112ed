"""More ways to ask for an attribute and to tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paraphrases:
    """Wordings that only train uses, with the placeholders of an `Attribute`.

    Attributes:
        deny: of a stance, clauses that say no.
    """

    ask: Sequence[str]
    say: Sequence[str]
    deny: Sequence[str] = ()
