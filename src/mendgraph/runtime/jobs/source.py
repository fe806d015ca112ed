"""Which file a job reads, so that a changed one is noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mendgraph.errors import DataError


@dataclass(frozen=True, slots=True)
class Source:
    """An input file as it was when it was looked at.

    Attributes:
        path: absolute.
        size: in bytes.
        mtime_ns: time of the last change.
        inode: of the file; a replaced file has another one.
        sha256: hex digest of the content.
    """

    path: str
    size: int
    mtime_ns: int
    inode: int
    sha256: str

    @classmethod
    def of(cls, path: Path, known: Source | None = None) -> Source:
        """Looks at a file.

        The content is read only where place, size, time and inode are not all those of `known`: a change that keeps
        them goes unseen, and in return a job over many gigabytes goes on at once.

        Raises:
            DataError: the file cannot be read.
        """
        path = path.resolve()
        try:
            found = path.stat()
            place = (str(path), found.st_size, found.st_mtime_ns, found.st_ino)
            if known is not None and place == (known.path, known.size, known.mtime_ns, known.inode):
                return known
            with path.open("rb") as file:
                return cls(*place, hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror or error}") from error

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Source:
        return cls(**data)
