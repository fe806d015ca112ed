"""`mend train conflict`: what it refuses, and that each part is made from the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mendgraph import assembly
from mendgraph.adapters.policies import open_policy
from mendgraph.core.conflict import LEVELS
from mendgraph.training.conflict.claims.files import claims_path, write_claims
from mendgraph.training.conflict.claims.sets import claim_sets
from tests.cli.conftest import Mend
from tests.conflict_types import save_types
from tests.readers import save_conflict_reader
from tests.tiny import save_encoder
from tests.training.conflict_bases import save_base


def test_training_asks_for_an_end(mend: Mend, tmp_path: Path) -> None:
    done = mend("train", "conflict", "--out", tmp_path)
    assert done.code == 1
    assert "needs an end" in done.err
    assert "--max-minutes" in done.err


def test_unknown_parts_are_refused_with_the_known_ones(mend: Mend, tmp_path: Path) -> None:
    done = mend("train", "conflict", "--part", "detectors", "--out", tmp_path)
    assert done.code == 1
    assert "did you mean 'detector'?" in " ".join(done.err.split())


def test_missing_claim_sets_name_the_command_that_makes_them(mend: Mend, tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    options = ("--base", base, "--data", tmp_path, "--out", tmp_path / "out", "--steps", 1)
    done = mend("train", "conflict", "--part", "reader", *options)
    assert done.code == 1
    assert "mend data conflict" in done.err


def test_flags_of_one_graph_are_refused_for_another(mend: Mend) -> None:
    done = mend("train", "emotion", "--lora")
    assert done.code == 2
    assert "--lora belongs to conflict, not to emotion" in " ".join(done.err.replace("│", " ").split())
    done = mend("train", "conflict", "--num-epochs", 3)
    assert done.code == 2
    assert "--num-epochs belongs to token_routing" in " ".join(done.err.replace("│", " ").split())


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT asks for the old name
def test_reader_detector_and_refinement_from_the_command_line(
    mend: Mend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # compiling takes longer than training so few steps
    monkeypatch.setattr("mendgraph.training.conflict.reader_fit.has_compiler", lambda device: False)
    data, out = tmp_path / "claims", tmp_path / "out"
    for split in ("train", "dev", "test"):
        write_claims(claims_path(data, split), claim_sets(split, 8))  # type: ignore[arg-type]
    places = ("--data", data, "--out", out, "--device", "cpu")
    base = save_base(tmp_path / "base")
    for part, *more in (
        ("reader", "--base", base, "--steps", 1, "--batch-size", 2, "--lora"),
        ("detector",),
        ("refinement", "--steps", 1, "--batch-size", 2, "--gated"),
        ("calibration",),
    ):
        done = mend("train", "conflict", "--part", part, *places, *more)
        assert done.code == 0, done.err
        assert "ready: " in done.err
    assert {path.name for path in out.iterdir()} >= {"reader", "detector", "refinement"}


def test_the_policy_of_the_configured_tiers_from_the_command_line(
    mend: Mend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mendgraph.assembly", assembly)  # with its models, not scripted
    write_claims(claims_path(tmp_path / "claims", "dev"), claim_sets("dev", 6))
    encoder = save_encoder(tmp_path / "encoder")
    save_types(tmp_path / "types", encoder)
    parts = save_conflict_reader(tmp_path)
    reader = {"kind": "conflict_reader", "answerability": None, **parts}
    tiers = {"reader": reader, "types": {"kind": "conflict_types", "path": "types"}}
    stanza = {"encoder": str(encoder), "device": "cpu", "tiers": tiers}
    (tmp_path / "mine.yaml").write_text(json.dumps({"conflict": stanza}))
    places = ("--data", tmp_path / "claims", "--out", tmp_path / "out", "--config", tmp_path / "mine.yaml")
    done = mend("train", "conflict", "--part", "policy", "--risk", "0.2", *places)
    assert done.code == 0, done.err
    assert "ready: " in done.err
    assert open_policy(str(tmp_path / "out" / "policy"), LEVELS).target == {"risk": 0.2}
    gone = mend(
        "train", "conflict", "--part", "policy", *places, "--set", "conflict.tiers.types.path=/nowhere"
    )
    assert gone.code == 1
    assert "/nowhere" in gone.err
