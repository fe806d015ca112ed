"""Tables from parquet, CSV or JSON lines, as plain columns."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mendgraph.errors import DataError
from mendgraph.training.emotion.tables import read_table

__all__ = ["numbers", "read_columns", "texts"]


def read_columns(path: Path, columns: Sequence[str] = ()) -> dict[str, list[Any]]:
    """All columns of a ``.parquet``, ``.csv``, ``.tsv`` or ``.jsonl`` file; missing values as None.

    Args:
        columns: names that must be there.

    Raises:
        DataError: no such file, not readable, or a column is missing.
    """
    kind = path.suffix.lower()
    if kind == ".parquet":
        return read_table(path, columns)
    if kind not in (".csv", ".tsv", ".jsonl", ".json"):
        raise DataError(f"{path.name}: unknown kind of table", hint="use .parquet, .csv, .tsv or .jsonl")
    if not path.is_file():
        raise DataError(f"data file {str(path)!r} is not there", hint="check the path")
    try:
        # newline="" as csv asks for: quoted prompts run over several lines
        with path.open(encoding="utf-8", newline="") as file:
            if kind in (".csv", ".tsv"):
                rows: list[dict[str, Any]] = list(
                    csv.DictReader(file, delimiter="," if kind == ".csv" else "\t")
                )
            elif kind == ".json":
                rows = json.load(file)
            else:
                rows = [json.loads(line) for line in file if line.strip()]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path.name} is no readable table: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path.name}: expected one object per row")
    names = list(dict.fromkeys(name for row in rows for name in row if name is not None))
    missing = [name for name in columns if name not in names]
    if missing:
        raise DataError(f"{path.name}: column {missing[0]!r} is missing, found {', '.join(names) or 'none'}")
    empty = (None, "") if kind in (".csv", ".tsv") else (None,)
    return {name: [None if row.get(name) in empty else row[name] for row in rows] for name in names}


def texts(table: dict[str, list[Any]], column: str, path: Path) -> list[str]:
    """The column as text without outer white space; an empty cell is an error."""
    found = ["" if cell is None else str(cell).strip() for cell in table[column]]
    if "" in found:
        raise DataError(
            f"{path.name}, row {found.index('')}: {column} is empty", hint="drop rows without text"
        )
    return found


def numbers(table: dict[str, list[Any]], column: str, path: Path) -> list[float]:
    """The column as numbers, NaN where empty."""
    found = []
    for row, cell in enumerate(table[column]):
        try:
            found.append(float("nan") if cell is None else float(cell))
        except (TypeError, ValueError) as error:
            raise DataError(f"{path.name}, row {row}: {column} is {cell!r}, which is no number") from error
    return found
