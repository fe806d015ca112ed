"""Heads on disk: one safetensors file whose header says which experts they are for and how they were trained."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mendgraph.adapters.causal.published import PREFIX, UNDER, published_heads
from mendgraph.adapters.causal.state import Mode
from mendgraph.adapters.checkpoint import read_checkpoint
from mendgraph.adapters.foreign import renamed
from mendgraph.errors import ArtifactError, DataError, ShapeMismatch
from mendgraph.modules.expert_heads import ExpertHeads

__all__ = ["HEADS", "SavedHeads", "load_heads", "save_heads"]

HEADS = "heads.safetensors"
_KEY = "mendgraph_heads"


@dataclass(frozen=True, slots=True)
class SavedHeads:
    """Heads in evaluation mode, and what is known of them.

    Attributes:
        mode: the decoding they were trained for, never ``forced``.
        doubt: trust below which lazy decoding asks the others, in [0, 1]; None where none was fitted.
    """

    heads: ExpertHeads
    mode: Mode = "soft"
    doubt: float | None = None


def save_heads(saved: SavedHeads, path: str | Path) -> Path:
    """Write `path`, a ``.safetensors`` file, or `heads.safetensors` in that folder.

    An older file stays until the new one is whole.

    Raises:
        DataError: it cannot be written.
    """
    path = Path(path).expanduser()
    path = path if path.suffix == ".safetensors" else path / HEADS
    heads = saved.heads
    about = {
        "experts": list(heads.experts),
        "hidden_size": heads.hidden_size,
        "hidden_dims": list(heads.hidden_dims),
        "dropout": heads.dropout.p,
        "norm": heads.norm,
        "fusion_rank": heads.fusion_rank,
        "mode": saved.mode,
        "doubt": saved.doubt,
    }
    part = path.with_name(f"{path.name}.part")
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in heads.state_dict().items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from error
    try:
        save_file(tensors, part, metadata={_KEY: json.dumps(about)})
        part.chmod(0o644)  # safetensors writes for the owner alone
        os.replace(part, path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def load_heads(path: str | Path, experts: Sequence[str], hidden_size: int) -> SavedHeads:
    """Heads for these experts, in this order: our own file (or its folder), or a published ``best_model_heads.pt``.

    A file may hold heads of more experts than are asked for.  A published one is taken in the order of its heads when
    its names are others.

    Raises:
        ArtifactError: the file is missing, damaged, holds no heads, or none for one of the experts.
        ShapeMismatch: they read hidden states of another size.
    """
    path = Path(path).expanduser()
    path = path / HEADS if path.is_dir() else path
    checkpoint = read_checkpoint(path, under=UNDER)
    about = _about(path) if checkpoint.form == "safetensors" else None
    if about is not None:
        found = _own(path, about, checkpoint.tensors)
    elif any(PREFIX in name for name in checkpoint.tensors):
        found = SavedHeads(published_heads(checkpoint.tensors, experts))
    else:
        raise ArtifactError(f"{path} holds no heads", hint=f"give a {HEADS} or a best_model_heads.pt")
    heads = _chosen(found.heads, experts, path)
    if heads.hidden_size != hidden_size:
        raise ShapeMismatch(
            f"heads in {path} read states of {heads.hidden_size} numbers, the experts give {hidden_size}",
            hint="train heads for these experts",
        )
    return SavedHeads(heads.eval().requires_grad_(False), found.mode, found.doubt)


def _about(path: Path) -> dict[str, Any] | None:
    with renamed(f"read {path}", loading=True), safe_open(path, framework="pt") as file:
        text = (file.metadata() or {}).get(_KEY)
        found: dict[str, Any] | None = None if text is None else json.loads(text)
    return found


def _own(path: Path, about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> SavedHeads:
    with renamed(f"read the heads in {path}", loading=True):
        shape = {
            key: value
            for key, value in about.items()
            if key not in ("experts", "hidden_size", "mode", "doubt")
        }
        heads = ExpertHeads(about["experts"], about["hidden_size"], **shape)
        heads.load_state_dict(dict(tensors))
        return SavedHeads(heads, about["mode"], about["doubt"])


def _chosen(heads: ExpertHeads, experts: Sequence[str], path: Path) -> ExpertHeads:
    if heads.experts == tuple(experts):
        return heads
    if strangers := [name for name in experts if name not in heads.experts]:
        raise ArtifactError(
            f"{path} has heads for {', '.join(heads.experts)}, none for {', '.join(strangers)}",
            hint="train heads for these experts, or name the experts as the heads do",
        )
    if heads.fusion_rank:
        raise ArtifactError(
            f"the complementary logits in {path} were learned with {', '.join(heads.experts)} together",
            hint="use exactly these experts, in this order",
        )
    pick = [heads.experts.index(name) for name in experts]
    made = ExpertHeads(
        experts, heads.hidden_size, hidden_dims=heads.hidden_dims, dropout=heads.dropout.p, norm=heads.norm
    )
    state = {name: part if part.dim() == 0 else part[pick] for name, part in heads.state_dict().items()}
    made.load_state_dict(state)
    return made
