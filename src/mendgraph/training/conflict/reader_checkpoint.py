"""State of a reader's training on disk: weights, optimizer, counters."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model, save_model
from torch import nn
from torch.optim import Optimizer

from mendgraph.errors import ConfigError
from mendgraph.training.conflict.reader_spec import ReaderSpec

__all__ = ["Run", "open_run", "write_run"]

_CHECKPOINT = "checkpoint"
_STATE, _WEIGHTS, _OPTIMIZER = "state.json", "model.safetensors", "optimizer.pt"


@dataclass(slots=True)
class Run:
    """How far a run has come, and the best it saw."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    fraction: float = 0.0
    best: float = -1.0
    best_step: int = 0
    best_scores: dict[str, float] | None = None


def open_run(folder: Path, spec: ReaderSpec, model: nn.Module, optimizer: Optimizer, *, resume: bool) -> Run:
    """The state to go on from, loaded into `model` and `optimizer`; else the folder is cleared for a new run.

    Raises:
        ConfigError: the checkpoint was made with other settings.
    """
    kept = folder / _CHECKPOINT
    if not (resume and (kept / _STATE).is_file()):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return Run()
    state = json.loads((kept / _STATE).read_text(encoding="utf-8"))
    before, wanted = state["spec"], _learned(spec)
    changed = [
        f"{key} was {before.get(key)!r} and is {wanted[key]!r}"
        for key in sorted(wanted)
        if before.get(key) != wanted[key]
    ]
    if changed:
        raise ConfigError(
            f"resume: {', '.join(changed)}", hint="restore them, or start again without --resume"
        )
    load_model(model, kept / _WEIGHTS)
    optimizer.load_state_dict(torch.load(kept / _OPTIMIZER, weights_only=True))
    return Run(**state["run"])


def write_run(folder: Path, run: Run, spec: ReaderSpec, model: nn.Module, optimizer: Optimizer) -> None:
    """Beside the older checkpoint first, so that one whole one is always there."""
    kept, part, old = (folder / name for name in (_CHECKPOINT, _CHECKPOINT + ".part", _CHECKPOINT + ".old"))
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    save_model(model, str(part / _WEIGHTS))
    torch.save(optimizer.state_dict(), part / _OPTIMIZER)
    state = {"run": asdict(run), "spec": _learned(spec)}
    (part / _STATE).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(old, ignore_errors=True)
    if kept.exists():
        kept.rename(old)
    part.rename(kept)
    shutil.rmtree(old, ignore_errors=True)


def _learned(spec: ReaderSpec) -> dict[str, Any]:
    """The settings that decide what is learned."""
    others = ("evaluations", "eval_sets", "checkpoint_minutes", "tokens_at_once", "gradient_checkpointing")
    return {name: value for name, value in asdict(spec).items() if name not in others}
