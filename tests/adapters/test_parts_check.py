"""Files and calibration of the parts that a configuration names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mendgraph.adapters.artifacts import write_artifact
from mendgraph.adapters.lcr.parts_check import PartCheck, check_checkpoints, check_parts
from mendgraph.adapters.reader.detector import save_detector
from mendgraph.errors import ArtifactMissing
from tests.parts import save_parts, tiny_detector
from tests.readers import save_reader


def check(folder: Path, strict: bool = False) -> dict[str, PartCheck]:
    named = {name: str(folder / name) for name in ("reader", "types", "detector", "refinement")}
    return {one.part: one for one in check_parts(named, strict=strict, device="cpu", precision="fp32")}


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    save_parts(tmp_path)
    save_reader(tmp_path / "reader")
    (tmp_path / "types").mkdir()
    (tmp_path / "types" / "head.txt").write_text("head")
    write_artifact(tmp_path / "types", name="types", kind="types", task="conflict", files=["head.txt"])
    return tmp_path


def test_parts_that_are_what_they_were_are_well(parts: Path) -> None:
    found = check(parts, strict=True)
    assert all(one.well for one in found.values())
    for part in ("detector", "refinement"):
        report = found[part].calibration
        assert report is not None
        assert report.drift == pytest.approx(0.0, abs=1e-5)
    assert found["types"].notes == ()
    assert "hashes" in found["reader"].notes[0]  # a model of somebody else's making has no manifest
    assert found["detector"].to_dict()["calibration"]["is_valid"]


def test_changed_files_drifted_outputs_and_missing_folders_are_refused(parts: Path) -> None:
    (parts / "types" / "head.txt").write_text("another head")
    detector = tiny_detector()
    drifted = {**detector.reference, "probabilities": detector.reference["probabilities"] + 0.1}
    save_detector(replace(detector, reference=drifted), parts / "detector")
    weights = parts / "refinement" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes() + b"x")
    (parts / "reader").rename(parts / "elsewhere")
    found = check(parts)
    assert not any(one.well for one in found.values())
    assert all(one.hint for one in found.values())
    assert "SHA-256" in found["types"].error
    assert "calibration drift" in found["detector"].error
    assert found["detector"].calibration is not None
    assert "SHA-256" in found["refinement"].error


def test_a_folder_of_checkpoints_is_checked_part_by_part(parts: Path) -> None:
    well = check_checkpoints(str(parts), strict=False, device="cpu", precision="fp32")
    assert [(one.part, one.well) for one in well] == [("detector", True), ("refinement", True)]
    with pytest.raises(ArtifactMissing):
        check_checkpoints(str(parts / "nowhere"), strict=False, device="cpu", precision="fp32")
