"""What a system answers, what that cost, and whether it is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from mendgraph.core.conflict import Document

__all__ = [
    "ALWAYS",
    "GUESS",
    "HYBRID",
    "MAJORITY",
    "PLAIN",
    "POLICY",
    "RANDOM",
    "REFINED",
    "SAMPLED",
    "Row",
    "Said",
]

ALWAYS: Final = 'always "disputed"'
GUESS: Final = "a read value, by chance"
PLAIN: Final = "plain"
MAJORITY: Final = "majority of read values"
POLICY: Final = "rule over read values"
SAMPLED: Final = "self-consistency"
REFINED: Final = "refined"
RANDOM: Final = "random direction"
HYBRID: Final = "hybrid"


class Row(Protocol):
    """A question with its documents: a claim set, a sample, a question of RAMDocs."""

    @property
    def question(self) -> str: ...

    @property
    def documents(self) -> Sequence[Document]: ...


@dataclass(frozen=True, slots=True)
class Said:
    """One answer.

    Attributes:
        text: "" for none.
        work: tokens that the reader read or wrote for it, each by the share of layers that it went through.  What was
            read once counts once, however many answers came from it.
        seconds: wall time, its batch's divided by the rows.
    """

    text: str
    work: float = 0.0
    seconds: float = 0.0
