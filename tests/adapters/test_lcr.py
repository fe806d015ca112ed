"""The validated loader: our folders and published ones, and every way in which it says no."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mendgraph.adapters.lcr.calibration_check import CalibrationValidator
from mendgraph.adapters.lcr.environment import check_environment
from mendgraph.adapters.lcr.hardware import HardwareManager
from mendgraph.adapters.lcr.loader import LCRModelLoader
from mendgraph.adapters.reader.detector import save_detector
from mendgraph.errors import (
    ArtifactError,
    ArtifactMissing,
    ConfigError,
    HashMismatch,
    ShapeMismatch,
    UnknownNameError,
)
from tests.parts import HIDDEN, WIDTH, save_parts, tiny_detector, tiny_refiner
from tests.tiny import save_classifier

BOTTLENECK = 4


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return save_parts(tmp_path)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """As the reference lays them out, with tensor names of its own."""
    torch.manual_seed(1)
    detector = {
        "net.0.weight": torch.randn(WIDTH, HIDDEN),
        "net.0.bias": torch.randn(WIDTH),
        "net.2.weight": torch.randn(1, WIDTH),
        "net.2.bias": torch.randn(1),
    }
    refinement = {
        "W_down.weight": torch.randn(HIDDEN, BOTTLENECK),
        "W_up.weight": torch.randn(BOTTLENECK, HIDDEN),
    }
    for part, state, config in (
        ("detector", detector, {"hidden_size": HIDDEN, "layer": 16, "threshold": 0.6}),
        ("refinement", refinement, {"max_steps": 2, "alpha": 0.3, "layer": 16}),
    ):
        folder = tmp_path / part
        folder.mkdir()
        weights = folder / f"{part}_llama3_8b.pt"
        torch.save({"model_state_dict": state, "epoch": 3}, weights)
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        metadata = {
            "framework": {"pytorch_version": "2.1.0+cu118"},
            "integrity": {"sha256": hashlib.sha256(weights.read_bytes()).hexdigest()},
            "validation": {"expected_l1_accuracy": 0.978},
        }
        (folder / "final_metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    return tmp_path


def test_ours_load_and_match_what_they_said(own: Path) -> None:
    loader = LCRModelLoader(own, device="cpu")
    models = loader.load_all()
    features = torch.randn(3, HIDDEN)
    assert models.detector.of_features(features) == tiny_detector().of_features(features)
    assert models.classifier is None
    assert set(loader.reports) == {"detector", "refinement"}
    valid, reports = CalibrationValidator(strict=True).validate_full_system(
        models.detector, models.refinement
    )
    assert valid
    assert all(report.drift is not None and report.drift < 1e-6 for report in reports.values())


def test_published_layouts_are_read_by_their_shapes(published: Path) -> None:
    loader = LCRModelLoader(published, device="cpu")
    detector, refinement, _ = (lambda m: (m.detector, m.refinement, m.classifier))(loader.load_all())
    state = torch.load(published / "detector" / "detector_llama3_8b.pt", weights_only=True)[
        "model_state_dict"
    ]
    features = torch.randn(4, HIDDEN)
    inner = torch.relu(features @ state["net.0.weight"].T + state["net.0.bias"])
    wanted = (inner @ state["net.2.weight"].T + state["net.2.bias"]).sigmoid()[:, 0]
    assert detector.of_features(features) == pytest.approx(wanted.tolist(), abs=1e-6)
    assert (detector.layer, detector.threshold) == (15, 0.6)
    assert (refinement.layer, refinement.module.spec.steps, refinement.module.bottleneck) == (
        15,
        2,
        BOTTLENECK,
    )
    state = torch.load(published / "refinement" / "refinement_llama3_8b.pt", weights_only=True)[
        "model_state_dict"
    ]
    states = torch.randn(1, 3, HIDDEN)
    wanted = states.clone()
    for _ in range(2):
        wanted = wanted + 0.3 * torch.relu(wanted @ state["W_up.weight"].T) @ state["W_down.weight"].T
    found = refinement.module(states, torch.ones(1, 3)).states
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    assert loader.metadata("detector")["validation"]["expected_l1_accuracy"] == 0.978


def test_a_wrong_hash_is_refused_unless_integrity_is_not_asked_for(published: Path) -> None:
    path = published / "detector" / "final_metadata.json"
    word = hashlib.sha256(b"test").hexdigest()  # what the published demo has
    path.write_text(json.dumps({"sha256": word}), encoding="utf-8")
    with pytest.raises(HashMismatch, match="its metadata says 9f86d081884c7d65"):
        LCRModelLoader(published, device="cpu").load_detector()
    assert LCRModelLoader(published, device="cpu", verify_integrity=False).load_detector()


def test_published_weights_without_a_hash_are_told(published: Path) -> None:
    (published / "detector" / "final_metadata.json").unlink()
    loader = LCRModelLoader(published, device="cpu")
    loader.load_detector()
    assert loader.notes == ["detector_llama3_8b.pt: nothing beside it says what its SHA-256 should be"]


def test_drifted_outputs_are_refused_unless_calibration_is_not_asked_for(own: Path) -> None:
    detector = tiny_detector()
    wrong = {**detector.reference, "probabilities": detector.reference["probabilities"] + 0.1}
    save_detector(replace(detector, reference=wrong), own / "detector")
    with pytest.raises(ArtifactError, match="calibration drift detected: the detector's outputs differ by 1"):
        LCRModelLoader(own, device="cpu").load_detector()
    loaded = LCRModelLoader(own, device="cpu", calibration_check=False).load_detector()
    valid, report = CalibrationValidator(strict=True).validate_detector(loaded)
    assert not valid
    out = io.StringIO()
    CalibrationValidator().print_report(report, file=out)
    assert out.getvalue().startswith("detector: DRIFTED, drift 1.0e-01 on 5 rows")


def test_small_drift_passes_when_not_strict(own: Path) -> None:
    detector = tiny_detector()
    near = {**detector.reference, "probabilities": detector.reference["probabilities"] + 1e-3}
    save_detector(replace(detector, reference=near), own / "detector")
    with pytest.raises(ArtifactError):
        LCRModelLoader(own, device="cpu").load_detector()
    assert LCRModelLoader(own, device="cpu", strict_validation=False).load_detector()


def test_outputs_that_are_not_finite_are_drift() -> None:
    refiner = tiny_refiner()
    torch.nn.init.constant_(refiner.module.down.bias, float("nan"))
    valid, report = CalibrationValidator().validate_refinement(refiner)
    assert not valid
    assert "DRIFTED" in report.to_text()


def test_damaged_weights_of_ours_are_refused_even_without_integrity(own: Path) -> None:
    with (own / "refinement" / "weights.safetensors").open("ab") as file:
        file.write(b"0")
    with pytest.raises(HashMismatch):
        LCRModelLoader(own, device="cpu", verify_integrity=False).load_refinement()


def test_a_cpu_is_fine_and_an_absent_device_is_not(own: Path) -> None:
    report = LCRModelLoader(own, device="cpu").validate_environment()
    assert report.fully_compatible
    assert "no GPU" in report.warnings[0]
    absent = LCRModelLoader(own, device="cuda:99")
    assert not absent.validate_environment().fully_compatible
    assert "cannot: device: 'cuda:99'" in absent.validate_environment().to_text()
    with pytest.raises(ConfigError, match="this machine does not fit"):
        absent.load_detector()


def test_precision_that_the_device_lacks_is_a_reason() -> None:
    report = check_environment("cpu", "fp16")
    assert report.reasons == ("precision: fp16 does not suit the cpu (use bf16 or fp32 there)",)
    assert report.to_dict()["fully_compatible"] is False


@pytest.mark.parametrize("state", [{}, {"a.weight": torch.zeros(3, HIDDEN)}, {"w": torch.zeros(2, 2, 2)}])
def test_other_weights_are_no_detector(published: Path, state: dict[str, torch.Tensor]) -> None:
    (published / "detector" / "final_metadata.json").unlink()
    torch.save(state, published / "detector" / "detector_llama3_8b.pt")
    with pytest.raises((ShapeMismatch, ArtifactError)):
        LCRModelLoader(published, device="cpu").load_detector()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing, match="no checkpoints at"):
        LCRModelLoader(tmp_path / "nowhere")
    loader = LCRModelLoader(tmp_path, device="cpu")
    with pytest.raises(ArtifactMissing, match="has 0 files of weights"):
        loader.load_detector()
    with pytest.raises(ArtifactMissing, match="no classifier 'deberta_v3_large'"):
        loader.load_classifier()
    with pytest.raises(UnknownNameError, match="deberta_v3_large, distilbert_base, tinybert"):
        loader.load_classifier("deberta")


def test_a_classifier_folder_is_a_variant(own: Path) -> None:
    labels = ("none", "temporal", "numerical", "entity", "semantic")
    save_classifier(own / "classifier" / "distilbert_base", labels, distil=True)
    models = LCRModelLoader(own, device="cpu").load_all()
    assert models.classifier is not None
    assert models.classifier.labels == labels
    assert sum(models.classifier.probabilities("who", ["you", "we"])) == pytest.approx(1)
    assert CalibrationValidator().validate_classifier(models.classifier)[0]


def test_the_hardware_report_is_written_where_it_is_told() -> None:
    out = io.StringIO()
    HardwareManager().print_hardware_report(file=out)
    assert out.getvalue().startswith("platform ")
    assert HardwareManager().report().to_dict()["cpus"] >= 1
