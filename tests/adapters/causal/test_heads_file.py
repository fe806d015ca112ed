"""Heads on disk: what was saved comes back, in our form and in the published one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mendgraph.adapters.causal.heads_file import HEADS, SavedHeads, load_heads, save_heads
from mendgraph.errors import ArtifactError, ArtifactMissing, DataError, ShapeMismatch
from tests import languages

STATES = torch.randn(3, 5, languages.HIDDEN, generator=torch.Generator().manual_seed(0))


def published(names: tuple[str, ...], *, nested: bool, folder: Path) -> tuple[Path, Tensor]:
    """A checkpoint with BatchNorm heads, and their (M, N) scores in evaluation."""
    torch.manual_seed(3)
    state, scores = {}, []
    for number, name in enumerate(names):
        head = nn.Sequential(
            nn.Linear(languages.HIDDEN, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1),
            nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1),
            nn.Linear(8, 1),
        )  # fmt: skip
        for layer in head:
            if isinstance(layer, nn.BatchNorm1d):
                for part in (layer.weight, layer.bias, layer.running_mean):
                    nn.init.normal_(part)  # type: ignore[arg-type]
                nn.init.uniform_(layer.running_var, 0.5, 2)  # type: ignore[arg-type]
        with torch.no_grad():
            scores.append(head.eval()(STATES[number]).squeeze(-1))
        prefix = f"projection_heads.{name}.non_linear_projection."
        state |= {prefix + key: part for key, part in head.state_dict().items()}
    path = folder / "best_model_heads.pt"
    torch.save({"epoch": 2, "projection_heads_state_dict": state, "loss": 1.5} if nested else state, path)
    return path, torch.stack(scores)


@pytest.mark.parametrize("fusion_rank", [0, 4])
def test_what_was_saved_comes_back(tmp_path: Path, fusion_rank: int) -> None:
    heads = languages.heads(fusion_rank=fusion_rank)
    heads.slope.fill_(2.0)
    path = save_heads(SavedHeads(heads, "lazy", 0.7), tmp_path / "new")
    assert path == tmp_path / "new" / HEADS
    for place in (path, path.parent):
        found = load_heads(place, languages.NAMES, languages.HIDDEN)
        assert (found.mode, found.doubt) == ("lazy", 0.7)
        assert torch.equal(found.heads(STATES), heads(STATES))
        assert torch.equal(found.heads.slope, heads.slope)
        assert not found.heads.training


def test_some_of_the_heads_in_another_order(tmp_path: Path) -> None:
    heads = languages.heads()
    path = save_heads(SavedHeads(heads), tmp_path)
    found = load_heads(path, ("medical", "general"), languages.HIDDEN).heads
    assert torch.allclose(found(STATES[[2, 0]]), heads(STATES)[[2, 0]], atol=1e-6)
    with pytest.raises(ArtifactError, match="none for law"):
        load_heads(path, ("general", "law"), languages.HIDDEN)
    fused = save_heads(SavedHeads(languages.heads(fusion_rank=2), "fusion"), tmp_path / "fused")
    with pytest.raises(ArtifactError, match="were learned with general, math, medical together"):
        load_heads(fused, ("math", "general"), languages.HIDDEN)


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("names", [languages.NAMES, ("qwen-1", "qwen-2.5", "qwen-3")], ids=["same", "others"])
def test_published_heads_give_their_scores(tmp_path: Path, nested: bool, names: tuple[str, ...]) -> None:
    path, scores = published(names, nested=nested, folder=tmp_path)
    found = load_heads(path, languages.NAMES, languages.HIDDEN)
    assert torch.allclose(found.heads(STATES), scores, atol=1e-5)
    assert found.mode == "soft"


def test_published_heads_are_matched_by_name(tmp_path: Path) -> None:
    path, scores = published(("medical", "general", "math"), nested=True, folder=tmp_path)
    found = load_heads(path, languages.NAMES, languages.HIDDEN)
    assert torch.allclose(found.heads(STATES[[1, 2, 0]]), scores[[1, 2, 0]], atol=1e-5)
    with pytest.raises(ShapeMismatch, match="published heads are for"):
        load_heads(path, ("a", "b"), languages.HIDDEN)


def test_what_is_no_head_is_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, tmp_path / "x.safetensors")
    with pytest.raises(ArtifactError, match="holds no heads"):
        load_heads(tmp_path / "x.safetensors", languages.NAMES, languages.HIDDEN)
    with pytest.raises(ArtifactMissing, match="no checkpoint"):
        load_heads(tmp_path, languages.NAMES, languages.HIDDEN)
    path = save_heads(SavedHeads(languages.heads()), tmp_path)
    with pytest.raises(ShapeMismatch, match="read states of 32 numbers, the experts give 64"):
        load_heads(path, languages.NAMES, 64)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ArtifactError, match="cannot read"):
        load_heads(path, languages.NAMES, languages.HIDDEN)
    broken = {"projection_heads.a.non_linear_projection.0.weight": torch.zeros(4, 4), "epoch": torch.zeros(1)}
    torch.save(broken, tmp_path / "odd.pt")
    with pytest.raises(ShapeMismatch, match="unexpected key 'epoch'"):
        load_heads(tmp_path / "odd.pt", ["a"], 4)
    torch.save({"projection_heads.a.non_linear_projection.0.weight": torch.zeros(4, 4)}, tmp_path / "less.pt")
    with pytest.raises(ShapeMismatch, match=r"'a' has no 0\.bias"):
        load_heads(tmp_path / "less.pt", ["a"], 4)


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        save_heads(SavedHeads(languages.heads()), tmp_path / "file" / "heads.safetensors")
