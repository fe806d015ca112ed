from __future__ import annotations

import pytest
import torch

from mendgraph.errors import UnknownNameError
from mendgraph.modules.pooling import POOLINGS, pool


@pytest.mark.parametrize("name", sorted(POOLINGS))
def test_padding_does_not_show(name: str) -> None:
    states = torch.randn(3, 4, 6)
    padded = torch.cat([states, torch.full((3, 2, 6), 50.0)], 1)
    mask = torch.tensor([[1, 1, 1, 1, 0, 0]] * 3)
    assert torch.allclose(pool(name, padded, mask), pool(name, states, None), atol=1e-6)


def test_known_values() -> None:
    states = torch.tensor([[[1.0, 5.0], [3.0, 1.0]]], dtype=torch.bfloat16)
    found = {name: pool(name, states, None).tolist()[0] for name in POOLINGS}
    wanted = {"mean": [2, 3], "max": [3, 5], "cls": [1, 5], "last": [3, 1], "std": [1, 2]}
    assert found == {**wanted, "mean_max": [2, 3, 3, 5]}


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(UnknownNameError, match="known: cls, last, max, mean, mean_max, std"):
        pool("first", torch.zeros(1, 1, 1), None)
