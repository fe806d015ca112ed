"""The sequence-level router reads a passage's mean states, standardised, and begins undecided."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.modules.sequence_head import SequenceHead

EXPERTS = ("general", "math", "medical")


def states(tokens: int, seed: int = 0) -> torch.Tensor:
    """(M, T, H)"""
    return torch.randn(3, tokens, 4, generator=torch.Generator().manual_seed(seed))


def test_untrained_it_prefers_nobody() -> None:
    assert torch.equal(
        SequenceHead(EXPERTS, 4)(SequenceHead.pool(states(5))[None]), torch.zeros(1, len(EXPERTS))
    )


@given(order=st.permutations(range(6)), copies=st.integers(1, 3))
def test_pooling_does_not_see_order_or_length(order: list[int], copies: int) -> None:
    given_states = states(6)
    wanted = SequenceHead.pool(given_states)
    assert wanted.shape == (12,)
    assert torch.allclose(SequenceHead.pool(given_states[:, order].repeat(1, copies, 1)), wanted, atol=1e-6)


@given(scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_the_unit_of_the_states_does_not_matter_when_they_are_standardised(
    scale: float, shift: float
) -> None:
    head, moved = SequenceHead(EXPERTS, 4), SequenceHead(EXPERTS, 4)
    torch.nn.init.normal_(head.linear.weight, generator=torch.Generator().manual_seed(1))
    pooled = torch.stack([SequenceHead.pool(states(5, seed)) for seed in range(4)])
    for one, seen in ((head, pooled), (moved, pooled * scale + shift)):
        one.linear.load_state_dict(head.linear.state_dict())
        one.mean.copy_(seen.mean(0))
        one.spread.copy_(seen.std(0))
    assert torch.allclose(moved(pooled * scale + shift), head(pooled), atol=1e-3)
