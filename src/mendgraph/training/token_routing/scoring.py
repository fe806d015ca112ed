"""What each way of decoding pays for the tokens that really came, under given heads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.core.arrays import BoolArray, FloatArray, IntArray
from mendgraph.core.token_routing import best_expert, lazy_expert, mixture_nats, spoken_nats
from mendgraph.errors import UnknownNameError
from mendgraph.modules.expert_heads import ExpertHeads
from mendgraph.training.token_routing.states import States, project

THRESHOLD = 0.5
"""Trust below which a lazy expert is held to doubt."""
_AT_ONCE = 4096  # tokens


@dataclass(frozen=True, slots=True)
class Heard:
    """Heads over tokens: `scores` and `trust` (M, N)."""

    scores: FloatArray
    trust: FloatArray


@dataclass(frozen=True, slots=True)
class Spoken:
    """One mode over tokens.

    Attributes:
        nats: (N,) paid for each token.
        expert: (N,) who spoke, or has the largest weight.
        heard: (N,) whether all experts were needed.
    """

    nats: FloatArray
    expert: IntArray
    heard: BoolArray


def hear(heads: ExpertHeads, states: States) -> Heard:
    """Scores of all heads, without dropout."""
    device = next(heads.parameters()).device
    was_training = heads.training
    heads.eval()
    scores, trust = [], []
    with torch.inference_mode():
        for start in range(0, states.hidden.shape[1], _AT_ONCE):
            found = heads(states.hidden[:, start : start + _AT_ONCE].to(device).float())
            scores.append(found.cpu())
            trust.append(heads.trust(found, range(len(states.experts))).cpu())
    heads.train(was_training)
    return Heard(torch.cat(scores, 1).double().numpy(), torch.cat(trust, 1).double().numpy())


def speak(
    mode: str,
    heads: ExpertHeads,
    states: States,
    ensemble: Ensemble,
    *,
    heard: Heard | None = None,
    threshold: float = THRESHOLD,
) -> Spoken:
    """One of `core.token_routing.MODES`.

    Raises:
        UnknownNameError: another mode.
    """
    said = heard or hear(heads, states)
    best = best_expert(said.scores)
    always = np.ones(len(best), np.bool_)
    if mode == "soft":
        return Spoken(mixture_nats(said.scores, states.nats, float(heads.temperature)), best, always)
    if mode == "hard":
        return Spoken(spoken_nats(states.nats, best), best, always)
    if mode == "lazy":
        active, asked = lazy_expert(said.trust, states.tokens.starts, threshold)
        return Spoken(spoken_nats(states.nats, active), active, asked)
    if mode == "fusion":
        return Spoken(_fused(heads, states, ensemble, best), best, always)
    raise UnknownNameError("mode", mode, ("soft", "hard", "lazy", "fusion"))


def fused_nats(
    heads: ExpertHeads, ensemble: Ensemble, hidden: Tensor, chosen: Tensor, labels: Tensor
) -> Tensor:
    """(M, n, H), (n,), (n,) -> (n,): the chosen expert's logits with the complement of all; with gradient."""
    states = hidden[chosen, torch.arange(len(chosen), device=chosen.device)] + heads.complement(
        hidden, chosen
    )
    paid = states.new_zeros(len(chosen))
    for expert in chosen.unique().tolist():
        mine = chosen == expert
        logits = project(ensemble, expert, states[mine])
        wanted = labels[mine].to(ensemble.device)
        paid = paid.masked_scatter(
            mine, torch.nn.functional.cross_entropy(logits, wanted, reduction="none").to(paid)
        )
    return paid


def _fused(heads: ExpertHeads, states: States, ensemble: Ensemble, best: IntArray) -> FloatArray:
    device = next(heads.parameters()).device
    labels, chosen = torch.from_numpy(states.tokens.labels), torch.from_numpy(best)
    found = []
    was_training = heads.training
    heads.eval()
    with torch.inference_mode():
        for start in range(0, len(labels), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            hidden = states.hidden[:, part].to(device).float()
            found.append(
                fused_nats(heads, ensemble, hidden, chosen[part].to(device), labels[part].to(device)).cpu()
            )
    heads.train(was_training)
    return torch.cat(found).double().numpy()
