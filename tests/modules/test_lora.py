from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from torch import Tensor, nn

from mendgraph.errors import ArtifactError, ShapeMismatch, UnknownNameError
from mendgraph.modules.lora import (
    LoraEmbedding,
    LoraLinear,
    adapter_names,
    attach,
    require_adapter,
    use_adapter,
)
from tests.tiny import HIDDEN, bert, distilbert, lora

BERT_TARGETS = ["query", "key", "value", "dense"]
IDS = torch.tensor([[2, 7, 9, 11, 3], [2, 20, 21, 3, 0]])


def states(model: nn.Module, adapter: str | None = None, ids: Tensor = IDS) -> Tensor:
    with torch.inference_mode(), use_adapter(adapter):
        found: Tensor = model(input_ids=ids, attention_mask=(ids != 0).long()).last_hidden_state
    return found


def saved_by_peft(
    model: nn.Module, folder: Path, **settings: Any
) -> tuple[dict[str, Tensor], dict[str, Any], Tensor]:
    """Tensors and configuration as PEFT writes them, and PEFT's own output with that adapter."""
    tuned = get_peft_model(model, LoraConfig(lora_dropout=0.1, **settings)).eval()
    noise = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for key, part in tuned.named_parameters():
            if "lora_" in key:
                part.copy_(torch.randn(part.shape, generator=noise) * 0.1)
    expected = states(tuned)
    tuned.save_pretrained(str(folder))
    return (
        load_file(folder / "adapter_model.safetensors"),
        json.loads((folder / "adapter_config.json").read_text()),
        expected,
    )


@pytest.mark.filterwarnings("ignore::FutureWarning")  # PEFT reads an attribute that transformers renamed
@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize(
    ("build", "settings"),
    [
        (bert, {"r": 4, "lora_alpha": 8, "target_modules": BERT_TARGETS, "exclude_modules": ".*pooler.*"}),
        (bert, {"r": 4, "lora_alpha": 8, "target_modules": BERT_TARGETS, "use_rslora": True}),
        (bert, {"r": 2, "lora_alpha": 3, "target_modules": ["query", "word_embeddings"]}),
        (bert, {"r": 2, "lora_alpha": 3, "target_modules": r"encoder\.layer\.1\..*\.(query|value)"}),
        (distilbert, {"r": 8, "lora_alpha": 16, "target_modules": ["q_lin", "v_lin"]}),
        (distilbert, {"r": 8, "lora_alpha": 16, "target_modules": "all-linear"}),
    ],
)
def test_equals_peft(
    build: Callable[[], nn.Module], settings: dict[str, Any], merge: bool, tmp_path: Path
) -> None:
    state, config, expected = saved_by_peft(build(), tmp_path, **settings)
    model = build()
    bare = states(model)
    attach(model, "skill", state, config, merge=merge)

    assert torch.allclose(states(model, "skill"), expected, rtol=1e-5, atol=1e-5)
    assert (bare - expected).abs().max() > 1e-2
    assert torch.equal(states(model), bare)


def three_adapters(model: nn.Module) -> dict[str | None, Tensor]:
    for seed, name in enumerate(["emotion", "irony", "routing"]):
        attach(model, name, *lora(model, BERT_TARGETS, rank=2 + seed, seed=seed), merge=name == "irony")
    serial = {name: states(model, name) for name in [None, "emotion", "irony", "routing"]}
    assert len({round(float(found[0, 0, 0]), 4) for found in serial.values()}) == 4
    return serial


def test_eight_threads_with_three_adapters_and_the_base_equal_serial() -> None:
    model = bert()
    serial = three_adapters(model)
    names = list(serial)

    def work(number: int) -> list[str]:
        wrong: list[str] = []
        for step in range(60):
            name = names[(number + step * (1 + number % 3)) % len(names)]
            if not torch.allclose(states(model, name), serial[name], atol=1e-6):
                wrong.append(f"thread {number}, step {step}, adapter {name}")
        return wrong

    with ThreadPoolExecutor(8) as pool:
        assert [story for found in pool.map(work, range(8)) for story in found] == []


def test_asyncio_tasks_do_not_see_each_others_adapter() -> None:
    model = bert()
    serial = three_adapters(model)

    async def work(name: str | None) -> bool:
        same = True
        for _ in range(5):
            with use_adapter(name):
                await asyncio.sleep(0)  # the others run inside this task's `with`
                found = model(input_ids=IDS, attention_mask=(IDS != 0).long()).last_hidden_state
                there = await asyncio.to_thread(
                    lambda: model(input_ids=IDS, attention_mask=(IDS != 0).long())[0]
                )
            same = same and all(torch.allclose(one, serial[name], atol=1e-6) for one in (found, there))
        return same

    async def all_at_once() -> list[bool]:
        return await asyncio.gather(*(work(name) for name in [*serial, *serial]))

    assert all(asyncio.run(all_at_once()))


def test_attaching_while_others_run_disturbs_nobody() -> None:
    model = bert()
    serial = three_adapters(model)

    def work(name: str | None) -> bool:
        return all(torch.allclose(states(model, name), serial[name], atol=1e-6) for _ in range(40))

    with ThreadPoolExecutor(5) as pool:
        running = [pool.submit(work, name) for name in serial]
        for seed in range(10):
            attach(model, f"late{seed}", *lora(model, BERT_TARGETS, seed=seed))
        assert all(job.result() for job in running)


def test_the_choice_ends_with_the_block_and_nests() -> None:
    model = bert()
    serial = three_adapters(model)
    with use_adapter("emotion"):
        with use_adapter("irony"):
            assert torch.equal(model(IDS)[0], states_without_mask(model, "irony"))
        assert torch.equal(model(IDS)[0], states_without_mask(model, "emotion"))
    assert torch.equal(states(model), serial[None])


def states_without_mask(model: nn.Module, name: str) -> Tensor:
    with use_adapter(name):
        found: Tensor = model(IDS)[0]
    return found


def test_adapted_layers_keep_the_base_weights_their_names_and_their_type() -> None:
    model = bert()
    before = model.state_dict()
    attach(model, "skill", *lora(model, ["query"]))
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(after[key].data_ptr() == before[key].data_ptr() for key in before)
    assert adapter_names(model) == {"skill"}
    require_adapter(model, "skill")
    with pytest.raises(UnknownNameError, match="did you mean 'skill'"):
        require_adapter(model, "skil")


def test_adapters_follow_the_model_to_another_number_format() -> None:
    linear = nn.Sequential(nn.Linear(8, 6), nn.Embedding(5, 3))
    state, config = lora(linear, ["0"], rank=2)
    state["base_model.model.1.lora_embedding_A"] = torch.randn(2, 5)
    state["base_model.model.1.lora_embedding_B"] = torch.randn(3, 2)
    config["target_modules"] = ["0", "1"]
    attach(linear, "skill", state, config, merge=True)
    linear.double()
    first, second = linear
    assert isinstance(first, LoraLinear)
    assert isinstance(second, LoraEmbedding)
    with use_adapter("skill"):
        assert first(torch.randn(3, 8, dtype=torch.float64)).dtype == torch.float64
        assert second(torch.tensor([[1, 2]])).dtype == torch.float64


def test_what_does_not_fit_is_listed_and_changes_nothing() -> None:
    model = bert()
    state, config = lora(model, ["query", "value"])
    missing, extra, *_ = sorted(state)
    odd = {**state, "base_model.model.nowhere.lora_A.weight": torch.zeros(4, 4), extra: torch.zeros(3, 3)}
    del odd[missing]
    with pytest.raises(
        ShapeMismatch, match=r"1 missing .*query.*1 unexpected \(base_model\.model\.nowhere"
    ) as caught:
        attach(model, "skill", odd, config)
    assert "adapter_config.json" in caught.value.hint
    assert adapter_names(model) == frozenset()
    assert not any(isinstance(layer, LoraLinear) for layer in model.modules())


def test_wrong_rank_is_a_misfit() -> None:
    model = bert()
    state, config = lora(model, ["query"], rank=4)
    with pytest.raises(ShapeMismatch, match=rf"4 misfits .*\(4, {HIDDEN}\), the model needs \(8, {HIDDEN}\)"):
        attach(model, "skill", state, {**config, "r": 8})


def test_targets_that_match_nothing_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="no layer of the model is a target"):
        attach(bert(), "skill", {}, {"r": 4, "lora_alpha": 8, "target_modules": ["c_attn"]})


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"rank_pattern": {"query": 2}}, "rank_pattern"),
        ({"bias": "all"}, "bias"),
        ({"peft_type": "IA3"}, "IA3"),
        ({"r": 0}, "r=0"),
    ],
)
def test_other_variants_are_refused_by_name(setting: dict[str, Any], told: str) -> None:
    model = bert()
    state, config = lora(model, ["query"])
    with pytest.raises(ArtifactError, match=told):
        attach(model, "skill", state, {**config, **setting})


@pytest.mark.parametrize("size", [(8,), (3, 8), (2, 3, 8), (0, 8)])
def test_inputs_of_any_shape(size: tuple[int, ...]) -> None:
    model = nn.Sequential(nn.Linear(8, 6))
    attach(model, "plain", *lora(model, ["0"]))
    attach(model, "merged", *lora(model, ["0"]), merge=True)
    given = torch.randn(size)
    with use_adapter("plain"):
        plain = model(given)
    with use_adapter("merged"):
        assert torch.allclose(model(given), plain, atol=1e-5)
    assert plain.shape == (*size[:-1], 6)
