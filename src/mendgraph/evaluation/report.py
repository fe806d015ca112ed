"""What an evaluation found: tables for people, figures for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mendgraph.errors import DataError


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are text, ready to print; `note` says what a reader must know to trust them."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One group of measures, as tables and as figures under one name."""

    name: str
    tables: tuple[Table, ...]
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """A finished evaluation.

    Attributes:
        about: what was measured, with which weights, versions and seeds.
        files: the charts that were written.
    """

    sections: tuple[Section, ...]
    about: Mapping[str, Any]
    files: tuple[Path, ...] = ()

    def tables(self) -> list[Table]:
        """In reading order."""
        return [table for section in self.sections for table in section.tables]

    def to_dict(self) -> dict[str, Any]:
        """JSON values only; what is undefined is None."""
        return {
            "about": plain(self.about),
            **{section.name: plain(section.figures) for section in self.sections},
        }

    def write_json(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise DataError(f"cannot write {path}: {error.strerror}") from error


def plain(value: Any) -> Any:
    """JSON values: dataclasses as mappings, arrays and tuples as lists, NaN and infinity as None."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def number(value: float, digits: int = 3) -> str:
    """A dash where it is undefined."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def between(value: float, interval: Sequence[float] | None, digits: int = 3) -> str:
    """The value, with its interval in brackets where there is one."""
    if interval is None:
        return number(value, digits)
    low, high = interval
    return f"{number(value, digits)} [{number(low, digits)}, {number(high, digits)}]"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %" if math.isfinite(share) else "-"


def points(difference: float) -> str:
    """A difference of shares in percentage points, signed."""
    return f"{100 * difference:+.1f}" if math.isfinite(difference) else "-"
