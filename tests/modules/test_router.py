from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.errors import ConfigError
from mendgraph.modules.router import EmbeddedRows, FixedRows, Head, ReferenceHead, RouterNetwork, StrengthHead
from mendgraph.modules.set_pooling import SetPooling


def heads() -> list[Head]:
    torch.manual_seed(0)
    return [StrengthHead(6, 3), StrengthHead(6, 3, (5,)), ReferenceHead(6, (8, 4))]


@pytest.mark.parametrize("head", heads(), ids=["strength", "strength_hidden", "reference"])
def test_all_llms_at_once_equal_one_by_one(head: Head) -> None:
    rows, vectors = torch.randn(4, head.row), torch.randn(7, 6)
    together = RouterNetwork(head, FixedRows(rows)).eval()(vectors)
    for number in range(4):
        alone = RouterNetwork(head, FixedRows(rows[number : number + 1])).eval()(vectors)
        assert torch.allclose(together[:, number], alone[:, 0], atol=1e-6)


def test_the_reference_head_is_a_perceptron_over_the_concatenation() -> None:
    head = ReferenceHead(3, (8, 4)).eval()
    rows = EmbeddedRows(torch.randn(2, 5), head.row, 0)
    whole = torch.nn.Linear(8, 8)
    with torch.no_grad():
        first = head.tower[0]
        assert isinstance(first, torch.nn.Linear)
        whole.weight.copy_(torch.cat([first.weight, rows.map.weight], 1))
        whole.bias.copy_(first.bias)
        vectors = torch.randn(6, 3)
        for number in range(2):
            inputs = torch.cat([vectors, rows.embeddings[number].expand(6, -1)], 1)
            wanted = head.after(whole(inputs)).squeeze(-1)
            assert torch.allclose(RouterNetwork(head, rows)(vectors)[:, number], wanted, atol=1e-6)


def test_strength_alone_decides_where_no_prompt_says_anything() -> None:
    head = StrengthHead(4, 2)
    rows = EmbeddedRows(torch.zeros(3, 5), head.row, 1)
    assert rows.free is not None
    with torch.no_grad():
        rows.free[:, 0] = torch.tensor([0.5, -1.0, 2.0])
        logits = RouterNetwork(head, rows)(torch.randn(8, 4))
    assert torch.allclose(logits, torch.tensor([0.5, -1.0, 2.0]).expand(8, 3))


def test_inputs_are_standardised_and_constant_columns_left_out() -> None:
    head = StrengthHead(3, 1)
    vectors = torch.randn(50, 3) * torch.tensor([1.0, 100.0, 0.0]) + 7.0
    head.standardise(vectors)
    inner = (vectors - head.mean) * head.scale
    assert torch.allclose(inner.std(0, correction=0), torch.tensor([1.0, 1.0, 0.0]), atol=1e-4)


@given(st.integers(1, 6), st.integers(0, 1000))
def test_a_set_has_no_order_and_padding_no_influence(size: int, seed: int) -> None:
    torch.manual_seed(seed)
    pooling = SetPooling(8, 2).eval()
    members = torch.randn(1, size, 8)
    with torch.no_grad():
        plain = pooling(members)
        assert torch.allclose(plain, pooling(members[:, torch.randperm(size)]), atol=1e-5)
        padded = torch.cat([members, torch.full((1, 2, 8), 9.0)], 1)
        present = torch.tensor([[True] * size + [False] * 2])
        assert torch.allclose(plain, pooling(padded, present), atol=1e-5)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="do not divide"):
        SetPooling(8, 3)
    with pytest.raises(ConfigError, match="at least one layer"):
        ReferenceHead(3, ())
