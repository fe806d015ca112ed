"""Whether loaded parts still compute what they computed where they were trained."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

import torch
from torch import Tensor

from mendgraph.adapters.lcr.classifier import TypesClassifier
from mendgraph.adapters.reader.detector import Detector
from mendgraph.adapters.reader.refiner import Refiner

__all__ = ["CalibrationReport", "CalibrationValidator"]

_LOOSE, _STRICT = 1e-2, 1e-4


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """
    Attributes:
        part: detector, refinement or classifier.
        drift: largest difference from the stored outputs; None where none are stored.
        tolerance: largest drift that is taken for rounding.
        notes: what a person should know.
    """

    part: str
    is_valid: bool
    tolerance: float
    drift: float | None = None
    rows: int = 0
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "part": self.part,
            "is_valid": self.is_valid,
            "drift": self.drift,
            "tolerance": self.tolerance,
            "rows": self.rows,
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        drift = "no reference" if self.drift is None else f"drift {self.drift:.1e} on {self.rows} rows"
        lines = [
            f"{self.part}: {'ok' if self.is_valid else 'DRIFTED'}, {drift}, tolerance {self.tolerance:.0e}"
        ]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


class CalibrationValidator:
    """Runs stored inputs through a loaded part and compares with stored outputs.

    Args:
        strict: a tenth of a per mille instead of a per cent is taken for rounding, and a part without stored outputs is
            not valid.
    """

    def __init__(self, strict: bool = False, *, tolerance: float | None = None) -> None:
        self.strict = strict
        self.tolerance = tolerance if tolerance is not None else _STRICT if strict else _LOOSE

    def validate_detector(self, detector: Detector) -> tuple[bool, CalibrationReport]:
        reference = detector.reference
        if not {"features", "probabilities"} <= set(reference):
            return self._unknown("detector", calibrated=detector.calibrator is not None)
        said = torch.tensor(detector.of_features(reference["features"]), dtype=torch.float64)
        notes = () if detector.calibrator is not None else ("it has no calibration of its own",)
        return self._compared("detector", said, reference["probabilities"], notes)

    def validate_refinement(self, refinement: Refiner) -> tuple[bool, CalibrationReport]:
        reference = refinement.reference
        if not {"states", "refined"} <= set(reference):
            return self._unknown("refinement", calibrated=True)
        states = reference["states"].to(next(refinement.module.parameters()).device)
        with torch.inference_mode():
            found = refinement.module(states, torch.ones(states.shape[:2], device=states.device)).states.cpu()
        size = reference["refined"].abs().amax().clamp(min=1)
        return self._compared("refinement", found / size, reference["refined"] / size, ())

    def validate_classifier(self, classifier: TypesClassifier) -> tuple[bool, CalibrationReport]:
        """Its probabilities are only checked for being some: no published one stores outputs."""
        said = torch.tensor(classifier.probabilities("who", ["one", "another"]), dtype=torch.float64)
        whole = bool(torch.isfinite(said).all()) and abs(float(said.sum()) - 1) < _LOOSE
        note = "no stored outputs to compare with" if whole else f"its probabilities are {said.tolist()}"
        report = CalibrationReport("classifier", whole, self.tolerance, notes=(note,))
        return report.is_valid, report

    def validate_full_system(
        self,
        detector: Detector | None = None,
        refinement: Refiner | None = None,
        classifier: TypesClassifier | None = None,
    ) -> tuple[bool, Mapping[str, CalibrationReport]]:
        """Those that are given; valid when each is."""
        found: dict[str, CalibrationReport] = {}
        if detector is not None:
            found["detector"] = self.validate_detector(detector)[1]
        if refinement is not None:
            found["refinement"] = self.validate_refinement(refinement)[1]
        if classifier is not None:
            found["classifier"] = self.validate_classifier(classifier)[1]
        return all(report.is_valid for report in found.values()), found

    def print_report(
        self, report: CalibrationReport | Mapping[str, CalibrationReport], file: TextIO | None = None
    ) -> None:
        reports = [report] if isinstance(report, CalibrationReport) else list(report.values())
        (file or sys.stdout).write("".join(f"{one.to_text()}\n" for one in reports))

    def _compared(
        self, part: str, found: Tensor, wanted: Tensor, notes: tuple[str, ...]
    ) -> tuple[bool, CalibrationReport]:
        drift = float((found - wanted).abs().amax()) if found.shape == wanted.shape else float("inf")
        valid = drift <= self.tolerance  # a NaN is not
        if not valid:
            notes = (*notes, "compare versions, device and precision with its metadata, or fetch it again")
        report = CalibrationReport(part, valid, self.tolerance, drift, len(wanted), notes)
        return valid, report

    def _unknown(self, part: str, *, calibrated: bool) -> tuple[bool, CalibrationReport]:
        notes = ["no stored outputs to compare with"]
        if not calibrated:
            notes.append("no calibration: its probabilities are the model's own")
        report = CalibrationReport(part, not self.strict, self.tolerance, notes=tuple(notes))
        return report.is_valid, report
