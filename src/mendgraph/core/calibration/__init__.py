"""Calibration: turn a model's probabilities into the probability that its answer is right."""

from __future__ import annotations

from mendgraph.core.calibration.base import CALIBRATORS, Calibrator, calibrator_from_dict
from mendgraph.core.calibration.isotonic import Isotonic, pava
from mendgraph.core.calibration.platt import Platt
from mendgraph.core.calibration.temperature import Temperature
from mendgraph.core.calibration.vector import Vector

__all__ = [
    "CALIBRATORS",
    "Calibrator",
    "Isotonic",
    "Platt",
    "Temperature",
    "Vector",
    "calibrator_from_dict",
    "pava",
]
