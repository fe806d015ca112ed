"""Writes the pairs of changed real text, where a folder has text to change."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

from mendgraph.training.conflict.pairs import LabelledPair, pairs_path, write_pairs
from mendgraph.training.conflict.perturbation.balance import balanced
from mendgraph.training.conflict.perturbation.making import perturbed
from mendgraph.training.conflict.perturbation.passages import GENERAL, LEADS, Split, read_passages
from mendgraph.training.conflict.perturbation.stated import with_statements

__all__ = ["DRAWN", "has_text", "write_perturbed"]

DRAWN: Final[dict[Split, int]] = {"train": 14_000, "dev": 3_500}
"""Pairs made; `balanced` leaves somewhat less than half of them."""
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
