"""Rows in: a text per row from files and pipes, streamed, bad ones kept in their place."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

from mendgraph.cli.opening import late
from mendgraph.core.text import LIMIT
from mendgraph.errors import DataError

STDIN = Path("-")
CHUNK = 2048
"""Rows held at a time; as many as one graph run takes."""

Reader = Callable[[Path, str], Iterator[object]]


class NotJson:
    """A line of a .jsonl file that is no JSON; it becomes a failed row."""

    def __init__(self, line: str) -> None:
        self.line = line

    def __repr__(self) -> str:
        return self.line


def read_rows(path: Path, column: str) -> Iterator[object]:
    """The rows of a file (``-``: standard input, a row per line), in order; anything may be among them.

    Raises:
        DataError: the file cannot be read, its kind is unknown, or it has no such column.
    """
    if path == STDIN:
        return _lines_of(sys.stdin)
    if not path.is_file():
        raise DataError(
            f"no file {str(path)!r}", hint="--input reads a file; texts are given without an option"
        )
    return _told(path, reader_of(path)(path, column))


def count_rows(path: Path, column: str) -> int | None:
    """Rows of a file, read once through; None for standard input."""
    return None if path == STDIN else sum(1 for _ in read_rows(path, column))


def reader_of(path: Path) -> Reader:
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"cannot read {str(path)!r}: unknown kind", hint=f"known: {', '.join(READERS)}")
    return reader


def chunks(rows: Iterable[object], size: int = CHUNK) -> Iterator[list[object]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _told(path: Path, rows: Iterator[object]) -> Iterator[object]:
    try:
        yield from rows
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """Bytes that are no UTF-8 become lone surrogates, which preparation drops: one bad byte stops no file."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        yield file


def _text(path: Path, column: str) -> Iterator[object]:
    with _opened(path) as file:
        yield from _lines_of(file)


def _lines_of(file: IO[str]) -> Iterator[str]:
    for line in file:
        yield line.rstrip("\r\n")


def _csv(path: Path, column: str) -> Iterator[object]:
    csv.field_size_limit(max(csv.field_size_limit(), 100 * LIMIT))
    with _opened(path) as file:
        reader = csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        try:
            header = next(reader, None)
            if header is None:
                return
            place = _place(path, column, header)
            for record in reader:
                if record:  # a wholly blank line is no row, as everywhere with CSV
                    yield record[place] if place < len(record) else None
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}") from error


def _jsonl(path: Path, column: str) -> Iterator[object]:
    seen = False
    with _opened(path) as file:
        for line in file:
            if not line.strip():
                continue
            try:
                record: Any = json.loads(line)
            except ValueError:
                yield NotJson(line.strip())
                continue
            if not isinstance(record, Mapping):
                yield record
                continue
            if not seen and column not in record:
                _place(path, column, list(record))
            seen = True
            yield record.get(column)


def _parquet(path: Path, column: str) -> Iterator[object]:
    parquet = late("pyarrow.parquet", "ParquetFile", extra="tables")
    errors = late("pyarrow", "ArrowException", extra="tables")
    try:
        with parquet(path) as file:
            _place(path, column, file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=CHUNK, columns=[column]):
                yield from batch.column(0).to_pylist()
    except errors as error:
        raise DataError(f"{path} is no readable Parquet file: {error}") from error


def _place(path: Path, column: str, columns: list[str]) -> int:
    if column not in columns:
        listed = ", ".join(map(repr, columns))
        raise DataError(f"{path} has no column {column!r}; it has {listed}", hint="name it with --column")
    return columns.index(column)


READERS: Mapping[str, Reader] = {
    ".txt": _text,
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
