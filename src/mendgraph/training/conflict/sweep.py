"""Which layer a detector should read: one fitted after each, with and without what compares documents."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from mendgraph.training.conflict.detector_fit import DetectorSpec, detector_figures, fit_detector
from mendgraph.training.conflict.plots import write_lines
from mendgraph.training.conflict.states import States

__all__ = ["SWEEP", "best_layer", "plot_sweep", "sweep"]

SWEEP = "layer_sweep.json"
_PUBLISHED = ("prompt",)


def sweep(train: States, dev: States, test: States, spec: DetectorSpec) -> list[dict[str, float]]:
    """AUROC on dev and test after each layer: of the spec's features, and of the prompt's mean alone."""
    rows = []
    for layer in range(train.features.shape[1]):
        row: dict[str, float] = {"layer": layer}
        for name, features in (("spec", spec.features), ("prompt mean", _PUBLISHED)):
            fitted = fit_detector(train, dev, layer, replace(spec, features=features))
            for split, states in (("dev", dev), ("test", test)):
                row[f"{name}, {split}"] = detector_figures(fitted, states)["AUROC"]
        rows.append(row)
    return rows


def best_layer(rows: list[dict[str, float]]) -> int:
    """By dev."""
    return int(max(rows, key=lambda row: row["spec, dev"])["layer"])


def plot_sweep(rows: list[dict[str, float]], folder: Path) -> None:
    """`layer_sweep.json` and `layer_sweep.png`."""
    (folder / SWEEP).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    lines = {
        label: [row[name] for row in rows]
        for name, label in (("spec, test", "all features"), ("prompt mean, test", "mean of the prompt alone"))
    }
    write_lines(
        lines,
        folder / "layer_sweep.png",
        x="layer",
        y="AUROC of detection, test",
        title="Conflict detector by layer",
    )
