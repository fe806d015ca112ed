"""Questions with documents and the level of their conflict, from generated and from public sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from mendgraph.core.arrays import IntArray
from mendgraph.core.conflict import LEVELS, Document
from mendgraph.errors import DataError
from mendgraph.training.conflict.claims.files import claims_path, read_claims
from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.conflict.pairs import read_breaking
from mendgraph.training.emotion.tables import read_table

__all__ = ["Sample", "breaking", "claims", "fever", "fever_pairs", "levels_of", "ramdocs"]

RAMDOCS: Final = "ramdocs_pairs_dev.parquet"
FEVER: Final = "fever_symmetric_dev.parquet"
FEVER_PAIRS: Final = "fever_symmetric_docpairs_dev.parquet"


@dataclass(frozen=True, slots=True)
class Sample:
    """Attributes: level: of `LEVELS`, "none" without a conflict; group: rows of one group are not independent."""

    question: str
    documents: Sequence[Document]
    level: str
    group: str

    @property
    def conflict(self) -> bool:
        return self.level != LEVELS[0]


def claims(folder: Path, most: int | None = None) -> tuple[list[Sample], list[ClaimSet]]:
    """Claim sets of test, as samples and as they are."""
    sets = read_claims(claims_path(folder, "test"))[:most]
    return [Sample(one.question, one.documents, one.level, one.id) for one in sets], sets


def ramdocs(folder: Path, relations: Sequence[str]) -> list[Sample]:
    """Pairs of retrieved passages (Wang et al. 2025): ``conflict_misinfo`` is a conflict; ``agree`` and
    ``ambiguity_different_entity``, which speak of two things of one name, are none.

    Args:
        relations: which of them.
    """
    table = _table(folder / RAMDOCS, ("qid", "question", "doc_a", "doc_b", "relation", "silver_type"))
    return [
        Sample(
            table["question"][at],
            _pair(table["doc_a"][at], table["doc_b"][at]),
            table["silver_type"][at] if relation == "conflict_misinfo" else LEVELS[0],
            str(table["qid"][at]),
        )
        for at, relation in enumerate(table["relation"])
        if relation in relations
    ]


def fever(folder: Path) -> list[Sample]:
    """Claims and evidence of FEVER Symmetric (Schuster et al. 2019), half of which refutes its claim."""
    table = _table(folder / FEVER, ("group", "text_a", "text_b", "conflict", "silver_type"))
    return [
        Sample("", _pair(a, b), level if clash else LEVELS[0], str(group))
        for a, b, clash, level, group in zip(
            *(table[name] for name in ("text_a", "text_b", "conflict", "silver_type", "group")), strict=True
        )
    ]


def fever_pairs(folder: Path) -> list[Sample]:
    """Two versions of one passage that support and refute a claim; only those whose type is sure."""
    table = _table(
        folder / FEVER_PAIRS,
        ("group", "query_claim", "doc_supports", "doc_refutes", "silver_type", "silver_conf"),
    )
    return [
        Sample(
            table["query_claim"][at],
            _pair(table["doc_supports"][at], table["doc_refutes"][at]),
            table["silver_type"][at],
            str(table["group"][at]),
        )
        for at, sure in enumerate(table["silver_conf"])
        if sure == "high"
    ]


def breaking(folder: Path, split: str = "test") -> list[Sample]:
    """Breaking NLI, see `read_breaking`; rows of one premise are a group."""
    return [
        Sample(one.question, _pair(one.first, one.second), one.level, one.first)
        for one in read_breaking(folder, split)
    ]


def levels_of(samples: Sequence[Sample]) -> IntArray:
    """(N,) places in `LEVELS`."""
    return np.array([LEVELS.index(one.level) for one in samples], dtype=np.int64)


def _pair(first: str, second: str) -> tuple[Document, Document]:
    return Document("a", first), Document("b", second)


def _table(path: Path, columns: Sequence[str]) -> dict[str, list[str]]:
    found = read_table(path, columns)
    if not found[columns[0]]:
        raise DataError(f"{path.name} is empty")
    return found
