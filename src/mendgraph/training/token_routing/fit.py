"""Trains router heads on cached states, for one way of decoding; keeps the epoch that is best on dev."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from math import cos, log, pi
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.device import choose_device
from mendgraph.core.arrays import FloatArray
from mendgraph.errors import DataError
from mendgraph.modules.expert_heads import ExpertHeads
from mendgraph.training.token_routing import losses
from mendgraph.training.token_routing.batches import balanced, token_numbers
from mendgraph.training.token_routing.calibrate import calibrate, fit_doubt
from mendgraph.training.token_routing.scoring import fused_nats, speak
from mendgraph.training.token_routing.spec import HeadSpec
from mendgraph.training.token_routing.states import States, Tokens, beginning
from mendgraph.training.token_routing.tracking import Tracking

Echo = Callable[[str], None]

_CLIP = 1.0
_FUSED = 1024
"""Tokens of a step whose fused logits are computed: each costs a product with the whole vocabulary."""
_FUSED_DEV = 20_000


@dataclass(frozen=True, slots=True)
class Fitted:
    """Heads of the best epoch, and how they came to be.

    Attributes:
        doubt: trust below which a lazy expert asks the others.
        history: per epoch the dev bits per byte by kind of passage, their mean as ``mean``.
    """

    heads: ExpertHeads
    spec: HeadSpec
    doubt: float
    best_epoch: int
    history: tuple[Mapping[str, float], ...]


def fit(
    train: States,
    dev: States,
    ensemble: Ensemble,
    spec: HeadSpec,
    folder: Path,
    *,
    echo: Echo = lambda line: None,
) -> Fitted:
    """
    Args:
        folder: gets the log of the run.

    Raises:
        DataError: the states of dev are of other experts.
    """
    if train.experts != dev.experts:
        raise DataError(f"train states are of {train.experts}, dev states of {dev.experts}")
    torch.manual_seed(spec.seed)
    generator = np.random.default_rng(spec.seed)
    device = choose_device(spec.device)
    heads = ExpertHeads(
        train.experts,
        train.hidden.shape[-1],
        hidden_dims=spec.hidden_dims,
        dropout=spec.head_dropout,
        fusion_rank=spec.fusion_rank if spec.mode == "fusion" else 0,
    ).to(device)
    optimizer = torch.optim.AdamW(
        heads.parameters(), lr=spec.learning_rate, weight_decay=spec.weight_decay, fused=False
    )
    kinds, lengths = train.tokens.kinds, train.tokens.lengths
    steps = spec.num_epochs * -(-len(kinds) // spec.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _warm_cosine(spec.warmup_steps, steps))
    paid = torch.from_numpy(train.nats)
    labels = torch.from_numpy(train.tokens.labels)
    owners = torch.from_numpy(train.tokens.passage)
    held_out = beginning(dev, _FUSED_DEV) if spec.mode == "fusion" else dev
    best: tuple[float, int, dict[str, Tensor]] = (float("inf"), 0, {})
    history = []
    step = 0
    with Tracking(folder, spec.report_to, asdict(spec)) as tracking:
        for epoch in range(1, spec.num_epochs + 1):
            heads.train()
            for rows in balanced(kinds, spec.batch_size, generator):
                chosen = torch.from_numpy(token_numbers(train.tokens.starts, lengths, rows))
                loss, parts = _loss(
                    heads,
                    ensemble,
                    spec,
                    train.hidden[:, chosen].to(device).float(),
                    paid[:, chosen].to(device),
                    labels[chosen].to(device),
                    owners[chosen].to(device),
                )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                norm = torch.nn.utils.clip_grad_norm_(heads.parameters(), _CLIP)
                optimizer.step()
                schedule.step()
                step += 1
                if step % spec.log_every_n_steps == 0:
                    rate = float(schedule.get_last_lr()[0])
                    tracking.log(step, {**parts, "learning_rate": rate, "gradient_norm": float(norm)})
            found = dev_bits(heads, held_out, ensemble, spec)
            history.append(found)
            tracking.log(step, {"epoch": epoch, **{f"dev/{name}": value for name, value in found.items()}})
            story = ", ".join(f"{name} {value:.4f}" for name, value in found.items())
            echo(f"{spec.mode}: epoch {epoch} of {spec.num_epochs}, dev bits per byte: {story}")
            if found["mean"] < best[0]:
                best = (found["mean"], epoch, deepcopy(heads.state_dict()))
    heads.load_state_dict(best[2])
    calibrate(heads, dev, tolerance=spec.tolerance)
    doubt = fit_doubt(heads, dev, spec.heard_share)
    return Fitted(heads.cpu().eval(), spec, doubt, best[1], tuple(history))


def dev_bits(heads: ExpertHeads, dev: States, ensemble: Ensemble, spec: HeadSpec) -> dict[str, float]:
    """Bits per byte by kind of passage, and their mean; a lazy expert doubts as it will when all is fitted."""
    if spec.mode != "lazy":
        return bits_by_kind(speak(spec.mode, heads, dev, ensemble).nats, dev.tokens)
    calibrate(heads, dev, tolerance=spec.tolerance)
    doubt = fit_doubt(heads, dev, spec.heard_share)
    return bits_by_kind(speak(spec.mode, heads, dev, ensemble, threshold=doubt).nats, dev.tokens)


def bits_by_kind(nats: FloatArray, tokens: Tokens) -> dict[str, float]:
    """Kind of passage -> bits per byte of its text; under ``mean`` their mean."""
    per_passage = np.add.reduceat(nats, tokens.starts)
    sizes = tokens.bytes.sum(axis=1)
    kinds = np.array(tokens.kinds)
    found = {
        str(kind): float(per_passage[kinds == kind].sum() / log(2) / sizes[kinds == kind].sum())
        for kind in dict.fromkeys(tokens.kinds)
    }
    return {**found, "mean": sum(found.values()) / len(found)}


def _loss(
    heads: ExpertHeads,
    ensemble: Ensemble,
    spec: HeadSpec,
    hidden: Tensor,
    nats: Tensor,
    labels: Tensor,
    owners: Tensor,
) -> tuple[Tensor, dict[str, float]]:
    """The loss of the spec's mode, and its parts for the log."""
    scores = heads(hidden)
    parts = {"mixture": losses.mixture(scores, nats)}
    if spec.mode != "soft":
        # alone, the expected cost of one expert has no gradient left where all weight is on a wrong one
        parts = {"mixture": 0.5 * parts["mixture"], "expected": 0.5 * losses.expected(scores, nats)}
    if spec.mode == "lazy":
        follows = torch.cat([owners.new_zeros(1, dtype=torch.bool), owners[1:] == owners[:-1]])
        parts["doubt"] = losses.doubt(scores, nats, spec.tolerance)
        parts["switches"] = spec.switch_weight * losses.switches(scores, follows)
    if spec.mode == "fusion":
        some = torch.randperm(len(labels), device=labels.device)[:_FUSED]
        chosen = scores.detach()[:, some].argmax(dim=0)
        parts["fused"] = fused_nats(heads, ensemble, hidden[:, some], chosen, labels[some]).mean()
    if spec.entropy_weight:
        parts["entropy"] = -spec.entropy_weight * losses.entropy(scores)
    if spec.load_balance_weight:
        parts["imbalance"] = spec.load_balance_weight * losses.imbalance(scores)
    loss = torch.stack(list(parts.values())).sum()
    return loss, {
        "loss": float(loss.detach()),
        **{name: float(part.detach()) for name, part in parts.items()},
    }


def _warm_cosine(warmup: int, steps: int) -> Callable[[int], float]:
    warm = min(warmup, steps // 5)

    def rate(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + cos(pi * (step - warm) / max(1, steps - warm)))

    return rate
