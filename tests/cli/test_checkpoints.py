"""`mend verify`, `mend inspect` and `mend convert`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mendgraph.core.reflection import LABELS
from mendgraph.evaluation.reflection_contrast import load_reflection_contrast
from mendgraph.testing import Scripted
from tests.cascades import pair_cascade
from tests.cli.conftest import Mend

STATE = {
    "cross_encoder.embeddings.weight": torch.ones(10, 4),
    "l1.weight": torch.ones(6, 4),
    "l1.bias": torch.ones(6),
    "l2.weight": torch.ones(1, 6),
    "l2.bias": torch.ones(1),
}


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("nowhere",)


@pytest.fixture
def verify(mend: Mend, monkeypatch: pytest.MonkeyPatch) -> Mend:
    """`mend` with a primary tier that knows the pairs and a backup that knows nothing."""
    known = {
        text: (level, 0.8)
        for pair in load_reflection_contrast()
        for text, level in ((pair.better, pair.level), (pair.worse, "none"))
    }
    module = ModuleType("mendgraph.assembly")

    def load(name: str, **given: Any) -> Any:
        backup = Scripted({}, otherwise="simple", labels=LABELS)
        return pair_cascade({"features": backup, "primary": Scripted(known, labels=LABELS)})

    module.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mendgraph.assembly", module)
    return mend


def test_verify_prints_margins_and_passes(verify: Mend) -> None:
    ran = verify("verify", "reflection", "--show", 3)
    count = len(load_reflection_contrast())
    assert ran.code == 0
    assert f"passed: {count} of {count} pairs right, 100.0 %; at least 90.0 % wanted" in ran.out
    assert "tier primary" in ran.out
    for fault in ("advice", "question", "other client", "reference", "all"):
        assert fault in ran.out
    assert ran.out.split("Smallest margins")[1].count("+0.350") == 3
    assert "Smallest margins" not in verify("verify", "reflection", "--show", 0).out


def test_verify_fails_with_its_exit_code(verify: Mend) -> None:
    ran = verify("verify", "reflection", "--tier", "features")
    assert ran.code == 1
    assert "FAILED: 0 of" in ran.out
    assert verify("verify", "reflection", "--tier", "features", "--least", 0).code == 0


def test_verify_as_json(verify: Mend) -> None:
    found = json.loads(verify("verify", "reflection", "--json").out)
    assert (found["tier"], found["share"], found["passed"]) == ("primary", 1.0, True)
    assert {"prompt", "better", "worse", "better_score", "worse_score", "margin"} <= set(found["pairs"][0])


def test_verify_names_what_it_knows(verify: Mend) -> None:
    ran = verify("verify", "reflection", "--tier", "primry")
    assert ran.code == 1
    assert "did you mean 'primary'?" in ran.err
    ran = verify("verify", "emotion")
    assert ran.code == 1
    assert "there is nothing to verify graph 'emotion' with" in ran.err


def test_inspect_shows_every_tensor_and_the_shares(mend: Mend, tmp_path: Path) -> None:
    torch.save({"model_state_dict": STATE, "epoch": 2}, tmp_path / "w.pt")
    ran = mend("inspect", tmp_path / "w.pt")
    assert ran.code == 0
    for words in ("10 x 4", "float32", "77 in 5 tensors", "40 (51.95%)", "37 (48.05%)"):
        assert words in ran.out
    assert "reflection scorer, cross_encoder" in ran.out
    assert "under model_state_dict, beside epoch" in ran.out
    found = json.loads(mend("inspect", tmp_path / "w.pt", "--json").out)
    assert found["shares"] == {"encoder": 40, "head": 37}
    assert found["tensors"][0] == {
        "key": "cross_encoder.embeddings.weight",
        "shape": [10, 4],
        "dtype": "float32",
        "parameters": 40,
    }


def test_inspect_refuses_a_pickle_with_the_reason(mend: Mend, tmp_path: Path) -> None:
    torch.save({"x": Trap()}, tmp_path / "w.pt")
    ran = mend("inspect", tmp_path / "w.pt")
    assert (ran.code, ran.out) == (1, "")
    assert "is refused" in ran.err
    assert "mkdir" in ran.err
    assert "hint: reading a pickle or a program can run code" in ran.err
    assert not Path("nowhere").exists()


def test_convert_writes_safetensors_once(mend: Mend, tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "w.pt")
    target = tmp_path / "w.safetensors"
    ran = mend("convert", tmp_path / "w.pt", target)
    assert (ran.code, ran.out) == (0, "")
    assert "5 tensors" in ran.err
    assert all(torch.equal(part, STATE[key]) for key, part in load_file(target).items())
    again = mend("convert", tmp_path / "w.pt", target, "--precision", "fp16")
    assert again.code == 1
    assert "--force" in again.err
    assert mend("convert", tmp_path / "w.pt", target, "--precision", "fp16", "--force").code == 0
    assert {part.dtype for part in load_file(target).values()} == {torch.float16}


def test_what_is_not_there_is_named(mend: Mend, tmp_path: Path) -> None:
    assert "no checkpoint at" in mend("inspect", tmp_path / "gone.pt").err
    assert "names no file on the hub" in mend("inspect", "hf://Khriis").err
