"""Journal rows out: to Parquet, CSV or JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mendgraph.cli.opening import late
from mendgraph.errors import DataError
from mendgraph.runtime.journal import json_line

if TYPE_CHECKING:
    from mendgraph.runtime.journal_reader import Entry

COLUMNS = {
    "run": "string", "at": "float64", "row": "int64", "input": "string", "key": "string", "status": "string",
    "label": "string", "best_guess": "string", "confidence": "float64", "source": "string", "tiers": "string",
    "seconds": "float64", "error": "string", "trail": "string",
}  # fmt: skip
"""Columns of Parquet and CSV and their types: `tiers` in the order asked, joined by spaces; `seconds` over the whole
trail; `trail` as JSON."""

_BATCH = 1000


def export_rows(entries: Iterable[Entry], path: Path) -> int:
    """Writes them to a new file and says how many there were.

    Raises:
        DataError: the suffix is unknown, or the file cannot be written.
    """
    writers = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}
    write = writers.get(path.suffix.lower())
    if write is None:
        raise DataError(f"cannot write {str(path)!r}: unknown kind", hint=f"known: {', '.join(writers)}")
    try:
        return write(iter(entries), path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


def record(entry: Entry) -> dict[str, Any]:
    """The entry as one record of `COLUMNS`; characters that no file can hold are escaped."""
    answer = entry.answer
    values = {
        "run": entry.run,
        "at": entry.at,
        "row": entry.row,
        "input": answer.input,
        "key": entry.key,
        "status": answer.status,
        "label": answer.label,
        "best_guess": answer.best_guess,
        "confidence": answer.confidence,
        "source": answer.source,
        "tiers": " ".join(attempt.tier for attempt in answer.trail),
        "seconds": sum(attempt.seconds for attempt in answer.trail),
        "error": answer.error.message or answer.error.kind if answer.error else None,
        "trail": json.dumps([attempt.to_dict() for attempt in answer.trail]),
    }
    return {
        name: value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
        for name, value in values.items()
    }


def _jsonl(entries: Iterator[Entry], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        for entry in entries:
            file.write(json_line(entry.to_dict()))
            count += 1
    return count


def _csv(entries: Iterator[Entry], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, list(COLUMNS), lineterminator="\n")
        rows.writeheader()
        for entry in entries:
            rows.writerow(record(entry))
            count += 1
    return count


def _parquet(entries: Iterator[Entry], path: Path) -> int:
    table, make_schema, writer = (
        late("pyarrow", "Table", extra="tables"),
        late("pyarrow", "schema", extra="tables"),
        late("pyarrow.parquet", "ParquetWriter", extra="tables"),
    )
    types = {name: late("pyarrow", name, extra="tables")() for name in set(COLUMNS.values())}
    schema = make_schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    count = 0
    with writer(path, schema) as file:
        while batch := [record(entry) for entry in islice(entries, _BATCH)]:
            file.write_table(table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count
