"""Parquet in and out, as plain columns; the only file of this folder that knows pyarrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mendgraph.errors import DataError, MendError

TRAIN_EXTRA = "pip install 'mendgraph[train]'"


def read_table(path: Path, columns: Sequence[str]) -> dict[str, list[Any]]:
    """All columns of a parquet file, missing values as None.

    Args:
        columns: names that must be there.
    """
    parquet = _parquet()
    if not path.is_file():
        raise DataError(
            f"data file {str(path)!r} is not there",
            hint="point --data-dir at the folder with the parquet files",
        )
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:  # pyarrow.lib.ArrowInvalid is a ValueError
        raise DataError(f"data file {str(path)!r} is no readable parquet file: {error}") from error
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise DataError(
            f"{path.name}: column {missing[0]!r} is missing, found {', '.join(table.column_names) or 'none'}"
        )
    return {name: table.column(name).to_pylist() for name in table.column_names}


def write_table(path: Path, columns: Mapping[str, Sequence[Any]], types: Mapping[str, str]) -> None:
    """Write columns in the given order.

    Args:
        types: column -> pyarrow type alias (``string``, ``int8``, ``bool``, ``double``); stated, because a
            column of nothing but None has no type of its own.
    """
    parquet = _parquet()
    import pyarrow

    schema = pyarrow.schema([(name, pyarrow.type_for_alias(types[name])) for name in columns])
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(
        pyarrow.table({name: list(values) for name, values in columns.items()}, schema=schema), path
    )


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MendError(
            "reading data sets needs pyarrow, which is not installed", hint=TRAIN_EXTRA
        ) from error
    return pyarrow.parquet
