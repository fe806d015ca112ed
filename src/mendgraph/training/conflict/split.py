"""The claim sets of one split."""

from __future__ import annotations

from pathlib import Path

from mendgraph.errors import DataError
from mendgraph.training.conflict.claims.attribute import Split
from mendgraph.training.conflict.claims.files import claims_path, read_claims
from mendgraph.training.conflict.claims.sets import ClaimSet

__all__ = ["read_split"]


def read_split(folder: Path, split: Split, count: int | None = None) -> list[ClaimSet]:
    """The first `count` of them, or all.

    Raises:
        DataError: the file is missing or malformed.
    """
    path = claims_path(folder, split)
    if not path.is_file():
        raise DataError(f"no claim sets at {str(path)!r}", hint=f"mend data conflict --out {folder}")
    return read_claims(path)[:count]
