"""Detector, layer sweep, refinement and calibration, trained on the states of a finished reader."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.reader.detector import load_detector, save_detector
from mendgraph.adapters.reader.reader import Reader
from mendgraph.core.calibration import Vector
from mendgraph.training.conflict.claims.attribute import Split
from mendgraph.training.conflict.detector_fit import (
    DetectorSpec,
    detector_figures,
    fit_detector,
    pairs_of,
)
from mendgraph.training.conflict.metadata import CONFIG, METADATA, versions
from mendgraph.training.conflict.part_files import (
    REFERENCES,
    with_reference,
    write_detector,
    write_refinement,
)
from mendgraph.training.conflict.refinement_fit import (
    RefinementTraining,
    fit_refinement,
    refinement_figures,
)
from mendgraph.training.conflict.split import read_split
from mendgraph.training.conflict.states import States, read_states
from mendgraph.training.conflict.sweep import best_layer, plot_sweep, sweep
from mendgraph.training.lm.spec import Limit

__all__ = ["PartOptions", "calibrate_detector", "train_detector", "train_refinement"]

DETECTOR, REFINEMENT = "detector", "refinement"
LOG = "training_log.jsonl"

Echo = Callable[[str], None]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class PartOptions:
    """
    Attributes:
        layer: whose states are read; None takes the best of the sweep for the detector, and the detector's, or else
            the middle one, for the refinement.
        train_sets, test_sets: how many are used.
    """

    detector: DetectorSpec = field(default_factory=DetectorSpec)
    refinement: RefinementTraining = field(default_factory=RefinementTraining)
    layer: int | None = None
    train_sets: int = 4000
    test_sets: int = 500


def train_detector(
    reader: Reader,
    data: Path,
    out: Path,
    options: PartOptions,
    *,
    echo: Echo = lambda line: None,
    progress: Progress = lambda stage, done, total: None,
) -> Artifact:
    """Reads the sets once, fits a detector after each layer, keeps the one chosen in ``out/detector``."""
    folder = out / DETECTOR
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[Split, int | None] = {"train": options.train_sets, "dev": None, "test": options.test_sets}
    states = {split: _states(reader, data, split, count, progress) for split, count in counts.items()}
    rows = sweep(states["train"], states["dev"], states["test"], options.detector)
    plot_sweep(rows, folder)
    for row in rows:
        echo(", ".join(f"{name} {value:g}" for name, value in row.items()))
    layer = best_layer(rows) if options.layer is None else options.layer
    fitted = fit_detector(
        states["train"], states["dev"], layer, options.detector, fingerprint=reader.fingerprint
    )
    figures = {split: detector_figures(fitted, states[split]) for split in ("dev", "test")}
    echo(f"detector after layer {layer}: " + ", ".join(f"{k} {v:g}" for k, v in figures["test"].items()))
    return write_detector(reader, fitted, states, figures, folder)


def train_refinement(
    reader: Reader,
    data: Path,
    out: Path,
    options: PartOptions,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    echo: Echo = lambda line: None,
) -> Artifact:
    """Trains a refinement through the frozen reader into ``out/refinement``; its figures are of greedy answers on test.

    Args:
        reader: opened with the layer that is to be refined.
    """
    folder = out / REFINEMENT
    deadline = None if minutes is None else time.monotonic() + minutes * 60
    train, dev = read_split(data, "train"), read_split(data, "dev")
    fitted = fit_refinement(
        reader, train, dev, options.refinement, Limit(steps=steps, deadline=deadline), folder / LOG, echo=echo
    )
    figures = refinement_figures(reader, fitted.refinement, read_split(data, "test", options.test_sets))
    for way in ("plain", "refined", "random direction"):
        echo(f"{way}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures[way].items()))
    return write_refinement(reader, fitted, dev, figures, folder, rows=len(train))


def calibrate_detector(
    reader: Reader,
    data: Path,
    out: Path,
    *,
    echo: Echo = lambda line: None,
    progress: Progress = lambda stage, done, total: None,
) -> Artifact:
    """Fits the calibration of ``out/detector`` on dev again; its weights stay."""
    folder = out / DETECTOR
    detector = load_detector(folder, reader=reader.fingerprint)
    dev = _states(reader, data, "dev", None, progress)
    features = dev.of(detector.layer, detector.features)
    calibrator = Vector.fit(
        pairs_of(detector.module, features), dev.conflict.long().numpy(), fingerprint=reader.fingerprint
    )
    echo(f"calibration: scale {calibrator.scale}, bias {calibrator.bias}")
    changed = replace(detector, calibrator=calibrator)
    reference = features[:REFERENCES].clone()
    return save_detector(
        with_reference(changed, reference),
        folder,
        files=tuple(name for name in (CONFIG, METADATA) if (folder / name).is_file()),
        versions=versions(),
    )


def _states(reader: Reader, data: Path, split: Split, count: int | None, progress: Progress) -> States:
    sets = read_split(data, split, count)
    return read_states(reader, sets, lambda done, total: progress(f"{split}: states", done, total))
