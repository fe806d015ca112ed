"""Adapters side by side in one pass answer as PEFT's do one by one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor

from mendgraph.errors import ArtifactError, ShapeMismatch
from mendgraph.modules.stacked_lora import Lora, StackedLinear, stack, use_experts
from tests import languages

RANKS = (4, 2, None)
TOLERANCE = 2e-5  # of logits of size 10: products are summed in another order than PEFT's
IDS = torch.randint(2, languages.VOCABULARY, (3, 7), generator=torch.Generator().manual_seed(0))


def alone(maker: str, expert: int) -> Tensor:
    """(B, T, V) of one expert, by PEFT or by the bare model."""
    rank = RANKS[expert]
    model: Any = languages.MAKERS[maker]()
    if rank is not None:
        model = languages.peft_model(model, rank=rank, seed=expert)
    with torch.no_grad():
        found: Tensor = model(IDS).logits
    return found


def stacked(maker: str) -> Any:
    model = languages.MAKERS[maker]()
    loras = [
        None
        if rank is None
        else languages.lora_of(languages.peft_model(languages.MAKERS[maker](), rank=rank, seed=expert))
        for expert, rank in enumerate(RANKS)
    ]
    stack(model, loras)
    return model


def together(model: Any, chosen: tuple[int, ...], ids: Tensor = IDS) -> Tensor:
    with torch.no_grad(), use_experts(chosen):
        found: Tensor = model(ids.repeat(len(chosen), 1)).logits
    return found.unflatten(0, (len(chosen), -1))


@pytest.mark.parametrize("maker", languages.MAKERS)
@pytest.mark.parametrize("chosen", [(0,), (1,), (0, 1), (0, 1, 2), (2, 0), (0, 2)])
def test_each_part_of_the_batch_belongs_to_its_expert(maker: str, chosen: tuple[int, ...]) -> None:
    found = together(stacked(maker), chosen)
    for part, expert in zip(found, chosen, strict=True):
        wanted = alone(maker, expert)
        assert torch.allclose(part, wanted, atol=TOLERANCE)
        assert torch.equal(part.argmax(-1), wanted.argmax(-1))


@pytest.mark.parametrize("maker", languages.MAKERS)
@pytest.mark.parametrize(("chosen", "tokens"), [((0, 1), 1), ((0, 1), 3), ((0, 1, 2), 2), ((2, 0), 2)])
def test_a_few_rows_are_computed_another_way_with_the_same_answer(
    maker: str, chosen: tuple[int, ...], tokens: int
) -> None:
    found = together(stacked(maker), chosen, IDS[:1, :tokens])
    for part, expert in zip(found, chosen, strict=True):
        assert torch.allclose(part, alone(maker, expert)[:1, :tokens], atol=TOLERANCE)


def test_the_base_is_one_of_the_experts_and_the_default() -> None:
    model = stacked("llama")
    with torch.no_grad():
        bare = model(IDS).logits
    assert torch.equal(bare, alone("llama", 2))
    assert torch.equal(together(model, (2,))[0], bare)


def test_threads_do_not_see_each_others_choice() -> None:
    model = stacked("qwen2")
    wanted = {expert: together(model, (expert,)) for expert in range(3)}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: (number % 3, together(model, (number % 3,))), range(24)))
    assert all(torch.equal(logits, wanted[expert]) for expert, logits in found)


def test_another_precision_keeps_the_adapters() -> None:
    model = stacked("llama").bfloat16()
    found = together(model, (0, 1))
    assert found.dtype == torch.bfloat16
    assert (found[0] - found[1]).abs().max() > 0.1


def test_what_does_not_fit_changes_nothing() -> None:
    model = languages.llama()
    fits = languages.lora_of(languages.peft_model(languages.llama()))
    misfit = Lora({name: part[:, :-1] for name, part in fits.state.items()}, fits.config)
    with pytest.raises(ShapeMismatch, match="do not fit the model"):
        stack(model, [fits, misfit])
    assert not any(isinstance(layer, StackedLinear) for layer in model.modules())


def test_an_adapted_embedding_is_refused() -> None:
    adapted = languages.lora_of(languages.peft_model(languages.llama(), targets=["embed_tokens"]))
    with pytest.raises(ArtifactError, match="merge it into its base model"):
        stack(languages.llama(), [adapted])
