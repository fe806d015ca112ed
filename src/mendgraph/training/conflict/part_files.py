"""Writes a trained detector or refinement: its artefact, and what a person reads beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from mendgraph.adapters.artifacts import Artifact, DataSource
from mendgraph.adapters.reader.detector import Detector, save_detector
from mendgraph.adapters.reader.reader import Reader
from mendgraph.adapters.reader.refiner import Refiner, save_refinement
from mendgraph.training.conflict.claims.attribute import Split
from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.conflict.detector_fit import FittedDetector
from mendgraph.training.conflict.metadata import CONFIG, METADATA, metadata_of, versions, write_json
from mendgraph.training.conflict.plots import write_lines
from mendgraph.training.conflict.refinement_fit import FittedRefinement
from mendgraph.training.conflict.states import States

__all__ = ["REFERENCES", "with_reference", "write_detector", "write_refinement"]

REFERENCES = 16
"""Rows or tokens kept for the calibration check."""

_CURVE = "training_curve.png"


def write_detector(
    reader: Reader,
    fitted: FittedDetector,
    states: Mapping[Split, States],
    figures: Mapping[str, Mapping[str, float]],
    folder: Path,
) -> Artifact:
    """Weights, calibration, reference, config, metadata, figures, card, manifest."""
    spec, module = fitted.spec, fitted.detector
    config = {
        "architecture": f"{module.inputs}-{module.width}-1",
        "activation": "relu",
        "hidden_size": reader.hidden_size,
        "hidden_dim": module.width,
        "layer": fitted.layer,
        "features": list(spec.features),
        "threshold": 0.5,
    }
    test = figures["test"]
    expected = {"auroc": test["AUROC"], "macro_f1": test["macro-F1"], "ece": test["ECE"]}
    codes = {"temporal": "l1", "numerical": "l2", "entity": "l3", "semantic": "l4"}
    expected |= {f"{code}_accuracy": test.get(f"found, {level}", 0.0) for level, code in codes.items()}
    write_json(folder / CONFIG, config)
    write_json(
        folder / METADATA,
        metadata_of(
            seed=spec.seed,
            training=asdict(spec),
            curves=[{"epoch": n, "dev_auroc": value} for n, value in enumerate(fitted.history, 1)],
            expected=expected,
            device=reader.layers.device,
        ),
    )
    write_json(folder / "metrics.json", figures)
    detector = Detector(module, fitted.layer, spec.features, fitted.calibrator, 0.5, reader.fingerprint)
    reference = states["dev"].of(fitted.layer, spec.features)[:REFERENCES].clone()
    artifact = save_detector(
        with_reference(detector, reference),
        folder,
        files=(CONFIG, METADATA),
        training=asdict(spec),
        data=[_claims(len(states["train"].levels))],
        versions=versions(),
        metrics=test,
    )
    card = [
        "# Conflict detector",
        "",
        f"{module.inputs}-{module.width}-1 on the states after layer {fitted.layer} of reader {reader.fingerprint}: "
        f"{', '.join(spec.features)}. Calibrated on dev. On test, {states['test'].features.shape[0]} claim sets with "
        "entities and wordings of their own:",
        "",
        "| | dev | test |",
        "|---|---|---|",
        *(f"| {name} | {figures['dev'].get(name, 0):.3f} | {value:.3f} |" for name, value in test.items()),
        "",
        "`found, none` is the share of sets without a conflict that it takes for one. What it finds on text of other "
        "kinds is in `mend eval conflict`.",
        "",
    ]
    (folder / "README.md").write_text("\n".join(card), encoding="utf-8")
    return artifact


def with_reference(detector: Detector, features: torch.Tensor) -> Detector:
    said = torch.tensor(detector.of_features(features), dtype=torch.float64)
    return replace(detector, reference={"features": features, "probabilities": said})


def write_refinement(
    reader: Reader,
    fitted: FittedRefinement,
    dev: Sequence[ClaimSet],
    figures: dict[str, dict[str, float]],
    folder: Path,
    *,
    rows: int,
) -> Artifact:
    """Weights, reference, config, metadata, figures, curve, card, manifest; `rows` were there to train on."""
    module, training = fitted.refinement, fitted.training
    midway = reader.begin([reader.prompt(dev[0].question, [document.text for document in dev[0].documents])])
    states = midway.states[:, :REFERENCES].float().cpu().clone()
    with torch.inference_mode():
        refined = module.to("cpu")(states, torch.ones(states.shape[:2])).states.clone()
    config: dict[str, Any] = {
        "architecture": f"{module.hidden_size}-{module.bottleneck}-{module.hidden_size}",
        "hidden_size": module.hidden_size,
        "layer": fitted.border,
        **asdict(module.spec),
        "bottleneck": module.bottleneck,
    }
    write_json(folder / CONFIG, config)
    write_json(
        folder / METADATA,
        metadata_of(
            seed=training.seed,
            training=asdict(training),
            curves=[row for row in fitted.history if "dev cross-entropy" in row],
            expected={
                f"{name.replace(' ', '_')}_accuracy": value for name, value in figures["refined"].items()
            },
            device=reader.layers.device,
        ),
    )
    write_json(folder / "metrics.json", figures)
    measured = [row for row in fitted.history if "dev cross-entropy" in row]
    write_lines(
        {"cross-entropy on dev": [row["dev cross-entropy"] for row in measured]},
        folder / _CURVE,
        x="step",
        y="nats per token",
        title="Refinement",
        at=[row["step"] for row in measured],
    )
    refiner = Refiner(
        module, fitted.border, reader.fingerprint, reference={"states": states, "refined": refined}
    )
    artifact = save_refinement(
        refiner,
        folder,
        files=(CONFIG, METADATA),
        training={"steps": fitted.steps, **asdict(training)},
        data=[_claims(rows)],
        versions=versions(),
        metrics=figures["refined"],
    )
    ways = ("plain", "refined", "random direction")
    counts = figures["counts"]
    card = [
        "# Refinement of hidden states",
        "",
        f"h <- h + {module.spec.step} * W_down ReLU(W_up h), at most {module.spec.steps} times, bottleneck "
        f"{module.bottleneck}, after layer {fitted.border} of reader {reader.fingerprint}. Trained through the rest of "
        f"the reader on {', '.join(training.levels or ('all',))} sets.",
        "",
        f"Share of right answers on {counts['sets']:.0f} claim sets of test; steps in a random direction are as long, "
        "token by token:",
        "",
        "| | " + " | ".join(ways) + " |",
        "|---|---|---|---|",
        *(
            f"| {name} | " + " | ".join(f"{figures[way][name]:.3f}" for way in ways) + " |"
            for name in figures["plain"]
        ),
        "",
        f"{counts['mended']:.0f} answers were mended, {counts['harmed']:.0f} harmed; {counts['mean steps']:.2f} "
        "steps on average.",
        "",
    ]
    (folder / "README.md").write_text("\n".join(card), encoding="utf-8")
    return artifact


def _claims(rows: int) -> DataSource:
    return DataSource(
        name="claim sets", licence="made by this project", rows=rows, source="mend data conflict"
    )
