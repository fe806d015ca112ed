"""The shortened last layer: the same first token, padded or not, and the same gradients."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import nn
from transformers import RobertaModel

from mendgraph.modules.first_token import only_first_token
from tests.scorers import roberta_config
from tests.tiny import bert, distilbert, lively

IDS = torch.tensor([[2, 7, 8, 9, 3], [2, 6, 3, 0, 0], [2, 9, 9, 3, 0]])
MASK = (IDS != 0).long()


def roberta() -> nn.Module:
    torch.manual_seed(0)
    return lively(RobertaModel(roberta_config(), add_pooling_layer=False))


@pytest.mark.parametrize("make", [bert, roberta])
@pytest.mark.parametrize("mask", [MASK, None])
def test_the_first_token_is_the_same(make: Any, mask: torch.Tensor | None) -> None:
    whole = make()
    short = deepcopy(whole)
    assert only_first_token(short)
    expected = whole(input_ids=IDS, attention_mask=mask).last_hidden_state[:, 0]
    found = short(input_ids=IDS, attention_mask=mask).last_hidden_state
    assert found.shape == (3, 1, expected.shape[1])
    assert torch.allclose(found[:, 0], expected, atol=1e-6)
    assert short.state_dict().keys() == whole.state_dict().keys()
    for model, out in ((whole, expected), (short, found)):
        out.square().sum().backward()
        assert model.embeddings.word_embeddings.weight.grad is not None
    grads = [model.embeddings.word_embeddings.weight.grad for model in (whole, short)]
    assert torch.allclose(*grads, rtol=1e-3, atol=1e-4)


def test_other_encoders_are_left_alone() -> None:
    model = distilbert()
    assert not only_first_token(model)
    assert model(input_ids=IDS, attention_mask=MASK).last_hidden_state.shape[1] == IDS.shape[1]
