"""The processed folder as training rows: strict labels, fine-grained labels and irony side by side."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mendgraph.core.preprocess import prepare
from mendgraph.errors import DataError, InputError
from mendgraph.training.emotion.labels import GOEMOTIONS, LABELS
from mendgraph.training.emotion.tables import read_table

UNKNOWN = -1
"""In place of a label that a row does not have; such rows add nothing to that label's loss."""

_CLASS = {label: index for index, label in enumerate(LABELS)}
_FINE = {label: index for index, label in enumerate(GOEMOTIONS)}


@dataclass(frozen=True, slots=True)
class Row:
    """One prepared text with the labels it has.

    Attributes:
        emotion: index into `LABELS`, or `UNKNOWN`.
        fine: indices into `GOEMOTIONS`; None where the source has no such labels.
        irony: 1, 0, or `UNKNOWN`.
    """

    text: str
    emotion: int = UNKNOWN
    fine: tuple[int, ...] | None = None
    irony: int = UNKNOWN
    source: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """What one training run reads.

    Attributes:
        train: rows with at least one label of any sort.
        dev: rows that choose the epoch and fit the calibration: eight-class rows first, then irony rows.
        test: eight-class rows, only reported on; may be empty.
    """

    train: tuple[Row, ...]
    dev: tuple[Row, ...]
    test: tuple[Row, ...]

    @property
    def has_irony(self) -> bool:
        return any(row.irony != UNKNOWN for row in self.train)

    def class_counts(self) -> list[int]:
        """Training rows of each of `LABELS`."""
        counts = Counter(row.emotion for row in self.train)
        return [counts[index] for index in range(len(LABELS))]

    def sources(self) -> dict[str, int]:
        """Training rows by source, the largest first."""
        return dict(Counter(row.source for row in self.train).most_common())

    def digest(self) -> str:
        """SHA-256 over training and dev rows in order."""
        digest = hashlib.sha256()
        for row in (*self.train, *self.dev):
            digest.update(repr((row.text, row.emotion, row.fine, row.irony)).encode())
        return digest.hexdigest()


def read_corpus(data_dir: Path, *, seed: int, limit: int | None = None, bootstrap: bool = False) -> Corpus:
    """Reads what `mend data emotion` wrote; test, irony and augmentation files may be absent.

    Args:
        limit: rows kept of each file, drawn by `seed`.
        bootstrap: draw the training rows with replacement, as many as there are (Breiman 1996).

    Raises:
        DataError: a file or column is missing, a label is unknown, a text is unreadable, or no row is left.
    """
    if limit is not None and limit < 1:
        raise DataError(f"limit must be at least 1, got {limit}")
    rng = random.Random(seed)

    def part(name: str, *, optional: bool = False) -> list[Row]:
        path = data_dir / f"{name}.parquet"
        if optional and not path.is_file():
            return []
        rows = [row for row in _rows(path) if _useful(row)]
        return rows if limit is None or len(rows) <= limit else rng.sample(rows, limit)

    rated, others = part("train"), [*part("irony_train", optional=True), *part("augmentation", optional=True)]
    if any(row.irony == 1 for row in others):
        rated = [_sincere(row) for row in rated]
    train = [*rated, *others]
    dev = [*_labelled(part("dev")), *part("irony_dev", optional=True)]
    test = _labelled(part("test", optional=True))
    if bootstrap:
        train = rng.choices(train, k=len(train))
    for name, rows in (("train", train), ("dev", dev)):
        if not any(row.emotion != UNKNOWN for row in rows):
            raise DataError(
                f"{str(data_dir)!r}: no row of {name} has one of the eight labels",
                hint="run mend data emotion",
            )
    return Corpus(tuple(train), tuple(dev), tuple(test))


def _sincere(row: Row) -> Row:
    """Rows whose raters heard joy or love were read as meant: they teach the irony head what is not ironic.

    Without them it takes all praise for irony, since praise in the irony data mostly is.
    """
    literal = row.emotion in (_CLASS["joy"], _CLASS["love"])
    return replace(row, irony=0) if literal and row.irony == UNKNOWN else row


def _useful(row: Row) -> bool:
    return row.emotion != UNKNOWN or row.fine is not None or row.irony != UNKNOWN


def _labelled(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.emotion != UNKNOWN]


def _rows(path: Path) -> Iterator[Row]:
    irony_file = path.stem.startswith("irony")
    table = read_table(path, ("text", "irony") if irony_file else ("text", "label8"))
    texts = table["text"]
    blank: Sequence[Any] = [None] * len(texts)
    columns = (table.get(name, blank) for name in ("label8", "labels28", "irony", "source"))
    default = "isarcasm" if irony_file else path.stem
    for number, (text, label, fine, irony, source) in enumerate(zip(texts, *columns, strict=True)):
        where = f"{path.name}, row {number}"
        try:
            prepared = prepare(text).text
        except InputError as error:
            raise DataError(f"{where}: {error.message}", hint="run mend data emotion again") from error
        yield Row(
            prepared,
            UNKNOWN if label is None else _index(label, _CLASS, where),
            tuple(_index(name, _FINE, where) for name in fine.split("|")) if fine else None,
            _irony(irony, where),
            source or default,
        )


def _index(label: str, known: dict[str, int], where: str) -> int:
    if label not in known:
        raise DataError(f"{where}: unknown label {label!r}; known: {', '.join(known)}")
    return known[label]


def _irony(value: Any, where: str) -> int:
    if value is None:
        return UNKNOWN
    if value not in (0, 1):
        raise DataError(f"{where}: irony must be 0 or 1, got {value!r}")
    return int(value)
