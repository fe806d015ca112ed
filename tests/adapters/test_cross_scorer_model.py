"""The published scorer: both layouts written and read back, strict loading, scores equal to the plain way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name every torch user reads
from transformers import AutoConfig, AutoModel

from mendgraph.adapters.cross_scorer_model import CrossScorerModel
from mendgraph.errors import (
    ArtifactMissing,
    BadOutput,
    ConfigError,
    InputError,
    ShapeMismatch,
    UnknownNameError,
)
from tests.scorers import (
    SCORER_LAYOUTS,
    save_roberta,
    save_scorer,
    scorer,
    scorer_state,
    some_pairs,
)
from tests.tiny import tokenizer

PAIRS = some_pairs(30)
HEADS = {"cross_encoder": (("l1", "l2"), F.elu), "roberta": (("mlp_head.fc1", "mlp_head.fc2"), F.relu)}
both_layouts = pytest.mark.parametrize("layout", SCORER_LAYOUTS)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_roberta(tmp_path_factory.mktemp("roberta"))


@pytest.fixture(scope="module")
def model(encoder: Path) -> CrossScorerModel:
    return scorer(encoder)


def by_hand(encoder: Path, state: dict[str, Tensor], layout: str, prompt: str, response: str) -> float:
    """The plain way: transformers' encoder and tokenizer, one pair, the head written out."""
    bare = AutoModel.from_config(AutoConfig.from_pretrained(encoder), add_pooling_layer=False).eval()
    prefix = f"{layout}."
    bare.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    batch = tokenizer(types=False)(prompt, response, truncation=True, max_length=64, return_tensors="pt")
    (first, second), activation = HEADS[layout]
    with torch.no_grad():
        token = bare(**batch).last_hidden_state[:, 0]
        inner = activation(F.linear(token, state[f"{first}.weight"], state[f"{first}.bias"]))
        logit = F.linear(inner, state[f"{second}.weight"], state[f"{second}.bias"])
    return float(logit.sigmoid())


@both_layouts
def test_scores_equal_the_plain_way(encoder: Path, layout: str) -> None:
    state = scorer_state(encoder, layout)
    model = scorer(encoder, layout)
    expected = [by_hand(encoder, state, layout, *pair) for pair in PAIRS]
    found = model.score_batch(*map(list, zip(*PAIRS, strict=True)))
    assert found == pytest.approx(expected, abs=1e-5)
    assert len({round(score, 4) for score in found}) > 10
    one_by_one = [model.score_pair(*pair) for pair in PAIRS]
    assert all(type(score) is float for score in one_by_one)
    assert one_by_one == pytest.approx(expected, abs=1e-5)


@both_layouts
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("form", ["pt", "safetensors"])
def test_a_checkpoint_read_back_scores_the_same(
    encoder: Path, layout: str, nested: bool, form: str, tmp_path: Path
) -> None:
    state = scorer_state(encoder, layout)
    path = tmp_path / f"weights.{form}"
    if form == "safetensors":
        save_scorer(path, encoder, layout)
    else:
        torch.save({"epoch": 3, "model_state_dict": state} if nested else state, path)
    opened = CrossScorerModel.from_checkpoint(path, str(encoder), device="cpu")
    assert opened.layout.name == layout
    assert {key: tuple(part.shape) for key, part in opened.state_dict().items()} == {
        key: tuple(part.shape) for key, part in state.items()
    }
    assert opened.score_pair(*PAIRS[0]) == pytest.approx(by_hand(encoder, state, layout, *PAIRS[0]), abs=1e-5)


@both_layouts
def test_what_it_holds_is_a_checkpoint_again(encoder: Path, layout: str) -> None:
    model = scorer(encoder, layout)
    again = CrossScorerModel(str(encoder), device="cpu")
    again.load_state_dict(model.state_dict())
    assert again.score_pair(*PAIRS[0]) == model.score_pair(*PAIRS[0])
    assert model.state_dict().keys() == again.state_dict().keys()


def test_one_model_takes_one_layout_after_the_other(encoder: Path) -> None:
    model = CrossScorerModel(str(encoder), device="cpu")
    for layout in (*SCORER_LAYOUTS, SCORER_LAYOUTS[0]):
        model.load_state_dict(scorer_state(encoder, layout))
        assert model.score_pair(*PAIRS[0]) == scorer(encoder, layout).score_pair(*PAIRS[0])
        heads = [key for key in model.state_dict() if not key.startswith(f"{layout}.")]
        assert len(heads) == 4


def test_nothing_is_scored_before_weights_are_there(encoder: Path) -> None:
    with pytest.raises(ArtifactMissing, match="no weights yet") as caught:
        CrossScorerModel(str(encoder), device="cpu").score_pair("i am", "you are")
    assert "load_state_dict" in caught.value.hint


def drop(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda state: state.pop(key)


def put(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda state: state.update({key: value})


@pytest.mark.parametrize(
    ("change", "story"),
    [
        (drop("l2.bias"), r"missing l2\.bias; unexpected none"),
        (
            drop("cross_encoder.encoder.layer.1.output.dense.weight"),
            r"missing cross_encoder\.encoder\.layer\.1",
        ),
        (put("l3.weight", torch.ones(1)), r"missing none; unexpected l3\.weight"),
        (put("roberta.embeddings.x", torch.ones(1)), r"unexpected roberta\.embeddings\.x"),
        (put("l1.weight", torch.ones(512, 7)), r"wrong shape l1\.weight \(512, 7\) for \(512, 32\)"),
        (put("l2.weight", torch.ones(2, 512)), r"wrong shape l2\.weight \(2, 512\) for \(1, 512\)"),
        (put("l1.bias", "much"), r"wrong shape l1\.bias str for \(512,\)"),
    ],
)
def test_what_does_not_fit_is_listed_and_nothing_changes(
    encoder: Path, change: Callable[[dict[str, Any]], None], story: str
) -> None:
    model = scorer(encoder)
    before = model.score_pair(*PAIRS[0])
    state: dict[str, Any] = scorer_state(encoder, seed=1)
    change(state)
    with pytest.raises(ShapeMismatch, match=story):
        model.load_state_dict(state)
    assert model.score_pair(*PAIRS[0]) == before


def test_a_misfit_of_the_other_layout_leaves_the_model_as_it_was(encoder: Path) -> None:
    model = scorer(encoder)
    before = model.score_pair(*PAIRS[0])
    state = scorer_state(encoder, "roberta")
    del state["mlp_head.fc1.weight"]
    with pytest.raises(ShapeMismatch, match=r"layout 'roberta': missing mlp_head\.fc1\.weight"):
        model.load_state_dict(state)
    assert model.layout.name == "cross_encoder"
    assert model.score_pair(*PAIRS[0]) == before


def test_keys_of_no_layout_are_named(encoder: Path) -> None:
    with pytest.raises(ShapeMismatch, match=r"no known layout, but bert\.x, head\.y") as caught:
        CrossScorerModel(str(encoder), device="cpu").load_state_dict({"head.y": 1, "bert.x": 2})
    assert "cross_encoder.*, l1.*, l2.*" in caught.value.hint
    assert "roberta.*, mlp_head.fc1.*" in caught.value.hint


def test_loading_in_part_is_refused(encoder: Path) -> None:
    with pytest.raises(ConfigError, match="strict=False would leave random weights"):
        CrossScorerModel(str(encoder), device="cpu").load_state_dict(scorer_state(encoder), strict=False)


def test_what_the_first_token_bypasses_may_be_in_a_checkpoint(encoder: Path) -> None:
    state = scorer_state(encoder)
    extra = {
        "cross_encoder.pooler.dense.weight": torch.ones(32, 32),
        "cross_encoder.pooler.dense.bias": torch.ones(32),
        "cross_encoder.embeddings.position_ids": torch.arange(66)[None],
    }
    several = {f"module.{key}": part for key, part in (state | extra).items()}
    model = CrossScorerModel(str(encoder), device="cpu")
    model.load_state_dict({"model_state_dict": several, "epoch": 1})
    assert model.score_pair(*PAIRS[0]) == scorer(encoder).score_pair(*PAIRS[0])


def test_the_head_is_as_configured(encoder: Path) -> None:
    small = CrossScorerModel(str(encoder), device="cpu", width=24, activation="tanh", dropout=0.5)
    small.load_state_dict(small.state_dict())
    assert small.state_dict()["l1.weight"].shape == (24, 32)
    assert 0 < small.score_pair(*PAIRS[0]) < 1
    assert [type(part).__name__ for part in small.between] == ["Tanh", "Dropout"]
    with pytest.raises(ShapeMismatch, match=r"l1\.weight \(512, 32\) for \(24, 32\)"):
        small.load_state_dict(scorer_state(encoder))
    relu = CrossScorerModel(str(encoder), device="cpu", activation="relu")
    relu.load_state_dict(scorer_state(encoder))
    assert relu.score_pair(*PAIRS[0]) != scorer(encoder).score_pair(*PAIRS[0])
    with pytest.raises(UnknownNameError, match=r"unknown activation 'rely'.*did you mean 'relu'"):
        CrossScorerModel(str(encoder), device="cpu", activation="rely")
    for wrong in ({"width": 0}, {"dropout": 1.0}, {"max_length": 2}, {"batch_size": 0}):
        with pytest.raises(ConfigError):
            CrossScorerModel(str(encoder), device="cpu", **wrong)  # type: ignore[arg-type]


def test_scoring_is_without_dropout_and_gradient(encoder: Path) -> None:
    model = scorer(encoder, "roberta")
    before = model.score_pair(*PAIRS[0])
    model.train().requires_grad_(True)
    assert model.score_pair(*PAIRS[0]) == before
    assert not model.training
    assert model.pair_logits(PAIRS[:2]).requires_grad is False


def test_making_one_draws_no_random_numbers_of_the_caller(encoder: Path) -> None:
    state = torch.get_rng_state()
    CrossScorerModel(str(encoder), device="cpu").load_state_dict(scorer_state(encoder, "roberta"))
    assert torch.equal(torch.get_rng_state(), state)


@given(st.lists(st.integers(0, len(PAIRS) - 1), max_size=20))
def test_order_is_kept_and_a_batch_equals_its_rows(model: CrossScorerModel, rows: list[int]) -> None:
    together = model.score_batch([PAIRS[row][0] for row in rows], [PAIRS[row][1] for row in rows])
    assert together == pytest.approx([model.score_pair(*PAIRS[row]) for row in rows], abs=1e-5)
    assert all(0.0 <= score <= 1.0 for score in together)


def test_progress_counts_every_pair(model: CrossScorerModel) -> None:
    done: list[int] = []
    prompts, responses = map(list, zip(*PAIRS, strict=True))
    model.score_batch(prompts, responses, progress=done.append)
    assert sum(done) == len(PAIRS)
    assert len(done) > 1


def test_rewards(model: CrossScorerModel) -> None:
    prompts, new = (list(side) for side in zip(*PAIRS[:6], strict=True))
    old = [response for _, response in PAIRS[6:12]]
    absolute, before = model.score_absolute(prompts, new), model.score_absolute(prompts, old)
    relative = model.score_relative(prompts, new, old)
    assert relative == pytest.approx([a - b for a, b in zip(absolute, before, strict=True)], abs=1e-5)
    assert model.score_relative(prompts, old, new) == pytest.approx([-gain for gain in relative], abs=1e-5)
    assert model.score_relative(prompts, new, new) == pytest.approx([0.0] * 6, abs=1e-5)
    assert model.score_absolute(prompts[0], new) == pytest.approx(
        model.score_batch(prompts[:1] * 6, new), abs=1e-6
    )
    assert model.score_relative(prompts[0], [], []) == []


@pytest.mark.parametrize(
    ("prompts", "responses", "story"),
    [
        ("one text", ["x"], "expected lists of texts"),
        (["x"], "one text", "expected lists of texts"),
        (["x"], ["y", "z"], "1 prompts but 2 responses"),
        (["x", "x"], ["y", None], "response 1 is no text but NoneType"),
        ([3], ["y"], "prompt 0 is no text but int"),
    ],
)
def test_what_is_no_list_of_pairs_is_refused(
    model: CrossScorerModel, prompts: Any, responses: Any, story: str
) -> None:
    with pytest.raises(InputError, match=story):
        model.score_batch(prompts, responses)
    with pytest.raises(InputError, match="2 new responses but 1 old"):
        model.score_relative("i am", ["a", "b"], ["c"])


@pytest.mark.parametrize("odd", ["", "  ", "\ud800", "\x00", "so " * 20_000, "🙂" * 3000])
def test_odd_texts_are_scored(model: CrossScorerModel, odd: str) -> None:
    assert 0.0 <= model.score_pair(odd, "you are so sad") <= 1.0
    assert 0.0 <= model.score_pair("i am so sad", odd) <= 1.0


def test_both_texts_count_when_one_is_too_long(model: CrossScorerModel) -> None:
    long = "so very happy " * 500
    assert model.score_pair(long, "i am sad") != model.score_pair(long, "what a great day")
    assert model.score_pair("i am sad", long) != model.score_pair("what a great day", long)


def test_a_score_that_is_not_finite_is_named(encoder: Path) -> None:
    model = scorer(encoder)
    state = scorer_state(encoder)
    state["l2.bias"] = torch.tensor([float("nan")])
    model.load_state_dict(state)
    with pytest.raises(BadOutput, match=r"score of pair 0 is not finite \(2 of 2\)"):
        model.score_batch(["i am", "i was"], ["you are", "you were"])


def test_half_precision_stays_near(encoder: Path, model: CrossScorerModel) -> None:
    prompts, responses = (list(side) for side in zip(*PAIRS, strict=True))
    exact = model.score_batch(prompts, responses)
    # 11 bits of precision against 8: the tolerances differ as they do.
    for near, tolerance in ((scorer(encoder).half(), 0.03), (scorer(encoder).to(torch.bfloat16), 0.24)):
        found = near.score_batch(prompts, responses)
        assert found == pytest.approx(exact, abs=tolerance)
        assert found != exact
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model.score_batch(prompts, responses) == pytest.approx(exact, abs=0.24)
    opened = CrossScorerModel(str(encoder), device="cpu", precision="bf16")
    opened.load_state_dict(scorer_state(encoder, "roberta"))
    assert {part.dtype for part in opened.parameters()} == {torch.bfloat16}
    with pytest.raises(ConfigError, match="fp16 does not suit the cpu"):
        CrossScorerModel(str(encoder), device="cpu", precision="fp16")


def test_eight_threads_at_once_equal_serial(model: CrossScorerModel) -> None:
    serial = [model.score_pair(*pair) for pair in PAIRS]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda pair: model.score_pair(*pair), PAIRS)) == pytest.approx(serial, abs=1e-5)
