"""Claim sets as parquet files, one per split."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from mendgraph.core.conflict import Document
from mendgraph.errors import DataError
from mendgraph.training.conflict.claims.attribute import Split
from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.emotion.tables import read_table

COLUMNS: Final = (
    "id",
    "question",
    "documents",
    "answers",
    "gold",
    "rule",
    "asked",
    "level",
    "slot",
    "conflict",
    "spans",
    "groups",
)


def claims_path(folder: Path, split: Split) -> Path:
    return folder / f"claims_{split}.parquet"


def write_claims(path: Path, sets: Iterable[ClaimSet]) -> None:
    """Columns as `ClaimSet`; documents as structs, spans as pairs [start, end) of characters."""
    import pyarrow
    import pyarrow.parquet

    rows = [_row(one) for one in sets]
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=_schema(pyarrow)), path)


def read_claims(path: Path) -> list[ClaimSet]:
    """
    Raises:
        DataError: the file is missing or malformed.
    """
    table = read_table(path, COLUMNS)
    try:
        return [
            _claim_set(dict(zip(COLUMNS, row, strict=True)))
            for row in zip(*(table[name] for name in COLUMNS), strict=True)
        ]
    except (TypeError, KeyError) as error:
        raise DataError(
            f"{path.name}: a row is no claim set: {error}", hint="write it again: mend data conflict"
        ) from error


def _schema(pyarrow: Any) -> Any:
    text, whole = pyarrow.string(), pyarrow.int32()
    document = pyarrow.struct(
        [("id", text), ("text", text), ("date", text), ("source", text), ("reliability", pyarrow.float64())]
    )
    types = dict.fromkeys(COLUMNS, text) | {
        "documents": pyarrow.list_(document),
        "answers": pyarrow.list_(text),
        "asked": pyarrow.bool_(),
        "conflict": pyarrow.bool_(),
        "spans": pyarrow.list_(pyarrow.list_(whole)),
        "groups": pyarrow.list_(whole),
    }
    return pyarrow.schema(list(types.items()))


def _row(one: ClaimSet) -> dict[str, Any]:
    found = {name: getattr(one, name) for name in COLUMNS}
    return found | {
        "documents": [document.to_dict() for document in one.documents],
        "answers": list(one.answers),
        "spans": [None if span is None else list(span) for span in one.spans],
        "groups": list(one.groups),
    }


def _claim_set(row: dict[str, Any]) -> ClaimSet:
    return ClaimSet(
        **row
        | {
            "documents": tuple(Document(**one) for one in row["documents"]),
            "answers": tuple(row["answers"]),
            "spans": tuple(None if span is None else (span[0], span[1]) for span in row["spans"]),
            "groups": tuple(row["groups"]),
        }
    )
