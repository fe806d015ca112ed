"""Stacked heads answer as heads one by one; weights and trust behave as confidences do."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mendgraph.errors import ConfigError
from mendgraph.modules.expert_heads import ExpertHeads
from tests import languages

STATES = torch.randn(3, 5, 2, languages.HIDDEN, generator=torch.Generator().manual_seed(0))
SCORES = st.lists(st.floats(-20, 20), min_size=3, max_size=3)


def plain(heads: ExpertHeads, expert: int) -> nn.Sequential:
    """One head, written with torch's own layers."""
    layers: list[nn.Module] = []
    for number, weight in enumerate(heads.weights):
        linear = nn.Linear(weight.shape[2], weight.shape[1])
        linear.weight.data, linear.bias.data = weight[expert].data, heads.biases[number][expert].data
        layers.append(linear)
        if number < len(heads.weights) - 1:
            normal = nn.LayerNorm(weight.shape[1])
            normal.weight.data = heads.gains[number][expert].data
            normal.bias.data = heads.shifts[number][expert].data
            layers += [normal, nn.ReLU()]
    return nn.Sequential(*layers)


def loud() -> ExpertHeads:
    heads = languages.heads()
    with torch.no_grad():
        for part in heads.parameters():
            part.normal_(0, 0.5, generator=torch.Generator().manual_seed(part.numel()))
    return heads


@pytest.mark.parametrize("experts", [None, (0, 1, 2), (2,), (2, 0)])
def test_stacked_heads_equal_heads_one_by_one(experts: tuple[int, ...] | None) -> None:
    heads = loud()
    chosen = range(3) if experts is None else experts
    found = heads(STATES[list(chosen)], experts)
    wanted = torch.stack([plain(heads, expert)(STATES[expert]).squeeze(-1) for expert in chosen])
    assert torch.allclose(found, wanted, atol=1e-5)


def test_zeros_beyond_an_experts_width_change_nothing() -> None:
    wide = ExpertHeads(languages.NAMES, languages.HIDDEN + 8, hidden_dims=(16, 8))
    wide.eval().weights[-1].data.normal_(0, 1)
    narrow = ExpertHeads(languages.NAMES, languages.HIDDEN, hidden_dims=(16, 8)).eval()
    state = wide.state_dict()
    state["weights.0"] = state["weights.0"][:, :, : languages.HIDDEN]
    narrow.load_state_dict(state)
    filled = nn.functional.pad(STATES, (0, 8))
    assert torch.allclose(wide(filled), narrow(STATES), atol=1e-6)


def test_untrained_heads_trust_all_alike() -> None:
    heads = ExpertHeads(languages.NAMES, languages.HIDDEN).eval()
    assert torch.equal(heads.mixture(heads(STATES)), torch.full((3, 5, 2), 1 / 3))


@given(SCORES)
def test_weights_are_a_distribution_that_keeps_the_order(scores: list[float]) -> None:
    given_scores = torch.tensor(scores)
    weights = languages.heads().mixture(given_scores)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-5)
    assert weights.min() >= 0
    assert weights[given_scores.argmax()] == weights.max()


@given(SCORES, st.floats(0.1, 5), st.floats(-3, 3))
def test_trust_is_a_probability_that_does_not_ask_the_others(
    scores: list[float], slope: float, offset: float
) -> None:
    heads = languages.heads()
    heads.slope.fill_(slope)
    heads.offset.fill_(offset)
    together = heads.trust(torch.tensor(scores), range(3))
    alone = [heads.trust(torch.tensor([score]), [expert]) for expert, score in enumerate(scores)]
    assert torch.equal(together, torch.cat(alone))
    assert 0 <= together.min() <= together.max() <= 1
    assert together[torch.tensor(scores).argmax()] == together.max()


def test_the_complement_begins_at_nothing_and_depends_on_the_chosen_expert() -> None:
    states = STATES[:, :, 0]
    chosen = torch.tensor([0, 1, 2, 0, 1])
    silent = ExpertHeads(languages.NAMES, languages.HIDDEN, fusion_rank=4)
    assert torch.equal(silent.complement(states, chosen), torch.zeros(5, languages.HIDDEN))
    heads = languages.heads(fusion_rank=4)
    found = heads.complement(states, chosen)
    assert found.shape == (5, languages.HIDDEN)
    assert not torch.equal(found[:1], heads.complement(states[:, :1], torch.tensor([2])))


def test_gradients_reach_every_part_of_a_head() -> None:
    heads = languages.heads(fusion_rank=4)
    loss: Tensor = heads(STATES).square().sum() + heads.complement(STATES[:, :, 0], torch.arange(5) % 3).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(part.grad is not None for part in heads.parameters())


@pytest.mark.parametrize("experts", [(), ("a", "a")])
def test_experts_need_names_of_their_own(experts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="names of their own"):
        ExpertHeads(experts, 8)


def test_sizes_and_dropout_are_checked() -> None:
    with pytest.raises(ConfigError, match="must be >= 1"):
        ExpertHeads(["a"], 8, hidden_dims=(0,))
    with pytest.raises(ConfigError, match="dropout"):
        ExpertHeads(["a"], 8, dropout=1.0)
