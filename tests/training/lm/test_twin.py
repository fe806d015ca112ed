"""The bf16 copy: gradients of the same direction, fp32 weights, and the same text learned."""

from __future__ import annotations

from copy import deepcopy

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from mendgraph.training.lm.trainer import next_token_loss
from mendgraph.training.lm.twin import Twin

CONFIG = LlamaConfig(
    vocab_size=50,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    intermediate_size=48,
    max_position_embeddings=32,
    tie_word_embeddings=True,
)


def gradients(model: LlamaForCausalLM, network: LlamaForCausalLM, ids: torch.Tensor) -> None:
    next_token_loss(network(input_ids=ids[:, :-1], use_cache=False).logits, ids[:, 1:]).backward()


def test_gradients_agree_with_those_of_fp32_and_add_up() -> None:
    torch.manual_seed(0)
    model = LlamaForCausalLM(CONFIG)
    exact = deepcopy(model)
    twin = Twin(model, deepcopy(model))
    for seed in (1, 2):
        torch.manual_seed(seed)
        ids = torch.randint(50, (3, 20))
        gradients(exact, exact, ids)
        gradients(model, twin.network, ids)  # type: ignore[arg-type]
        twin.give_gradients()
    for mine, right in zip(model.parameters(), exact.parameters(), strict=True):
        assert mine.grad is not None
        assert right.grad is not None
        assert mine.grad.dtype == torch.float32
        assert torch.cosine_similarity(mine.grad.flatten(), right.grad.flatten(), dim=0) > 0.995
    assert all(half.grad is None for half in twin.network.parameters())


def test_rotary_frequencies_stay_exact_and_weights_follow() -> None:
    model = LlamaForCausalLM(CONFIG)
    twin = Twin(model, deepcopy(model))
    for (name, mine), half in zip(model.named_buffers(), twin.network.buffers(), strict=True):
        assert torch.equal(mine, half), name
    with torch.no_grad():
        model.model.norm.weight.fill_(3.0)
    twin.take_weights()
    assert {weight.dtype for weight in twin.network.parameters()} == {torch.bfloat16}
    assert twin.network.get_parameter("model.norm.weight").eq(3).all()
    assert twin.network.get_parameter("lm_head.weight") is twin.network.get_parameter(
        "model.embed_tokens.weight"
    )
