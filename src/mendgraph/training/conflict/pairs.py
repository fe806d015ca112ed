"""Pairs of documents with the level of their conflict: what the types classifier learns from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Final

from mendgraph.core.conflict import LEVELS
from mendgraph.errors import DataError
from mendgraph.training.conflict.claims.sets import LEVEL_OF, ClaimSet
from mendgraph.training.emotion.tables import read_table, write_table

__all__ = [
    "BREAKING",
    "LabelledPair",
    "claim_pairs",
    "pairs_path",
    "read_breaking",
    "read_pairs",
    "write_pairs",
]

BREAKING: Final = "breaking_nli.parquet"
PER_SET: Final = 2
_COLUMNS: Final = ("question", "first", "second", "level", "source")


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Attributes: question: "" where the texts come without one; level: of `LEVELS`; source: the data set."""

    question: str
    first: str
    second: str
    level: str
    source: str


def pairs_path(folder: Path, split: str) -> Path:
    return folder / f"pairs_{split}.parquet"


def claim_pairs(sets: Iterable[ClaimSet], seed: int = 0) -> Iterator[LabelledPair]:
    """Up to `PER_SET` pairs of each set, and where a set contradicts itself at least one pair that does.

    Documents that speak of something else contradict nothing.
    """
    for one in sets:
        random = Random(f"{seed}/{one.id}")
        pairs = list(combinations(range(len(one.documents)), 2))
        random.shuffle(pairs)
        clashing = [pair for pair in pairs if _clash(one, *pair)]
        chosen = clashing[:1] + [pair for pair in pairs if pair not in clashing[:1]]
        for a, b in chosen[:PER_SET]:
            level = LEVEL_OF[one.slot] if _clash(one, a, b) else LEVELS[0]  # type: ignore[index]  # a slot
            yield LabelledPair(one.question, one.documents[a].text, one.documents[b].text, level, "claims")


def read_breaking(folder: Path, split: str) -> list[LabelledPair]:
    """Breaking NLI (Glockner et al., ACL 2018), its own split by premise; it has no temporal conflicts.

    Raises:
        DataError: the file is missing or malformed.
    """
    table = read_table(folder / BREAKING, ("text_a", "text_b", "conflict_type", "split"))
    rows = zip(table["text_a"], table["text_b"], table["conflict_type"], table["split"], strict=True)
    found = [LabelledPair("", a, b, level, "breaking_nli") for a, b, level, where in rows if where == split]
    strange = {one.level for one in found} - set(LEVELS)
    if strange:
        raise DataError(f"{BREAKING}: unknown types {', '.join(sorted(strange))}")
    return found


def write_pairs(path: Path, pairs: Sequence[LabelledPair]) -> None:
    columns = {name: [getattr(pair, name) for pair in pairs] for name in _COLUMNS}
    write_table(path, columns, dict.fromkeys(_COLUMNS, "string"))


def read_pairs(path: Path) -> list[LabelledPair]:
    """
    Raises:
        DataError: the file is missing or malformed.
    """
    table = read_table(path, _COLUMNS)
    return [LabelledPair(*row) for row in zip(*(table[name] for name in _COLUMNS), strict=True)]


def _clash(one: ClaimSet, a: int, b: int) -> bool:
    groups = one.groups
    return groups[a] is not None and groups[b] is not None and groups[a] != groups[b]
