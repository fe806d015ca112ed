"""Answers out: to CSV, JSON lines or Parquet, a chunk at a time."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mendgraph.cli.opening import figures_of, late
from mendgraph.core.values import Answer
from mendgraph.errors import DataError
from mendgraph.runtime.journal import json_line

COLUMNS = ("input", "status", "label", "best_guess", "confidence", "source", "options", "error")
"""Columns of CSV and Parquet; `options` are joined by spaces.  JSON lines hold whole answers."""

VALUES = ("score", "quality", "cost", "response", "level", "probability", "passes")
"""What of an answer's value may be a column."""

FLOATS = frozenset({"confidence", "score", "quality", "cost", "probability", "passes"})

Write = Callable[[Sequence[Any]], None]
Flat = Callable[[Any], Mapping[str, Any]]


def columns_for(graph: str) -> tuple[str, ...]:
    """`COLUMNS`, and the numbers in the graph's answers that are worth one of their own."""
    place = COLUMNS.index("confidence")
    return (*COLUMNS[:place], *figures_of(graph), *COLUMNS[place:])


def flat(answer: Answer) -> dict[str, Any]:
    """The answer as one record of `COLUMNS`, with the numbers of its value."""
    figures = answer.value if isinstance(answer.value, Mapping) else {}
    return {
        **{name: _figure(figures, name) for name in VALUES},
        "input": answer.input,
        "status": answer.status,
        "label": answer.label,
        "best_guess": answer.best_guess,
        "confidence": answer.confidence,
        "source": answer.source,
        "options": " ".join(answer.options),
        "error": answer.error.message if answer.error else None,
    }


def _figure(figures: Mapping[str, Any], name: str) -> Any:
    """A figure of the answer; where there is one per LLM, that of the chosen one."""
    found = figures.get(name)
    return found.get(figures.get("model")) if isinstance(found, Mapping) else found


@contextmanager
def writer(path: Path, columns: Sequence[str] = COLUMNS, record: Flat = flat) -> Iterator[Write]:
    """A function that appends answers to a new file.  What was written stays when the block is interrupted.

    Args:
        columns: of CSV and Parquet.
        record: an item as a mapping with these columns; JSON lines hold its ``to_dict``.

    Raises:
        DataError: the suffix is unknown, or the file cannot be written.
    """
    opened = writer_of(path)
    try:
        with opened(path, columns, record) as write:
            yield write
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


def writer_of(path: Path) -> Callable[..., Any]:
    opened = _WRITERS.get(path.suffix.lower())
    if opened is None:
        raise DataError(f"cannot write {str(path)!r}: unknown kind", hint=f"known: {', '.join(_WRITERS)}")
    return opened


@contextmanager
def _jsonl(path: Path, columns: Sequence[str], record: Flat) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as file:

        def write(items: Sequence[Any]) -> None:
            file.writelines(json_line(item.to_dict()) for item in items)
            file.flush()

        yield write


@contextmanager
def _csv(path: Path, columns: Sequence[str], record: Flat) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(columns)

        def write(items: Sequence[Any]) -> None:
            rows.writerows([found[name] for name in columns] for found in map(record, items))
            file.flush()

        yield write


@contextmanager
def _parquet(path: Path, columns: Sequence[str], record: Flat) -> Iterator[Write]:
    pyarrow = late("pyarrow", "Table", extra="tables")
    make_schema, string, number = (
        late("pyarrow", name, extra="tables") for name in ("schema", "string", "float64")
    )
    schema = make_schema([(name, number() if name in FLOATS else string()) for name in columns])
    with late("pyarrow.parquet", "ParquetWriter", extra="tables")(path, schema) as file:
        yield lambda items: file.write_table(
            pyarrow.from_pylist([dict(record(i)) for i in items], schema=schema)
        )


_WRITERS: Mapping[str, Callable[..., Any]] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
