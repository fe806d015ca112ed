"""Trains a classifier of two texts; the epoch that does best on dev is kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Generic

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from mendgraph.adapters.batching import buckets
from mendgraph.adapters.foreign import renamed
from mendgraph.core.arrays import FloatArray
from mendgraph.core.metrics import macro_f1
from mendgraph.errors import DataError
from mendgraph.training.conflict.pair_model import PairInputs, PairModel, R
from mendgraph.training.emotion.train import choose_precision

__all__ = ["FittedPairs", "fit_pairs", "loss_over", "pair_logits"]

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class FittedPairs(Generic[R]):
    """A trained classifier, what it reached after each epoch, and the epoch whose weights it has."""

    model: PairModel[R]
    history: tuple[dict[str, float], ...]
    best_epoch: int


def fit_pairs(
    model: PairModel[R],
    train: Sequence[R],
    dev: Sequence[R],
    *,
    echo: Echo = lambda line: None,
) -> FittedPairs[R]:
    """Cross-entropy over the labels, each weighed by the root of its rarity.

    Raises:
        DataError: no pairs in train or in dev.
    """
    spec = model.spec
    if not train or not dev:
        raise DataError(f"{len(train)} pairs to train on and {len(dev)} held out", hint="mend data conflict")
    known, held = model.inputs(train), model.inputs(dev)
    model.head.standardise(known.features.to(model.device))
    loss_of = loss_over(known.labels, len(model.labels), model.device)
    adapters = [p for p in model.encoder.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [
            {"params": adapters, "lr": spec.learning_rate},
            {"params": model.head.reading(), "lr": spec.head_learning_rate},
        ],
        weight_decay=spec.weight_decay,
    )
    plan = buckets([len(ids) for ids in known.tokens.ids], spec.batch_rows, spec.batch_tokens)
    steps = spec.epochs * len(plan)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda at: _rate(at, steps, spec.warmup))
    random, started = Random(spec.seed), time.monotonic()
    history: list[dict[str, float]] = []
    best = 0
    kept: dict[str, Tensor] = {}
    for epoch in range(1, spec.epochs + 1):
        random.shuffle(plan)
        model.train()
        total = 0.0
        bar = tqdm(plan, desc=f"epoch {epoch}/{spec.epochs}", disable=None, leave=False, unit="step")
        for rows in bar:
            with renamed("train the classifier"):
                with _autocast(model):
                    loss = model.loss(known, rows, loss_of)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_([*adapters, *model.head.parameters()], 1.0)
                optimizer.step()
                schedule.step()
            total += float(loss.detach()) * len(rows)
        found = {"epoch": float(epoch), "loss": total / len(train), **_measure(model, held, dev)}
        history.append(found)
        echo("; ".join(f"{name} {value:.4g}" for name, value in found.items()))
        if not kept or found["macro_f1"] > history[best - 1]["macro_f1"]:
            best = epoch
            kept = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
        if spec.minutes is not None and time.monotonic() - started > 60 * spec.minutes:
            echo(f"{spec.minutes:g} minutes are over after epoch {epoch}")
            break
    with torch.no_grad():
        for name, part in model.named_parameters():
            if name in kept:
                part.copy_(kept[name])
    model.eval()
    return FittedPairs(model, tuple(history), best)


def loss_over(labels: Tensor, count: int, device: torch.device) -> nn.CrossEntropyLoss:
    """Cross-entropy in which each of `count` labels weighs by the root of its rarity."""
    counts = torch.bincount(labels, minlength=count).clamp(min=1)
    weight = counts.float().rsqrt()
    weight = (weight / (weight * counts).sum() * counts.sum()).to(device)
    return nn.CrossEntropyLoss(weight=weight, label_smoothing=0.02)


def pair_logits(model: PairModel[Any], inputs: PairInputs) -> FloatArray:
    """(N, labels) in order."""
    model.eval()
    found = torch.empty(len(inputs.tokens), len(model.labels))
    spec = model.spec
    with torch.no_grad(), _autocast(model):
        for rows in buckets(
            [len(ids) for ids in inputs.tokens.ids], spec.batch_rows * 2, spec.batch_tokens * 2
        ):
            found[rows] = _numbers(model(inputs, rows))
    return np.asarray(found.double().numpy())


def _numbers(logits: Tensor) -> Tensor:
    return logits.float().cpu()


def _measure(model: PairModel[R], held: PairInputs, dev: Sequence[R]) -> dict[str, float]:
    """Macro-F1 of each source, and their mean, which chooses the epoch."""
    said = pair_logits(model, held).argmax(axis=1)
    labels = held.labels.numpy()
    sources = sorted({pair.source for pair in dev})
    found = {}
    for source in sources:
        rows = [at for at, pair in enumerate(dev) if pair.source == source]
        found[f"macro_f1 {source}"] = macro_f1(labels[rows], said[rows])
    return {"macro_f1": sum(found.values()) / len(found), **found}


def _autocast(model: PairModel[Any]) -> torch.autocast:
    dtype = DTYPES.get(choose_precision(model.spec.precision, model.device))
    return torch.autocast(model.device.type, dtype, enabled=dtype is not None)


def _rate(at: int, steps: int, warmup: float) -> float:
    """Rises over the first share of the steps, then falls along half a cosine to 5 %."""
    rise = max(1, round(warmup * steps))
    if at < rise:
        return (at + 1) / rise
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, (at - rise) / max(1, steps - rise))))
