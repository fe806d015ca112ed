"""SHA-256 of files, each content hashed once per process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["sha256_of", "sha256_of_json"]

# (path, bytes, modification time in ns) -> hex digest.  A change of content that keeps both size and
# nanosecond time would go unseen; that is the price of not reading 90 MB on every open.
_known: dict[tuple[str, int, int], str] = {}


def sha256_of(path: Path) -> str:
    """Hex digest of a file's content; 64 characters."""
    real = path.resolve()
    stat = real.stat()
    key = (str(real), stat.st_size, stat.st_mtime_ns)
    if key not in _known:
        with real.open("rb") as file:
            _known[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _known[key]


def sha256_of_json(value: Mapping[str, Any]) -> str:
    """Hex digest of the canonical JSON: sorted keys, no blanks, ASCII."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
