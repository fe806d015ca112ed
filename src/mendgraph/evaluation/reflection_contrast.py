"""Is a reflection scored above a response that is none?  Pairs written for this question, and how a tier does on them.

They were written before anything of the training data or of a model was seen.  Both responses of a pair are about as
long, and over all pairs neither side has more question marks, more "You ..." or more "It sounds like ...", so that
none of these tells them apart.  Some of the worse ones are good reflections, of what another client said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from mendgraph.core.reflection import level_value
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input
from mendgraph.errors import DataError, TierError

FILE = "data/reflection_contrast.jsonl"

FAULTS = (
    "advice",
    "question",
    "judgement",
    "reassurance",
    "distortion",
    "other_client",
    "simple",
    "reference",
)
"""What is wrong with the worse response; ``simple``: it only repeats, where the better one goes further.

``reference`` is the example that the published scorer is checked with; it is not balanced as the others are.
"""

LEAST = 0.9
"""Share of the pairs that a scorer must get right."""


@dataclass(frozen=True, slots=True)
class ContrastPair:
    """One client turn and two responses.

    Attributes:
        topic: what the client talks about.
        level: of the better response, ``simple`` or ``complex``.
        worse_is: one of `FAULTS`.
    """

    prompt: str
    better: str
    worse: str
    topic: str
    level: str
    worse_is: str


@dataclass(frozen=True, slots=True)
class Margin:
    """Scores of both responses in [0, 1]; None where the tier gave none, which counts as wrong."""

    pair: ContrastPair
    better: float | None
    worse: float | None
    reason: str = ""

    @property
    def value(self) -> float:
        """Better minus worse, in [-1, 1]."""
        return -1.0 if self.better is None or self.worse is None else self.better - self.worse

    @property
    def right(self) -> bool:
        return self.value > 0.0


@dataclass(frozen=True, slots=True)
class Verification:
    """What one tier made of the pairs; `margins` are in file order."""

    tier: str
    fingerprint: str
    margins: tuple[Margin, ...]
    least: float

    @property
    def share(self) -> float:
        """Of pairs with the better response above the worse one, in [0, 1]."""
        return sum(margin.right for margin in self.margins) / len(self.margins)

    @property
    def passed(self) -> bool:
        return self.share >= self.least

    def worst(self, count: int) -> list[Margin]:
        """The smallest margins first."""
        return sorted(self.margins, key=lambda margin: margin.value)[:count]

    def by_fault(self) -> dict[str, list[Margin]]:
        """Fault -> its margins, in the order of `FAULTS`; only faults that occur."""
        found = {fault: [m for m in self.margins if m.pair.worse_is == fault] for fault in FAULTS}
        return {fault: margins for fault, margins in found.items() if margins}

    def to_dict(self) -> dict[str, Any]:
        return {
            "tier": self.tier,
            "fingerprint": self.fingerprint,
            "passed": self.passed,
            "share": self.share,
            "least": self.least,
            "pairs": [
                {
                    **asdict(m.pair),
                    "better_score": m.better,
                    "worse_score": m.worse,
                    "margin": m.value,
                    "reason": m.reason,
                }
                for m in self.margins
            ],
        }


def load_reflection_contrast() -> tuple[ContrastPair, ...]:
    """The committed set, in file order."""
    content = files("mendgraph.evaluation").joinpath(FILE).read_text(encoding="utf-8")
    return tuple(_pair(line, number) for number, line in enumerate(content.splitlines(), 1))


def verify(
    name: str,
    tier: Tier,
    prepare: Callable[[object], Input],
    pairs: Sequence[ContrastPair],
    *,
    least: float = LEAST,
) -> Verification:
    """Scores of both responses of every pair, by one tier in one call.

    Args:
        name: of the tier in its graph.
        prepare: reads a (prompt, response) pair as the graph does.

    Raises:
        TierError: the tier answers none of them.
        DataError: there are no pairs.
    """
    if not pairs:
        raise DataError("no pairs to verify with")
    rows = [prepare((pair.prompt, text)) for pair in pairs for text in (pair.better, pair.worse)]
    outcomes = list(tier.predict(rows))
    failures = [said for said in outcomes if isinstance(said, Failure)]
    if len(failures) == len(outcomes):
        first = failures[0]
        raise TierError(f"tier {name!r} scores nothing: {first.kind}: {first.message}", hint=first.hint)
    margins = []
    for number, pair in enumerate(pairs):
        both = outcomes[2 * number : 2 * number + 2]
        reason = next((f"{said.kind}: {said.message}" for said in both if isinstance(said, Failure)), "")
        better, worse = (
            None if isinstance(said, Failure) else float(level_value(said)["score"]) for said in both
        )
        margins.append(Margin(pair, better, worse, reason))
    return Verification(name, tier.fingerprint, tuple(margins), least)


def _pair(line: str, number: int) -> ContrastPair:
    try:
        return ContrastPair(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise DataError(f"{FILE}, line {number}: {error}") from error
