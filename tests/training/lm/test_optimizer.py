"""Two optimizers behave like one: same schedule, state that comes back, every weight moved."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from mendgraph.training.lm.optimizer import Both, optimizer_for
from mendgraph.training.lm.spec import BASE


def network() -> nn.ModuleDict:
    torch.manual_seed(0)
    return nn.ModuleDict(
        {"embed_tokens": nn.Embedding(7, 4), "up_proj": nn.Linear(4, 6, bias=False), "norm": nn.LayerNorm(6)}
    )


def step(model: nn.ModuleDict, optimizer: torch.optim.Optimizer, seed: int) -> None:
    torch.manual_seed(seed)
    found = model["norm"](model["up_proj"](model["embed_tokens"](torch.randint(7, (5,)))))
    (found * torch.randn(5, 6)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def test_muon_takes_the_hidden_matrices_alone() -> None:
    model = network()
    both = optimizer_for(model, BASE)
    assert isinstance(both, Both)
    muon, *adamw = both.param_groups
    assert [id(w) for w in muon["params"]] == [id(model["up_proj"].weight)]
    assert sorted(w.ndim for group in adamw for w in group["params"]) == [1, 1, 2]
    assert [group["weight_decay"] for group in adamw] == [BASE.weight_decay, 0.0]
    assert isinstance(optimizer_for(model, replace(BASE, muon=False)), AdamW)


def test_every_weight_moves_and_one_schedule_stops_all() -> None:
    model = network()
    both = optimizer_for(model, BASE)
    schedule = LambdaLR(both, lambda step: float(step < 1))
    before = [w.detach().clone() for w in model.parameters()]
    step(model, both, 1)
    moved = [w.detach().clone() for w in model.parameters()]
    assert not any(torch.equal(a, b) for a, b in zip(before, moved, strict=True))
    schedule.step()
    step(model, both, 2)
    assert all(torch.equal(a, b) for a, b in zip(moved, model.parameters(), strict=True))


@pytest.mark.parametrize("muon", [True, False])
def test_a_restored_optimizer_goes_on_as_the_first_would(muon: bool) -> None:
    spec = replace(BASE, muon=muon)
    first, second = network(), network()
    optimizer = optimizer_for(first, spec)
    step(first, optimizer, 1)
    optimizer.param_groups[0]["lr"] = 0.01
    second.load_state_dict(first.state_dict())
    restored = optimizer_for(second, spec)
    restored.load_state_dict(deepcopy(optimizer.state_dict()))
    assert restored.param_groups[0]["lr"] == 0.01
    for seed in (2, 3):
        step(first, optimizer, seed)
        step(second, restored, seed)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
