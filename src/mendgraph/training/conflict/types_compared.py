"""Trains the part of the types classifier that compares values, names and words, and weighs it against the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from mendgraph.core.conflict import LEVELS
from mendgraph.core.evidence import FEATURES, evidence
from mendgraph.core.metrics import macro_f1
from mendgraph.training.conflict.pair_fit import loss_over, pair_logits
from mendgraph.training.conflict.pairs import LabelledPair
from mendgraph.training.conflict.types_model import TypesModel

__all__ = ["fit_compared", "weigh"]

WEIGHT_DECAY = 1e-3
WEIGHTS = (0.4, 0.6, 0.8, 1.0, 1.2)
"""Of the reading part, that are tried."""


def fit_compared(model: TypesModel, pairs: Sequence[LabelledPair]) -> None:
    """Also sets means and scales of the features, as far as they are not known from an earlier classifier."""
    spec, head = model.spec, model.head
    if not pairs:
        return
    features, levels = _known(pairs)
    features = features.to(model.device)
    head.standardise(features)
    head.train()
    loss_of = loss_over(levels, len(LEVELS), model.device)
    levels = levels.to(model.device)
    optimizer = torch.optim.AdamW(head.comparing(), lr=spec.compared_rate, weight_decay=WEIGHT_DECAY)
    steps = spec.compared_epochs * -(-len(levels) // spec.compared_rows)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, spec.compared_rate, total_steps=steps)
    order = torch.Generator().manual_seed(spec.seed)
    for _ in range(spec.compared_epochs):
        for rows in torch.randperm(len(levels), generator=order).split(spec.compared_rows):
            loss = loss_of(head.compared(features[rows]), levels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def weigh(
    model: TypesModel, dev: Sequence[LabelledPair], echo: Callable[[str], None] = lambda line: None
) -> dict[str, float]:
    """Weighs the reading part so that the mean of the sources' macro-F1 is best on dev; what it is, and the weight."""
    inputs = model.inputs(dev)
    both = torch.from_numpy(pair_logits(model, inputs))
    with torch.no_grad():
        alone = model.head.compared(inputs.features.to(model.device)).double().cpu()
    labels, sources = inputs.labels.numpy(), np.array([pair.source for pair in dev])
    best: dict[str, float] = {}
    for weight in WEIGHTS:
        said = (alone + weight * (both - alone)).argmax(1).numpy()
        found = {
            f"macro_f1 {source}": macro_f1(labels[sources == source], said[sources == source])
            for source in sorted(set(sources))
        }
        found = {"reading_weight": weight, "macro_f1": sum(found.values()) / len(found), **found}
        echo("; ".join(f"{name} {value:.4g}" for name, value in found.items()))
        if not best or found["macro_f1"] > best["macro_f1"]:
            best = found
    model.head.weigh(best["reading_weight"])
    return best


def _known(pairs: Sequence[LabelledPair]) -> tuple[torch.Tensor, torch.Tensor]:
    compared = [evidence(pair.question, pair.first, pair.second) for pair in pairs]
    return (
        torch.tensor(compared, dtype=torch.float32).reshape(len(pairs), len(FEATURES)),
        torch.tensor([LEVELS.index(pair.level) for pair in pairs]),
    )
