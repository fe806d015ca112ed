from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from torch.nn import functional as F  # noqa: N812

from mendgraph.training.prompt_routing.embeddings.attention import contrastive_loss
from mendgraph.training.prompt_routing.losses import outcome_loss, pair_loss
from mendgraph.training.prompt_routing.specs import LossSpec

PAIRWISE = ("margin", "bradley_terry", "davidson", "rao_kupper")
numbers = st.floats(-3, 3, allow_nan=False)


def of_kind(kind: str) -> LossSpec:
    spec: LossSpec = TypeAdapter(LossSpec).validate_python({"kind": kind})
    return spec


def value(kind: str, first: float, second: float, outcome: float) -> float:
    rows = (torch.tensor([part]) for part in (first, second, outcome, 1.0))
    return float(pair_loss(of_kind(kind))(*rows).detach())


@pytest.mark.parametrize("kind", PAIRWISE)
@given(first=numbers, second=numbers, outcome=st.sampled_from([0.0, 0.2, 0.5, 1.0]))
def test_sides_may_be_swapped(kind: str, first: float, second: float, outcome: float) -> None:
    assert value(kind, first, second, outcome) == pytest.approx(
        value(kind, second, first, 1.0 - outcome), abs=1e-5
    )


@pytest.mark.parametrize("kind", PAIRWISE)
@given(first=numbers, second=numbers, more=st.floats(0, 1))
def test_a_greater_lead_of_the_winner_never_costs_more(
    kind: str, first: float, second: float, more: float
) -> None:
    assert value(kind, first + more, second, 1.0) <= value(kind, first, second, 1.0) + 1e-5


@pytest.mark.parametrize("kind", ["davidson", "rao_kupper"])
@given(first=numbers, second=numbers)
def test_win_tie_and_loss_are_all_that_can_happen(kind: str, first: float, second: float) -> None:
    chances = [torch.exp(torch.tensor(-value(kind, first, second, outcome))) for outcome in (1.0, 0.5, 0.0)]
    assert float(sum(chances)) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("kind", ["bradley_terry", "davidson", "rao_kupper"])
def test_a_tie_is_likeliest_between_equals(kind: str) -> None:
    assert value(kind, 0.3, 0.3, 0.5) < value(kind, 1.3, 0.3, 0.5)


def test_a_tie_teaches_the_margin_nothing() -> None:
    assert value("margin", 2.0, -2.0, 0.5) == 0.0


def test_the_margin_is_on_scores() -> None:
    lead = float(torch.tanh(torch.tensor(0.05)) - torch.tanh(torch.tensor(0.0)))
    assert value("margin", 0.05, 0.0, 1.0) == pytest.approx(0.2 - lead)


@given(st.floats(0.05, 0.95))
def test_regression_is_lowest_where_quality_is_the_outcome(outcome: float) -> None:
    target = torch.tensor([outcome])
    best = torch.logit(target) / 2
    losses = [float(outcome_loss(best + step, target, torch.ones(1))) for step in (-0.2, 0.0, 0.2)]
    assert losses[1] == min(losses)
    assert torch.allclose((best.tanh() + 1) / 2, target, atol=1e-6)


def test_sets_of_one_llm_attract() -> None:
    owners = torch.tensor([0, 0, 1, 1])
    apart = F.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]]), dim=1)
    mixed = apart[[0, 2, 1, 3]]
    assert contrastive_loss(apart, owners, 0.1) < contrastive_loss(mixed, owners, 0.1)
