from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mendgraph.adapters.artifacts import open_artifact
from mendgraph.core.routing_baselines import RidgeScores
from mendgraph.errors import ConfigError, DataError
from mendgraph.training.prompt_routing.embeddings.base import LLMEmbeddings
from mendgraph.training.prompt_routing.model import TransformerEmbeddingModel
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.ridge import block_scale, fit_ridge
from mendgraph.training.prompt_routing.specs import (
    AdamWSpec,
    AttentionEmbeddingSpec,
    BitFitSpec,
    FrozenEmbeddingSpec,
    FullSpec,
    LastLayersSpec,
    LoraSpec,
    MixtureHeadSpec,
    ReferenceHeadSpec,
    RegressionLossSpec,
    RidgeSpec,
    StrengthHeadSpec,
    ValidationSplit,
)
from mendgraph.training.prompt_routing.tuning import TunedEncoder
from tests.tiny import save_encoder
from tests.training.prompt_routing.routing_data import MODELS, outcomes, prompts, responses


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_encoder(tmp_path_factory.mktemp("encoder")))


def made(encoder: str, **settings: Any) -> TransformerEmbeddingModel:
    given: dict[str, Any] = {"max_length": 32, "optimizer_spec": AdamWSpec(learning_rate=3e-3), **settings}
    return TransformerEmbeddingModel(encoder, **given)


@pytest.mark.parametrize(
    "head", [StrengthHeadSpec(rank=4), ReferenceHeadSpec()], ids=["strength", "reference"]
)
def test_it_learns_to_read_the_prompt(encoder: str, head: StrengthHeadSpec | ReferenceHeadSpec) -> None:
    said: list[str] = []
    model = made(encoder, head=head, dropout=0.0).train(
        outcomes(160), epochs=25, device="cpu", echo=said.append
    )
    assert model.fitted is not None
    assert model.fitted.collapse.accuracy > 0.7
    assert not model.fitted.collapse.collapsed
    assert "prompts shuffled" in said[-1]
    history = model.fitted.history
    assert len(history) == 25
    assert history[-1]["loss"] < history[0]["loss"]
    best = min(history, key=lambda epoch: epoch["validation_loss"])
    assert model.fitted.best_epoch == best["epoch"]


def test_outcomes_that_no_prompt_explains_ring_the_alarm(encoder: str) -> None:
    random = np.random.default_rng(0)
    texts = prompts(120)
    scores = (random.random((120, 2)) < [0.9, 0.1]).astype(float)
    said: list[str] = []
    model = made(encoder).train(
        Outcomes.of(texts, ["a", "b"], scores), epochs=2, device="cpu", echo=said.append
    )
    assert model.fitted is not None
    assert model.fitted.collapse.collapsed
    assert said[-1].startswith("WARNING: the prompt does not matter")


@pytest.mark.parametrize(
    "spec",
    [LoraSpec(rank=4), LastLayersSpec(num_layers=1), BitFitSpec(), FullSpec()],
    ids=lambda spec: spec.kind,
)
def test_what_is_saved_is_what_was_trained(encoder: str, tmp_path: Path, spec: Any) -> None:
    model = made(encoder, finetuning_spec=spec, layers=(1, -1)).train(outcomes(40), epochs=1, device="cpu")
    model.save(tmp_path / "router")
    again = TransformerEmbeddingModel.load(tmp_path / "router", device="cpu")
    texts = prompts(20, seed=9)
    ours, theirs = model.predict(texts), again.predict(texts, models=["dogs"])
    assert set(ours) == set(MODELS)
    assert list(theirs) == ["dogs"]
    assert theirs["dogs"] == pytest.approx(ours["dogs"], abs=2e-3)
    frozen = made(encoder, layers=(1, -1)).train(outcomes(40), epochs=1, device="cpu")
    base, tuned = frozen.router.vectors.states(texts), model.router.vectors.states(texts)
    assert not torch.allclose(base, tuned, atol=1e-4)


def test_each_spec_tunes_what_it_names(encoder: str) -> None:
    def names(spec: Any) -> set[str]:
        model = TunedEncoder(encoder, spec).model
        return {name for name, part in model.named_parameters() if part.requires_grad}

    assert all(name.endswith("bias") for name in names(BitFitSpec()))
    assert all(name.startswith("encoder.layer.1.") for name in names(LastLayersSpec(num_layers=1)))
    assert all("lora_" in name for name in names(LoraSpec()))
    assert all("query" in name for name in names(LoraSpec(target_modules=("query",))))
    with pytest.raises(ConfigError, match="2 layers"):
        names(LastLayersSpec(num_layers=3))
    with pytest.raises(ConfigError, match="not found in the encoder"):
        names(LoraSpec(target_modules=("q_proj",)))


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(encoder: str, tmp_path: Path) -> None:
    table = outcomes(60)
    whole = made(encoder, finetuning_spec=LoraSpec(rank=2)).train(table, epochs=3, device="cpu")
    made(encoder, finetuning_spec=LoraSpec(rank=2)).train(table, epochs=1, device="cpu", checkpoints=tmp_path)
    said: list[str] = []
    rest = made(encoder, finetuning_spec=LoraSpec(rank=2)).train(
        table, epochs=3, device="cpu", checkpoints=tmp_path, resume=True, echo=said.append
    )
    assert "going on after epoch 1" in said
    assert whole.fitted is not None
    assert rest.fitted is not None
    assert [epoch["loss"] for epoch in rest.fitted.history] == pytest.approx(
        [epoch["loss"] for epoch in whole.fitted.history], abs=1e-5
    )
    with pytest.raises(ConfigError, match="settings or data differ"):
        made(encoder).train(table, epochs=3, device="cpu", checkpoints=tmp_path, resume=True)


def test_global_generators_stay_as_they_were(encoder: str) -> None:
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    made(encoder).train(outcomes(30), epochs=1, device="cpu")
    assert torch.equal(torch.rand(1), wanted)


def test_the_same_seed_gives_the_same_router(encoder: str) -> None:
    one, other = (
        made(encoder).train(outcomes(30), epochs=1, device="cpu").predict(["cat"]) for _ in range(2)
    )
    assert one == other


def test_embeddings_of_answers_are_saved_and_used_again(encoder: str, tmp_path: Path) -> None:
    table = outcomes(60)
    spec = FrozenEmbeddingSpec(encoder_model_name=encoder, max_length=32)
    said: list[str] = []
    model = made(encoder, embedding_spec=spec, embedding_model_epochs=15)
    model.train(table, responses=responses(table.prompts), epochs=1, device="cpu", echo=said.append)
    assert model.embeddings.vectors.norm(dim=1) == pytest.approx(torch.ones(3).numpy(), abs=1e-5)
    assert model.embeddings.history[-1]["accuracy"] > 0.7
    model.save(tmp_path / "router")
    loaded = LLMEmbeddings.load(tmp_path / "router")
    assert torch.equal(loaded.vectors, model.embeddings.vectors)
    said.clear()
    again = made(encoder, load_embedding_model_from=str(tmp_path / "router"))
    again.train(table, epochs=1, device="cpu", echo=said.append)
    assert torch.equal(again.embeddings.vectors, model.embeddings.vectors)
    assert not any("LLM embeddings" in line for line in said)
    with pytest.raises(DataError, match="no embedding for 'x'"):
        loaded.of(["x"])


def test_sets_of_answers_tell_llms_apart(encoder: str) -> None:
    table = outcomes(60)
    spec = AttentionEmbeddingSpec(encoder_model_name=encoder, max_length=32, set_size=4)
    model = made(encoder, embedding_spec=spec, embedding_model_epochs=15)
    model.train(table, responses=responses(table.prompts), epochs=1, device="cpu")
    assert model.embeddings.history[-1]["accuracy"] > 0.7


def test_answers_that_are_missing_are_said(encoder: str) -> None:
    spec = FrozenEmbeddingSpec(encoder_model_name=encoder)
    with pytest.raises(DataError, match="the data have none"):
        made(encoder, embedding_spec=spec).train(outcomes(30), device="cpu")


def test_groups_are_held_out_whole(encoder: str) -> None:
    table = outcomes(80)
    model = made(encoder).train(
        table, validation_split=ValidationSplit(0.25, 1, by="group"), epochs=1, device="cpu"
    )
    assert model.fitted is not None
    assert model.fitted.prompts == (60, 20)
    with pytest.raises(ConfigError, match="comparisons have no groups"):
        made(encoder).train(
            table.comparisons(), validation_split=ValidationSplit(0.25, 1, by="group"), device="cpu"
        )


def test_comparisons_alone_make_quality_a_win_rate(encoder: str) -> None:
    table = outcomes(60)
    model = made(encoder).train(table.comparisons(), epochs=2, device="cpu")
    assert model.router.meaning == "win_rate"
    assert model.router.quality(["cat"]).mean() == pytest.approx(0.5, abs=1e-6)
    with pytest.raises(ConfigError, match="regression needs outcomes"):
        made(encoder, loss=RegressionLossSpec()).train(table.comparisons(), device="cpu")


def test_llms_with_few_comparisons_are_left_out(encoder: str) -> None:
    table = outcomes(60)
    scores = table.scores.copy()
    scores[5:, 2] = np.nan
    model = made(encoder, min_model_comparisons=20)
    model.train(Outcomes.of(table.prompts, MODELS, scores), epochs=1, device="cpu")
    assert model.models == ("cats", "dogs")


def test_a_joined_llm_is_predicted_saved_and_opened(encoder: str, tmp_path: Path) -> None:
    table = outcomes(60)
    model = made(encoder).train(table, epochs=1, device="cpu")
    model.join("new", table.prompts, table.scores[:, 0])
    wanted = model.predict(["cat", "rain"])
    assert set(wanted) == {*MODELS, "new"}
    model.save(tmp_path / "first")
    again = TransformerEmbeddingModel.load(tmp_path / "first", device="cpu")
    assert again.predict(["cat", "rain"])["new"] == pytest.approx(wanted["new"], abs=2e-3)
    before = again.router.fingerprint
    again.join("newer", table.prompts[:9], table.scores[:9, 1]).save(tmp_path / "second")
    last = TransformerEmbeddingModel.load(tmp_path / "second", device="cpu")
    assert last.models == (*MODELS, "new", "newer")
    assert last.router.fingerprint != before
    assert "new, newer" in (tmp_path / "second" / "README.md").read_text()


def test_ridge_is_the_least_squares_solution() -> None:
    random = np.random.default_rng(0)
    points = random.normal(size=(80, 7)) * [1, 2, 3, 4, 5, 6, 0]
    scores = np.clip(0.5 + points[:, :2] @ random.normal(size=(2, 3)) * 0.1, 0, 1)
    network = fit_ridge(
        RidgeSpec(link="identity", penalty=2.0),
        StrengthHeadSpec(rank=3),
        torch.from_numpy(points).float(),
        (2, 2),
        scores,
    )
    scale = block_scale(points, (2, 2), (1.0, 0.1))
    wanted = RidgeScores.fit((points - points.mean(0)) * scale, scores, 2.0)
    with torch.no_grad():
        found = (network(torch.from_numpy(points).float()).double().numpy() + 1) / 2
    assert found == pytest.approx(wanted.predict((points - points.mean(0)) * scale), abs=1e-4)


def test_blocks_share_a_length_of_one() -> None:
    points = np.random.default_rng(0).normal(size=(200, 10)) * np.arange(10)
    scale = block_scale(points, (3, 2), (0.5, 0.25))
    spread = ((points * scale).var(axis=0)).cumsum()[[4, 7, 9]]
    assert spread == pytest.approx([1 / 1.75, 1.5 / 1.75, 1.0])


def test_a_mixture_tells_what_each_llm_does_in_each_group() -> None:
    random = np.random.default_rng(0)
    groups = random.choice(["x", "y", "z"], 300)
    vectors = np.eye(3)[[["x", "y", "z"].index(name) for name in groups]] + random.normal(0, 0.05, (300, 3))
    known = {"x": [0.9, 0.1], "y": [0.2, 0.8], "z": [0.5, 0.5]}
    scores = (random.random((300, 2)) < np.array([known[name] for name in groups])).astype(float)
    scores[:40, 1] = np.nan
    network = fit_ridge(
        RidgeSpec(penalty=1e3),
        MixtureHeadSpec(rank=2, penalty=0.1, offset_penalty=0.1),
        torch.from_numpy(vectors).float(),
        (0, 0),
        scores,
        groups.tolist(),
    )
    with torch.no_grad():
        quality = (2.0 * network(torch.eye(3))).sigmoid().numpy()
    assert quality == pytest.approx(np.array([known[name] for name in "xyz"]), abs=0.12)


def test_a_folder_that_is_no_router_is_refused(encoder: str, tmp_path: Path) -> None:
    made(encoder).train(outcomes(30), epochs=1, device="cpu").save(tmp_path)
    assert open_artifact(tmp_path).manifest.kind == "router"
    with pytest.raises(DataError, match="holds no router"):
        TransformerEmbeddingModel.load(tmp_path / "llm_embeddings")
