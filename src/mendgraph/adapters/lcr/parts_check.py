"""Whether the parts of a conflict system are the ones that were written, and compute what they computed then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mendgraph.adapters.artifacts import MANIFEST, open_artifact, resolve
from mendgraph.adapters.hub import locate
from mendgraph.adapters.lcr.calibration_check import CalibrationReport
from mendgraph.adapters.lcr.loader import LCRModelLoader
from mendgraph.errors import MendError, TierError

__all__ = ["PartCheck", "check_checkpoints", "check_parts"]


@dataclass(frozen=True, slots=True)
class PartCheck:
    """
    Attributes:
        where: folder, or what the configuration calls it.
        calibration: None where the part has none to compare.
        error: why it was refused; "" when it is well.
        hint: the way out.
    """

    part: str
    where: str
    calibration: CalibrationReport | None = None
    error: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        return not self.error and (self.calibration is None or self.calibration.is_valid)

    def to_dict(self) -> dict[str, Any]:
        return {
            "part": self.part,
            "where": self.where,
            "well": self.well,
            "calibration": self.calibration.to_dict() if self.calibration else None,
            "error": self.error,
            "hint": self.hint,
            "notes": list(self.notes),
        }


def check_parts(parts: Mapping[str, str], *, strict: bool, device: str, precision: str) -> list[PartCheck]:
    """
    Args:
        parts: name -> folder, or ``embedded:...``; folders called detector and refinement are run as well.
        strict: a tenth of a per mille of drift is too much, instead of a per cent.
    """
    found = []
    for part, where in parts.items():
        folder = resolve(where)
        if folder.name in _LOADS and folder.is_dir():
            found.append(
                _run(part, folder.name, where, _loader(str(folder.parent), strict, device, precision))
            )
        else:
            found.append(_hashed(part, where))
    return found


def check_checkpoints(folder: str, *, strict: bool, device: str, precision: str) -> list[PartCheck]:
    """Detector and refinement in a folder of ours or a published one.

    Raises:
        ArtifactMissing: no such folder.
    """
    loader = _loader(folder, strict, device, precision)
    return [_run(part, part, str(Path(folder) / part), loader) for part in _LOADS]


_LOADS = {"detector": LCRModelLoader.load_detector, "refinement": LCRModelLoader.load_refinement}


def _loader(folder: str, strict: bool, device: str, precision: str) -> LCRModelLoader:
    return LCRModelLoader(folder, strict_validation=strict, device=device, precision=precision)


def _run(part: str, kind: str, where: str, loader: LCRModelLoader) -> PartCheck:
    before = len(loader.notes)
    try:
        _LOADS[kind](loader)
    except MendError as error:
        return PartCheck(part, where, loader.reports.get(kind), error.message, error.hint)
    return PartCheck(part, where, loader.reports.get(kind), notes=tuple(loader.notes[before:]))


def _hashed(part: str, where: str) -> PartCheck:
    """Against the folder's manifest; a model of somebody else's making has none."""
    try:
        folder = resolve(where) if where.startswith("embedded:") else locate(where)
        if (folder / MANIFEST).is_file() or where.startswith("embedded:"):
            open_artifact(folder)
            return PartCheck(part, where)
    except TierError as error:
        return PartCheck(part, where, error=error.message, hint=error.hint)
    return PartCheck(part, where, notes=("nothing beside it says what its hashes should be",))
