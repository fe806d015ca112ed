"""Answers out: to CSV, JSON lines or Parquet, a chunk at a time."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mendgraph.cli.opening import late
from mendgraph.core.values import Answer
from mendgraph.errors import DataError
from mendgraph.runtime.journal import json_line

COLUMNS = ("input", "status", "label", "best_guess", "confidence", "source", "options", "error")
"""Columns of CSV and Parquet; `options` are joined by spaces.  JSON lines hold whole answers."""

Write = Callable[[Sequence[Answer]], None]


@contextmanager
def writer(path: Path) -> Iterator[Write]:
    """A function that appends answers to a new file.  What was written stays when the block is interrupted.

    Raises:
        DataError: the suffix is unknown, or the file cannot be written.
    """
    opened = _WRITERS.get(path.suffix.lower())
    if opened is None:
        raise DataError(f"cannot write {str(path)!r}: unknown kind", hint=f"known: {', '.join(_WRITERS)}")
    try:
        with opened(path) as write:
            yield write
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def _jsonl(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as file:

        def write(answers: Sequence[Answer]) -> None:
            file.writelines(json_line(answer.to_dict()) for answer in answers)
            file.flush()

        yield write


@contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)

        def write(answers: Sequence[Answer]) -> None:
            rows.writerows([record[name] for name in COLUMNS] for record in map(flat, answers))
            file.flush()

        yield write


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    pyarrow = late("pyarrow", "Table", extra="tables")
    make_schema, string, number = (
        late("pyarrow", name, extra="tables") for name in ("schema", "string", "float64")
    )
    schema = make_schema([(name, number() if name == "confidence" else string()) for name in COLUMNS])
    with late("pyarrow.parquet", "ParquetWriter", extra="tables")(path, schema) as file:
        yield lambda answers: file.write_table(pyarrow.from_pylist([flat(a) for a in answers], schema=schema))


def flat(answer: Answer) -> dict[str, Any]:
    """The answer as one record of `COLUMNS`."""
    return {
        "input": answer.input,
        "status": answer.status,
        "label": answer.label,
        "best_guess": answer.best_guess,
        "confidence": answer.confidence,
        "source": answer.source,
        "options": " ".join(answer.options),
        "error": answer.error.message if answer.error else None,
    }


_WRITERS: Mapping[str, Callable[[Path], Any]] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
