"""Checkpoint files: what is read, what is refused and why, and the way to safetensors."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mendgraph.adapters.checkpoint import Checkpoint, read_checkpoint, write_safetensors
from mendgraph.adapters.checkpoint_report import inspect_checkpoint
from mendgraph.errors import ArtifactError, ArtifactMissing, ConfigError, DataError
from tests.scorers import SCORER_LAYOUTS, save_roberta, scorer_state

STATE = {"b.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.tensor([1, 2])}


class Trap:
    """Reading it with plain pickle would make a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def same(found: Checkpoint, wanted: dict[str, Tensor]) -> bool:
    return found.tensors.keys() == wanted.keys() and all(
        torch.equal(found.tensors[key], part) and found.tensors[key].dtype == part.dtype
        for key, part in wanted.items()
    )


@pytest.mark.parametrize("name", ["w.pt", "w.bin", "w"])
@pytest.mark.parametrize("zipped", [True, False])
def test_what_torch_saved_is_read_whatever_its_name(tmp_path: Path, name: str, zipped: bool) -> None:
    torch.save(STATE, tmp_path / name, _use_new_zipfile_serialization=zipped)
    found = read_checkpoint(str(tmp_path / name))
    assert (found.form, found.nested, found.beside) == ("pt", "", ())
    assert same(found, STATE)


@pytest.mark.parametrize("name", ["w.safetensors", "w.bin"])
def test_safetensors_are_told_by_their_content(tmp_path: Path, name: str) -> None:
    save_file(STATE, tmp_path / name)
    found = read_checkpoint(tmp_path / name)
    assert found.form == "safetensors"
    assert same(found, STATE)


def test_weights_beside_a_training_state(tmp_path: Path) -> None:
    linear = nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(linear.parameters())
    content = {
        "model_state_dict": {f"module.{key}": part for key, part in STATE.items()},
        "optimizer_state_dict": optimizer.state_dict(),
        "epoch": 3,
    }
    torch.save(content, tmp_path / "w.pt")
    found = read_checkpoint(tmp_path / "w.pt")
    assert (found.nested, found.beside) == ("model_state_dict", ("epoch", "optimizer_state_dict"))
    assert same(found, STATE)


def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    for name, zipped in (("new.pt", True), ("old.pt", False)):
        torch.save(
            {**STATE, "x": Trap(tmp_path / "ran")}, tmp_path / name, _use_new_zipfile_serialization=zipped
        )
        with pytest.raises(ArtifactError, match=r"is refused: .*(posix|nt)\.mkdir") as caught:
            read_checkpoint(tmp_path / name)
        assert "safetensors" in caught.value.hint
        assert "weights_only" not in str(caught.value)
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(STATE["b.weight"].tolist()))
    with pytest.raises(ArtifactError, match="is refused: it is a plain pickle"):
        read_checkpoint(tmp_path / "plain.pt")
    assert not (tmp_path / "ran").exists()


def test_whole_models_and_foreign_objects_are_refused_by_name(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "model.pt")
    with pytest.raises(ArtifactError, match=r"refused: Unsupported global: GLOBAL torch\.nn.*Linear \("):
        read_checkpoint(tmp_path / "model.pt")
    torch.save({"a": np.float64(3)}, tmp_path / "numpy.pt")
    with pytest.raises(ArtifactError, match=r"GLOBAL numpy"):
        read_checkpoint(tmp_path / "numpy.pt")


@pytest.mark.parametrize(
    ("content", "story"),
    [
        ({}, "holds nothing"),
        (torch.ones(2), "holds a Tensor, not weights by name"),
        ({"model_state_dict": {}}, "holds nothing"),
        ({"a": torch.ones(1), "epoch": 3, "best": 0.5}, "values that are no tensors: best, epoch"),
    ],
)
def test_what_is_no_set_of_weights_is_refused(tmp_path: Path, content: Any, story: str) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(ArtifactError, match=story) as caught:
        read_checkpoint(tmp_path / "w.pt")
    assert "model.state_dict()" in caught.value.hint


@pytest.mark.parametrize("form", ["pt", "safetensors", "old.pt"])
def test_damage_is_named_wherever_it_is(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"w.{form}"
    if form == "safetensors":
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=form == "pt")
    whole = path.read_bytes()
    for size in (0, 1, 7, 20, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ArtifactError, match=r"w\."):
            read_checkpoint(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing, match="no checkpoint at"):
        read_checkpoint(tmp_path / "gone.pt")
    with pytest.raises(ArtifactMissing, match="no checkpoint at"):
        read_checkpoint(tmp_path)
    (tmp_path / "page.pt").write_text("<html>download quota exceeded</html>")
    with pytest.raises(ArtifactError, match="neither a safetensors file nor one that torch wrote"):
        read_checkpoint(tmp_path / "page.pt")


@pytest.mark.parametrize("layout", SCORER_LAYOUTS)
def test_conversion_keeps_names_types_and_every_bit(tmp_path: Path, layout: str) -> None:
    state = scorer_state(save_roberta(tmp_path / "encoder"), layout)
    state["shared"] = next(iter(state.values()))  # torch stores it once, safetensors twice
    state["view"] = next(iter(state.values())).T
    torch.save({"model_state_dict": state}, tmp_path / "w.pt")
    write_safetensors(read_checkpoint(tmp_path / "w.pt"), tmp_path / "w.safetensors")
    assert same(read_checkpoint(tmp_path / "w.safetensors"), state)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_conversion_to_sixteen_bits(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "w.pt")
    checkpoint = read_checkpoint(tmp_path / "w.pt")
    write_safetensors(checkpoint, tmp_path / "w.safetensors", precision="bf16")
    found = read_checkpoint(tmp_path / "w.safetensors").tensors
    assert {key: part.dtype for key, part in found.items()} == {
        "b.weight": torch.bfloat16,
        "a.bias": torch.int64,
    }
    large = Checkpoint(tmp_path / "w.pt", "pt", {"x": torch.tensor([1e9])})
    with pytest.raises(DataError, match="x does not fit into fp16"):
        write_safetensors(large, tmp_path / "large.safetensors", precision="fp16")
    assert not (tmp_path / "large.safetensors").exists()


def test_conversion_says_what_cannot_be(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "w.pt", "pt", STATE)
    with pytest.raises(ConfigError, match=r"ends in \.safetensors"):
        write_safetensors(checkpoint, tmp_path / "w.pt")
    with pytest.raises(ConfigError, match="unknown 'fp8'"):
        write_safetensors(checkpoint, tmp_path / "w.safetensors", precision="fp8")
    with pytest.raises(DataError, match="cannot write"):
        write_safetensors(checkpoint, tmp_path / "gone" / "w.safetensors")


@pytest.mark.parametrize(("layout", "head"), [("cross_encoder", 17409), ("roberta", 8705)])
def test_a_report_counts_encoder_and_head(tmp_path: Path, layout: str, head: int) -> None:
    state = scorer_state(save_roberta(tmp_path / "encoder"), layout)
    total = sum(part.numel() for part in state.values())
    torch.save(state, tmp_path / "w.pt")
    found = inspect_checkpoint(read_checkpoint(tmp_path / "w.pt"))
    assert (found.layout, found.numbers) == (layout, total)
    assert dict(found.shares) == {"encoder": total - head, "head": head}
    assert found.not_finite == ()
    assert len(found.to_dict()["tensors"]) == len(state)
    assert len(found.sha256) == 64


def test_a_report_of_something_else_counts_by_the_first_word(tmp_path: Path) -> None:
    save_file({**STATE, "a.x": torch.tensor([float("inf")])}, tmp_path / "w.safetensors")
    found = inspect_checkpoint(read_checkpoint(tmp_path / "w.safetensors"))
    assert found.layout == ""
    assert dict(found.shares) == {"a": 3, "b": 6}
    assert found.not_finite == ("a.x",)
