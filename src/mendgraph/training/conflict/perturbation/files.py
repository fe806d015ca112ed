"""Writes pairs of changed real text and questions about real text, where a folder has text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

from mendgraph.errors import DataError
from mendgraph.training.conflict.pairs import LabelledPair, pairs_path, write_pairs
from mendgraph.training.conflict.perturbation.asked import AskedPassage, asked_passages
from mendgraph.training.conflict.perturbation.balance import balanced
from mendgraph.training.conflict.perturbation.making import perturbed
from mendgraph.training.conflict.perturbation.passages import GENERAL, LEADS, Split, read_passages
from mendgraph.training.conflict.perturbation.stated import with_statements
from mendgraph.training.emotion.tables import read_table, write_table

__all__ = [
    "ASKED",
    "DRAWN",
    "asked_path",
    "has_text",
    "read_asked",
    "write_asked",
    "write_asked_rows",
    "write_perturbed",
]

DRAWN: Final[dict[Split, int]] = {"train": 14_000, "dev": 3_500}
"""Pairs made; `balanced` leaves somewhat less than half of them."""
ASKED: Final[dict[Split, int]] = {"train": 24_000, "dev": 1_500}
"""Questions about passages."""
_COLUMNS: Final = {
    "question": "string", "document": "string", "label": "string", "start": "int32", "end": "int32",
}  # fmt: skip
_TELL_EVERY: Final = 100

Progress = Callable[[str, int, int], None]


def has_text(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (GENERAL, *LEADS))


def write_perturbed(folder: Path, out: Path, seed: int, progress: Progress) -> dict[str, int]:
    """Writes ``pairs_train.parquet`` and ``pairs_dev.parquet``, of different documents; how many pairs each has.

    Raises:
        DataError: a file is malformed.
    """
    counts: dict[str, int] = {}
    for split, wanted in DRAWN.items():
        made: list[LabelledPair] = []
        for pair in islice(perturbed(read_passages(folder, split), seed), wanted):
            if len(made) % _TELL_EVERY == 0:
                progress(f"{split} pairs of real text,", len(made), wanted)
            made.append(pair)
        pairs = balanced(made)
        Random(seed).shuffle(pairs)
        pairs = list(with_statements(pairs, seed))
        write_pairs(pairs_path(out, split), pairs)
        counts[split] = len(pairs)
    return counts


def write_asked(folder: Path, out: Path, seed: int, progress: Progress) -> dict[str, int]:
    """Writes ``asked_train.parquet`` and ``asked_dev.parquet``, of different documents; how many rows each has.

    Raises:
        DataError: a file is malformed.
    """
    for split, wanted in ASKED.items():
        made: list[AskedPassage] = []
        for one in islice(asked_passages(read_passages(folder, split), seed), wanted):
            if len(made) % _TELL_EVERY == 0:
                progress(f"{split} questions about real text,", len(made), wanted)
            made.append(one)
        write_asked_rows(asked_path(out, split), made)
    return {str(split): wanted for split, wanted in ASKED.items()}


def write_asked_rows(path: Path, rows: Sequence[AskedPassage]) -> None:
    write_table(path, {name: [getattr(one, name) for one in rows] for name in _COLUMNS}, _COLUMNS)


def asked_path(folder: Path, split: str) -> Path:
    return folder / f"asked_{split}.parquet"


def read_asked(path: Path) -> list[AskedPassage]:
    """
    Raises:
        DataError: the file is missing or malformed.
    """
    table = read_table(path, tuple(_COLUMNS))
    try:
        return [AskedPassage(*row) for row in zip(*(table[name] for name in _COLUMNS), strict=True)]
    except TypeError as error:
        raise DataError(f"{path.name}: a row is no question: {error}", hint="mend data conflict") from error
