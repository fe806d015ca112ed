"""The training loop: epochs over comparisons or outcomes, the best on held-out prompts kept, resumable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.hashing import sha256_of_json
from mendgraph.errors import ConfigError
from mendgraph.modules.router import RouterNetwork
from mendgraph.training.prompt_routing.losses import PairLoss, outcome_loss, pair_loss
from mendgraph.training.prompt_routing.network import PromptReader
from mendgraph.training.prompt_routing.optimizers import Together, make_optimizer
from mendgraph.training.prompt_routing.samples import Samples, Step
from mendgraph.training.prompt_routing.specs import GradientSpec, ModelSpec

__all__ = ["Echo", "History", "run_epochs"]

Echo = Callable[[str], None]
History = tuple[dict[str, float], ...]

WEIGHTS, OPTIMIZER, STATE = "checkpoint.safetensors", "optimizer.pt", "checkpoint.json"


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """Everything with weights, and what it is taught."""

    reader: PromptReader
    network: RouterNetwork
    loss: PairLoss
    spec: ModelSpec
    optimizer: Together

    def tensors(self) -> dict[str, Tensor]:
        """All that training changes, under names that tell whose it is."""
        found = {
            f"{owner}.{name}": part
            for owner, module in (
                ("encoder", self.reader.encoder.model),
                ("network", self.network),
                ("loss", self.loss),
            )
            for name, part in module.named_parameters()
            if part.requires_grad
        }
        return {name: part.data for name, part in found.items()}

    def take(self, kept: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, part in self.tensors().items():
                part.copy_(kept[name])

    def train(self, on: bool) -> None:
        self.network.train(on)
        self.reader.encoder.model.train(on and bool(self.reader.encoder.tuned))

    def of(self, step: Step) -> tuple[Tensor, Tensor, Tensor]:
        """Loss, and per sample the logits of the first and second LLM."""
        logits = self.network(self.reader(step.prompts))  # (B, M)
        places, first, second, outcome, weight = (
            part.to(logits.device)
            for part in (step.places, step.first, step.second, step.outcome, step.weight)
        )
        one, other = logits[places, first], logits[places, second]
        if self.spec.loss.kind == "regression":
            return outcome_loss(one, outcome, weight), one, other
        return self.loss(one, other, outcome, weight), one, other


def run_epochs(
    reader: PromptReader,
    network: RouterNetwork,
    spec: ModelSpec,
    optimizer_spec: GradientSpec,
    train: Samples,
    held: Samples,
    compared: Samples,
    *,
    epochs: int,
    batch_size: int,
    checkpoints: Path | None = None,
    resume: bool = False,
    echo: Echo = lambda line: None,
) -> tuple[History, int]:
    """One mapping per epoch (losses, pairwise accuracies) and the number of the best one, whose weights stay.

    The caller seeds torch and puts its generators back.

    Args:
        train, held: samples that the loss takes; those held out choose the epoch by their loss, unbalanced.
        compared: held-out comparisons, for the accuracy.
        batch_size: prompts per step, each with all its samples.
        checkpoints: folder to go on from after an interruption; None keeps none.

    Raises:
        ConfigError: `resume` with other settings or data than the checkpoint's.
    """
    loss = pair_loss(spec.loss).to(reader.encoder.device)
    optimizer = make_optimizer(
        optimizer_spec, [*network.parameters(), *loss.parameters()], reader.encoder.tuned
    )
    parts = _Parts(reader, network, loss, spec, optimizer)
    digest = sha256_of_json(
        {"spec": spec.model_dump(mode="json"), "batch_size": batch_size, "rows": [len(train), len(held)]}
    )
    kept = {name: part.clone() for name, part in parts.tensors().items()}
    history: list[dict[str, float]] = []
    best, lowest = 0, float("inf")
    if checkpoints is not None and resume and (checkpoints / STATE).is_file():
        history, best, lowest, kept = _restored(parts, checkpoints, digest)
        echo(f"going on after epoch {len(history)}")
    for epoch in range(len(history) + 1, epochs + 1):
        torch.manual_seed(
            spec.seed * 100_003 + epoch
        )  # an epoch is the same whether or not the run was cut before it
        with renamed("train"):
            learned = _epoch(parts, train, epoch, batch_size, f"epoch {epoch}/{epochs}")
            found = _measure(parts, held, compared, batch_size)
        history.append({"epoch": epoch, "loss": learned, **found})
        echo(_line(history[-1], epochs))
        if found["validation_loss"] < lowest:
            best, lowest = epoch, found["validation_loss"]
            kept = {name: part.clone() for name, part in parts.tensors().items()}
        if checkpoints is not None:
            _checkpoint(parts, kept, checkpoints, history, best, lowest, digest)
    parts.take(kept)
    parts.train(False)
    return tuple(history), best


def _epoch(parts: _Parts, samples: Samples, epoch: int, batch_size: int, title: str) -> float:
    parts.train(True)
    steps = list(
        samples.epoch(
            batch_size, balance=parts.spec.balance_model_samples, seed=parts.spec.seed * 100_003 + epoch
        )
    )
    moved = [
        p for part in (parts.network, parts.loss) for p in part.parameters()
    ] + parts.reader.encoder.tuned
    total = weight = 0.0
    for step in tqdm(steps, desc=title, disable=None, leave=False, unit="step", dynamic_ncols=True):
        loss, _, _ = parts.of(step)
        parts.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(moved, parts.spec.max_grad_norm)
        parts.optimizer.step()
        mass = float(step.weight.sum())
        total, weight = total + loss.item() * mass, weight + mass
    return total / weight


@torch.no_grad()
def _measure(parts: _Parts, held: Samples, compared: Samples, batch_size: int) -> dict[str, float]:
    parts.train(False)
    total = weight = 0.0
    for step in held.steps(batch_size):
        mass = float(step.weight.sum())
        total, weight = total + float(parts.of(step)[0]) * mass, weight + mass
    decisive = compared.where(compared.outcome != 0.5)
    right = among = 0.0
    for step, one, other in _logits(parts, decisive, batch_size):
        sure = 0.5 + 0.5 * (one - other).sign() * (step.outcome.to(one) - 0.5).sign()
        right += float((sure * step.weight.to(one)).sum())
        among += float(step.weight.sum())
    return {
        "validation_loss": total / weight if weight else float("nan"),
        "validation_accuracy": right / among if among else float("nan"),
    }


def _logits(parts: _Parts, samples: Samples, batch_size: int) -> Iterator[tuple[Step, Tensor, Tensor]]:
    for step in samples.steps(batch_size) if len(samples) else ():
        _, one, other = parts.of(step)
        yield step, one, other


def _line(found: Mapping[str, float], epochs: int) -> str:
    return (
        f"epoch {found['epoch']:g}/{epochs}: loss {found['loss']:.4f}, held out {found['validation_loss']:.4f}, "
        f"pairwise accuracy {found['validation_accuracy']:.4f}"
    )


def _checkpoint(
    parts: _Parts,
    kept: Mapping[str, Tensor],
    folder: Path,
    history: list[dict[str, float]],
    best: int,
    lowest: float,
    digest: str,
) -> None:
    """Weights now and at best, the optimiser, and last the state, without which the rest is not read."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STATE).unlink(missing_ok=True)
    tensors = {f"now.{name}": part.contiguous() for name, part in parts.tensors().items()}
    tensors |= {f"best.{name}": part.contiguous() for name, part in kept.items()}
    save_file({name: part.cpu().clone() for name, part in tensors.items()}, folder / WEIGHTS)
    torch.save(parts.optimizer.state_dict(), folder / OPTIMIZER)
    state = {"history": history, "best": best, "lowest": lowest, "settings": digest}
    (folder / STATE).write_text(json.dumps(state) + "\n", encoding="utf-8")


def _restored(
    parts: _Parts, folder: Path, digest: str
) -> tuple[list[dict[str, float]], int, float, dict[str, Tensor]]:
    with renamed(f"read the checkpoint in {str(folder)!r}", loading=True):
        state: dict[str, Any] = json.loads((folder / STATE).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS)
        optimizer = torch.load(folder / OPTIMIZER, map_location="cpu", weights_only=True)
    if state["settings"] != digest:
        raise ConfigError(
            "resume: settings or data differ from those of the checkpoint",
            hint="restore them, or start again without --resume",
        )
    device = parts.reader.encoder.device
    by_owner = {
        owner: {
            name.removeprefix(f"{owner}."): part.to(device)
            for name, part in tensors.items()
            if name.startswith(f"{owner}.")
        }
        for owner in ("now", "best")
    }
    parts.take(by_owner["now"])
    parts.optimizer.load_state_dict(optimizer)
    return state["history"], int(state["best"]), float(state["lowest"]), by_owner["best"]
