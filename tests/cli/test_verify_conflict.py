"""`mend verify conflict`: parts, calibration and claim sets; and its published checkpoints for `mend inspect`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import yaml

from mendgraph.cli.verify_sets import named_parts
from mendgraph.config import load_config
from mendgraph.evaluation.conflict_contrast import load_conflict_contrast
from tests.cli.conftest import Mend
from tests.parts import save_parts
from tests.questions import knowing, question_cascade
from tests.readers import save_reader

SETS = load_conflict_contrast()


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    save_reader(tmp_path / "reader")
    return save_parts(tmp_path)


@pytest.fixture
def config(parts: Path) -> Path:
    reader = {"kind": "conflict_reader", "model": str(parts / "reader")}
    reader |= {name: str(parts / name) for name in ("detector", "refinement")}
    reader["answerability"] = None
    path = parts / "mendgraph.yaml"
    path.write_text(yaml.safe_dump({"conflict": {"tiers": {"reader": reader}}}))
    return path


@pytest.fixture
def verify(mend: Mend, monkeypatch: pytest.MonkeyPatch) -> Mend:
    """`mend` with a reader that knows the sets; with seed 1 it sees the opposite of what there is in half of them."""
    module = ModuleType("mendgraph.assembly")

    def load(name: str, *, overrides: tuple[str, ...] = (), **given: Any) -> Any:
        wrong = [one.question for one in SETS[:20]] if "conflict.seed=1" in overrides else []
        return question_cascade(knowing(wrong), overrides=overrides)

    module.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mendgraph.assembly", module)
    return mend


def test_a_system_that_is_well_passes(verify: Mend, config: Path) -> None:
    ran = verify("verify", "conflict", "--config", config)
    assert ran.code == 0
    assert "environment: compatible, cpu, fp32" in ran.out
    assert "passed: 4 of 4 parts well; conflict or not right in 100.0 % of 40 sets" in ran.out
    assert "100.0 % of 40 accepted answers right" in ran.out
    for words in ("detector", "drift", "looks entity", "semantic"):
        assert words in ran.out
    assert "Wrong" not in ran.out
    assert "note: reader: nothing beside it says" in ran.err


def test_a_system_that_sees_conflicts_where_none_are_fails(verify: Mend, config: Path) -> None:
    ran = verify("verify", "conflict", "--config", config, "--set", "conflict.seed=1", "--show", 3)
    assert ran.code == 1
    assert "FAILED: 4 of 4 parts well; conflict or not right in 50.0 %" in ran.out
    wrong = ran.out.split("Wrong")[1]
    assert "probability" in wrong
    assert sum(one.question.split()[-1] in wrong for one in SETS[::2]) >= 1
    relaxed = verify("verify", "conflict", "--config", config, "--set", "conflict.seed=1", "--least", 0.5)
    assert relaxed.code == 0


def test_everything_as_json(verify: Mend, config: Path) -> None:
    ran = verify("verify", "conflict", "--config", config, "--json")
    found = json.loads(ran.out)
    assert found["passed"]
    assert {part["part"]: part["well"] for part in found["parts"]} == {
        "reader": True,
        "detector": True,
        "refinement": True,
        "types": True,
    }
    assert found["environment"]["fully_compatible"]
    assert len(found["contrast"]["sets"]) == 40
    assert {"question", "documents", "level", "answer", "said", "said_level", "noticed", "right"} <= set(
        found["contrast"]["sets"][0]
    )


def test_parts_that_the_configuration_leaves_aside_are_checked_too(verify: Mend, config: Path) -> None:
    left = ("--set", "conflict.tiers.reader.detector=null", "--set", "conflict.tiers.reader.refinement=null")
    ran = verify("verify", "conflict", "--config", config, *left)
    assert ran.code == 0
    assert "detector, not used" in ran.out
    assert "passed: 4 of 4 parts well" in ran.out
    assert ran.out.count("drift") == 2


def test_a_damaged_part_fails_the_whole(verify: Mend, config: Path, parts: Path) -> None:
    weights = parts / "detector" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    ran = verify("verify", "conflict", "--config", config)
    assert ran.code == 1
    assert "FAILED: 3 of 4 parts well" in ran.out
    assert "SHA-256" in ran.out
    assert "hint: detector:" in ran.err


def test_checkpoints_are_verified_without_the_graph(verify: Mend, parts: Path) -> None:
    ran = verify("verify", "conflict", "--checkpoints", parts, "--strict")
    assert ran.code == 0
    assert "passed: 2 of 2 parts well" in ran.out
    assert "looks" not in ran.out
    assert json.loads(verify("verify", "conflict", "--checkpoints", parts, "--json").out)["contrast"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("conflict", "--tier", "reader"), 2, "--tier belongs to reflection"),
        (("reflection", "--strict"), 2, "--strict belongs to conflict"),
        (("reflection", "--checkpoints", "."), 2, "--checkpoints belongs to conflict"),
        (("conflict", "--checkpoints", "nowhere"), 2, "does not exist"),
    ],
)
def test_what_does_not_fit_together_is_told(
    mend: Mend, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ran = mend("verify", *arguments)
    assert ran.code == code
    assert said in ran.err


def test_the_parts_of_a_configuration_are_named_by_what_they_are() -> None:
    overrides = [
        "conflict.tiers.second={kind: conflict_reader, model: hf-name}",
        "conflict.tiers.reader.detector=embedded:conflict/detector",
        "conflict.tiers.reader.refinement=embedded:conflict/refinement",
    ]
    spec = load_config(overrides=overrides).conflict
    found = named_parts(spec)
    assert found == {
        "reader": "embedded:conflict/reader",
        "detector": "embedded:conflict/detector",
        "refinement": "embedded:conflict/refinement",
        "answerability": "embedded:conflict/answerability",
        "types": "embedded:conflict/types",
        "second reader": "hf-name",
    }


@pytest.mark.parametrize(
    ("state", "layout"),
    [
        ({"a.weight": (6, 9), "a.bias": (6,), "b.weight": (1, 6), "b.bias": (1,)}, "detector 9-6-1"),
        ({"up.weight": (4, 9), "down.weight": (9, 4)}, "refinement 9-4-9"),
    ],
)
def test_inspect_knows_published_parts(
    mend: Mend, tmp_path: Path, state: dict[str, tuple[int, ...]], layout: str
) -> None:
    torch.save({name: torch.ones(shape) for name, shape in state.items()}, tmp_path / "w.pt")
    assert f"conflict system, {layout}" in mend("inspect", tmp_path / "w.pt").out
    found = json.loads(mend("inspect", tmp_path / "w.pt", "--json").out)
    assert (found["system"], found["layout"]) == ("conflict system", layout)
