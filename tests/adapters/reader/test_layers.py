"""A pass in two parts is the whole pass; other states in the middle change what comes out."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from mendgraph.adapters.reader.layers import Layers, Seen
from mendgraph.errors import ArtifactError, ConfigError
from tests import languages
from tests.readers import models

NAMES = ("llama", "qwen2", "gpt2")


@pytest.fixture(scope="module")
def cut() -> dict[str, tuple[PreTrainedModel, Layers]]:
    """Untouched model and layers of a copy."""
    return {name: (model, Layers(deepcopy(model))) for name, model in models().items()}


def _seen(rows: list[list[int]]) -> Seen:
    width = max(map(len, rows))
    ids = torch.tensor([[1] * (width - len(row)) + row for row in rows])
    gaps = torch.tensor([[width - len(row)] for row in rows])
    columns = torch.arange(width)[None]
    return Seen(ids, (columns >= gaps).long(), (columns - gaps).clamp(min=0))


ROWS = [[5, 9, 11, 200, 7, 30, 31], [40, 41, 42]]


def _alone(model: PreTrainedModel, row: list[int]) -> Tensor:
    with torch.no_grad():
        return model(torch.tensor([row])).logits[0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("border", [0, 1, 2])
def test_finishing_with_the_same_states_gives_the_models_own_logits(
    cut: dict[str, tuple[PreTrainedModel, Layers]], name: str, border: int
) -> None:
    model, layers = cut[name]
    seen = _seen(ROWS)
    with torch.no_grad():
        states = layers.lower(seen, border)
        found = layers.logits(layers.upper(states, seen, border))
        whole = layers.logits(layers.whole(seen))
    for row, ids in enumerate(ROWS):
        own = found[row, -len(ids) :]
        assert torch.equal(own, whole[row, -len(ids) :])
        torch.testing.assert_close(own, _alone(model, ids), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_states_are_those_that_transformers_reports(
    cut: dict[str, tuple[PreTrainedModel, Layers]], name: str
) -> None:
    model, layers = cut[name]
    with torch.no_grad():
        reported = model(torch.tensor([ROWS[0]]), output_hidden_states=True).hidden_states
        for border in range(3):
            states = layers.lower(_seen(ROWS[:1]), border)
            torch.testing.assert_close(states, reported[border + 1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_joined_caches_go_on_as_the_model_does(
    cut: dict[str, tuple[PreTrainedModel, Layers]], name: str
) -> None:
    model, layers = cut[name]
    seen = _seen(ROWS)
    with torch.no_grad():
        below, above = layers.new_cache(), layers.new_cache()
        layers.upper(layers.lower(seen, 1, cache=below), seen, 1, cache=above)
        cache = layers.join(below, above, 1)
        more = torch.tensor([[50], [60]])
        mask = torch.cat([seen.mask, torch.ones_like(more)], 1)
        places = seen.mask.sum(1, keepdim=True)
        found = layers.logits(layers.whole(Seen(more, mask, places), cache=cache))[:, -1]
    for row, ids in enumerate(ROWS):
        wanted = _alone(model, [*ids, int(more[row])])[-1]
        torch.testing.assert_close(found[row], wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_the_states_in_the_middle(
    cut: dict[str, tuple[PreTrainedModel, Layers]], name: str
) -> None:
    layers = cut[name][1]
    seen = _seen(ROWS)
    with torch.no_grad():
        states = layers.lower(seen, 1)
    step = torch.zeros_like(states, requires_grad=True)
    last = layers.logits(layers.upper(states + step, seen, 1))[:, -1]
    last.square().sum().backward()  # type: ignore[no-untyped-call]
    assert step.grad is not None
    assert step.grad[seen.mask.bool()].abs().sum() > 0
    assert step.grad[~seen.mask.bool()].abs().sum() == 0


@pytest.mark.parametrize("name", NAMES)
def test_other_states_change_the_logits(cut: dict[str, tuple[PreTrainedModel, Layers]], name: str) -> None:
    layers = cut[name][1]
    seen = _seen(ROWS)
    with torch.no_grad():
        states = layers.lower(seen, 1)
        same = layers.upper(states, seen, 1)
        noise = torch.randn(states.shape, generator=torch.Generator().manual_seed(0))
        other = layers.upper(states + noise, seen, 1)
    assert not torch.allclose(same, other)


def test_the_last_layer_leaves_nothing_to_finish_with(
    cut: dict[str, tuple[PreTrainedModel, Layers]],
) -> None:
    with pytest.raises(ConfigError, match="layers 0 to 3, got 3"):
        cut["llama"][1].lower(_seen(ROWS), 3)


def test_a_model_without_a_list_of_layers_is_refused() -> None:
    model = languages.llama()
    model.model.layers = torch.nn.Sequential(*model.model.layers)
    with pytest.raises(ArtifactError, match="layers of here cannot be found"):
        Layers(model, "here")


def test_sliding_windows_and_capped_logits() -> None:
    model = languages.gemma()
    wanted = _alone(model, ROWS[0])
    layers = Layers(model)
    seen = _seen(ROWS[:1])
    with torch.no_grad():
        found = layers.logits(layers.upper(layers.lower(seen, 0), seen, 0))
    torch.testing.assert_close(found[0], wanted, rtol=1e-4, atol=1e-4)
