"""A tiny detector and a tiny refinement with the outputs that they must still give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from mendgraph.adapters.reader.detector import Detector, save_detector
from mendgraph.adapters.reader.refiner import Refiner, save_refinement
from mendgraph.modules.conflict_detector import ConflictDetector
from mendgraph.modules.refinement import Refinement

HIDDEN, WIDTH = 24, 8


def tiny_detector() -> Detector:
    torch.manual_seed(0)
    found = Detector(ConflictDetector(HIDDEN, WIDTH).eval(), 1)
    features = torch.randn(5, HIDDEN)
    said = torch.tensor(found.of_features(features), dtype=torch.float64)
    return replace(found, reference={"features": features, "probabilities": said})


def tiny_refiner() -> Refiner:
    torch.manual_seed(0)
    module = Refinement(HIDDEN).eval()
    torch.nn.init.normal_(module.down.weight)
    states = torch.randn(1, 6, HIDDEN)
    with torch.no_grad():
        refined = module(states, torch.ones(1, 6)).states
    return Refiner(module, 1, reference={"states": states, "refined": refined})


def save_parts(folder: Path) -> Path:
    save_detector(tiny_detector(), folder / "detector")
    save_refinement(tiny_refiner(), folder / "refinement")
    return folder
