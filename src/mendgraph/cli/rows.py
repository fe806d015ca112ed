"""Rows in: a text or a mapping per row, from files and pipes, streamed, bad ones kept in their place."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

Columns = str | Sequence[str]
"""One column: rows are its cells; several: rows are mappings of them."""

Reader = Callable[[Path, tuple[str, ...]], Iterator[object]]


class NotJson:
    """A line of a .jsonl file that is no JSON; it becomes a failed row."""

    def __init__(self, line: str) -> None:
        self.line = line

    def __repr__(self) -> str:
        return self.line


def read_rows(path: Path, columns: Columns) -> Iterator[object]:
    """The rows of a file (``-``: standard input), in order; anything may be among them.

    Lines of standard input are texts, or JSON where a row has several columns.

    Raises:
        DataError: the file cannot be read, its kind is unknown, or it has no such column.
    """
    named = (columns,) if isinstance(columns, str) else tuple(columns)
    if path == STDIN:
        return _lines_of(sys.stdin) if len(named) == 1 else _json_of(sys.stdin, path, named)
    if not path.is_file():
        raise DataError(
            f"no file {str(path)!r}", hint="--input reads a file; texts are given without an option"
        )
    return _told(path, reader_of(path)(path, named))


def count_rows(path: Path, columns: Columns) -> int | None:
    """Rows of a file, read once through; None for standard input."""
    return None if path == STDIN else sum(1 for _ in read_rows(path, columns))


def columns_in(path: Path) -> list[str]:
    """The columns a file has; empty for one that has no rows, or whose kind has no columns.

    Raises:
        DataError: the file cannot be read, or its kind is unknown.
    """
    suffix = path.suffix.lower()
    reader_of(path)
    if not path.is_file():
        raise DataError(f"no file {str(path)!r}")
    if suffix == ".txt":
        return []
    if suffix == ".parquet":
        with _parquet_file(path) as file:
            return list(file.schema_arrow.names)
    with _opened(path) as opened:
        if suffix == ".jsonl":
            first: Any = next(
                (row for row in map(json_row, filter(str.strip, opened)) if isinstance(row, Mapping)), {}
            )
            return list(first)
        return next(_records(path, opened), [])


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


def _text(path: Path, columns: tuple[str, ...]) -> Iterator[object]:
    if len(columns) > 1:
        raise DataError(
            f"{path} has lines of text, and a row needs {' and '.join(columns)}",
            hint="give a .csv, .jsonl or .parquet file with these columns",
        )
    with _opened(path) as file:
        yield from _lines_of(file)


def _lines_of(file: IO[str]) -> Iterator[str]:
    for line in file:
        yield line.rstrip("\r\n")


def _csv(path: Path, columns: tuple[str, ...]) -> Iterator[object]:
    with _opened(path) as file:
        records = _records(path, file)
        header = next(records, None)
        if header is None:
            return
        places = _places(path, columns, header)
        for record in records:
            if record:  # a wholly blank line is no row, as everywhere with CSV
                yield _row(columns, [record[place] if place < len(record) else None for place in places])


def _records(path: Path, file: IO[str]) -> Iterator[list[str]]:
    csv.field_size_limit(max(csv.field_size_limit(), 100 * LIMIT))
    reader = csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}") from error


def _jsonl(path: Path, columns: tuple[str, ...]) -> Iterator[object]:
    with _opened(path) as file:
        yield from _json_of(file, path, columns)


def _json_of(file: Iterable[str], path: Path, columns: tuple[str, ...]) -> Iterator[object]:
    """Columns missing from the first object are an error; from a later one, a row that fails."""
    seen = False
    for line in filter(str.strip, file):
        record = json_row(line)
        if not isinstance(record, Mapping):
            yield record
            continue
        if not seen:
            _places(path, columns, list(record))
        seen = True
        yield _row(columns, [record.get(column) for column in columns])


def json_row(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return NotJson(line.strip())


def _parquet(path: Path, columns: tuple[str, ...]) -> Iterator[object]:
    with _parquet_file(path) as file:
        _places(path, columns, file.schema_arrow.names)
        for batch in file.iter_batches(batch_size=CHUNK, columns=list(columns)):
            cells = [batch.column(column).to_pylist() for column in columns]
            yield from (_row(columns, row) for row in zip(*cells, strict=True))


@contextmanager
def _parquet_file(path: Path) -> Iterator[Any]:
    parquet = late("pyarrow.parquet", "ParquetFile", extra="tables")
    errors = late("pyarrow", "ArrowException", extra="tables")
    try:
        with parquet(path) as file:
            yield file
    except errors as error:
        raise DataError(f"{path} is no readable Parquet file: {error}") from error


def _row(columns: tuple[str, ...], cells: Sequence[object]) -> object:
    return cells[0] if len(columns) == 1 else dict(zip(columns, cells, strict=True))


def _places(path: Path, wanted: tuple[str, ...], columns: list[str]) -> list[int]:
    for column in wanted:
        if column not in columns:
            listed = ", ".join(map(repr, columns))
            hint = "name it with --column" if len(wanted) == 1 else f"a row needs {' and '.join(wanted)}"
            raise DataError(f"{path} has no column {column!r}; it has {listed}", hint=hint)
    return [columns.index(column) for column in wanted]


READERS: Mapping[str, Reader] = {
    ".txt": _text,
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
