"""A user's own documents: a folder of texts, a JSONL file, or a parquet file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mendgraph.adapters.retrieval.passages import passages
from mendgraph.core.conflict import Document, read_document
from mendgraph.errors import DataError, InputError

__all__ = ["SUFFIXES", "read_documents"]

SUFFIXES: Final = (".txt", ".md", ".rst")
"""Of the files in a folder that are read as texts; .jsonl and .parquet files in it are read as tables."""

_TABLES: Final = (".jsonl", ".parquet")
_FIELDS: Final = ("id", "date", "source", "reliability")
_TABLES_EXTRA: Final = "pip install 'mendgraph[tables]'"


def read_documents(path: Path) -> list[Document]:
    """All passages, in order of their files' names.

    A text file is cut into passages named ``file#1``, ``file#2``.  Rows of a table have a column ``text`` and may have
    ``id``, ``date``, ``source`` and ``reliability``.

    Raises:
        DataError: nothing to read is there, or a file is malformed.
    """
    if path.is_dir():
        files = sorted(
            one for one in path.rglob("*") if one.is_file() and one.suffix.lower() in (*SUFFIXES, *_TABLES)
        )
        if not files:
            raise DataError(
                f"no documents in {str(path)!r}",
                hint=f"expected files that end in {', '.join((*SUFFIXES, *_TABLES))}",
            )
        return [document for file in files for document in _of_file(file, file.relative_to(path).as_posix())]
    if not path.is_file():
        raise DataError(f"no documents at {str(path)!r}", hint="give a folder, a .jsonl or a .parquet file")
    if path.suffix.lower() not in (*SUFFIXES, *_TABLES):
        raise DataError(
            f"{path.name!r} is no kind of document this reads",
            hint=f"expected a folder, or a file that ends in {', '.join((*SUFFIXES, *_TABLES))}",
        )
    return list(_of_file(path, path.name))


def _of_file(path: Path, name: str) -> Iterator[Document]:
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        yield from _rows(path, _json_lines(path))
    elif suffix == ".parquet":
        yield from _rows(path, _parquet(path))
    else:
        parts = passages(_text(path))
        for number, part in enumerate(parts, 1):
            yield read_document({"id": name if len(parts) == 1 else f"{name}#{number}", "text": part})


def _rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> Iterator[Document]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping) or not isinstance(row.get("text"), str):
            has = ", ".join(map(repr, row)) if isinstance(row, Mapping) else type(row).__name__
            raise DataError(f"{path.name}, row {number}: no column 'text'; it has {has}")
        known = {field: row[field] for field in _FIELDS if row.get(field) is not None}
        name = str(known.pop("id", f"{path.name}#{number}"))
        if not row["text"].strip():
            continue
        parts = passages(row["text"])
        for part_number, part in enumerate(parts, 1):
            try:
                yield read_document(
                    {"id": name if len(parts) == 1 else f"{name}.{part_number}", "text": part, **known}
                )
            except InputError as error:
                raise DataError(f"{path.name}, row {number}: {error.message}", hint=error.hint) from error


def _json_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except ValueError as error:
            raise DataError(f"{path.name}, line {number}: no JSON: {error}") from error


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise DataError(
            "reading parquet files needs pyarrow, which is not installed", hint=_TABLES_EXTRA
        ) from error
    try:
        table = pyarrow.parquet.read_table(path)
    except (OSError, ValueError) as error:  # pyarrow.lib.ArrowInvalid is a ValueError
        raise DataError(f"{str(path)!r} is no readable parquet file: {error}") from error
    rows: list[Mapping[str, Any]] = table.to_pylist()
    yield from rows


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DataError(f"cannot read {str(path)!r}: {error.strerror}") from error
