from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mendgraph.adapters.artifacts import open_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.prompt_vectors import PromptInputs, PromptVectors
from mendgraph.adapters.router_model import IDENTITY, WIN_RATE, RouterModel
from mendgraph.core.arrays import sigmoid
from mendgraph.core.prompt_features import FEATURES
from mendgraph.errors import ArtifactError, ConfigError, DataError, HashMismatch, UnknownNameError
from mendgraph.modules.router import FixedRows, RouterNetwork, StrengthHead
from mendgraph.training.prompt_routing.model import TransformerEmbeddingModel
from mendgraph.training.prompt_routing.specs import MixtureHeadSpec, RegressionLossSpec, RidgeSpec
from tests.tiny import save_encoder, sentences
from tests.training.prompt_routing.routing_data import outcomes, prompts


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def saved(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A router that was trained on which LLM knows about cats, in closed form."""
    model = TransformerEmbeddingModel(
        str(encoder),
        layers=(1, 2),
        spread_layers=(1,),
        grams=64,
        head=MixtureHeadSpec(rank=2, penalty=1.0, offset_penalty=1.0),
        loss=RegressionLossSpec(),
        optimizer_spec=RidgeSpec(penalty=1.0),
        max_length=32,
    )
    folder = tmp_path_factory.mktemp("router")
    model.train(outcomes(200), device="cpu").save(folder)
    return folder


def opened(folder: Path, encoder: Path) -> RouterModel:
    return RouterModel.open(open_artifact(folder), SharedEncoder.open(str(encoder), device="cpu"))


def by_hand(encoder: Path, link: str = "logistic", meaning: str = "outcome") -> RouterModel:
    torch.manual_seed(0)
    vectors = PromptVectors(
        SharedEncoder.open(str(encoder), device="cpu"), PromptInputs("mean", (-1,), (), 0, (), 32)
    )
    network = RouterNetwork(StrengthHead(vectors.width, 2), FixedRows(torch.randn(3, 3) * 0.3)).eval()
    return RouterModel(("a", "b", "c"), vectors, network, link, meaning=meaning, fingerprint="f")


def test_it_learned_what_the_prompt_says(saved: Path, encoder: Path) -> None:
    found = opened(saved, encoder).quality(["cat cat happy sun", "dog dog happy sun"])
    assert found[0, 0] > found[0, 1]
    assert found[1, 1] > found[1, 0]


def test_scores_and_quality_stay_in_their_ranges(saved: Path, encoder: Path) -> None:
    router = opened(saved, encoder)
    scores, quality = router.rate([*sentences(30), "", "🙂" * 300, "x" * 5000])
    assert scores.shape == quality.shape == (33, 3)
    assert (np.abs(scores) <= 1).all()
    assert ((quality >= 0) & (quality <= 1)).all()


def test_a_batch_equals_one_by_one_and_equal_prompts_agree(saved: Path, encoder: Path) -> None:
    router = opened(saved, encoder)
    texts = [*sentences(12), "cat", "cat"]
    together = router.scores(texts)
    alone = np.concatenate([router.scores([text]) for text in texts])
    assert together == pytest.approx(alone, abs=1e-5)
    assert together[-1] == pytest.approx(together[-2], abs=1e-6)
    assert router.scores([]).shape == (0, 3)


def test_vectors_once_computed_serve_again(saved: Path, encoder: Path) -> None:
    router = opened(saved, encoder)
    texts = sentences(5)
    scores, quality = router.rated(router.representation(texts))
    assert scores == pytest.approx(router.scores(texts), abs=1e-6)
    assert quality == pytest.approx(router.quality(texts), abs=1e-6)


def test_the_logistic_link_expects_half_of_score_plus_one(encoder: Path) -> None:
    scores, quality = by_hand(encoder).rate(sentences(6))
    assert quality == pytest.approx((scores + 1) / 2, abs=1e-6)


def test_the_identity_link_too_within_its_range(encoder: Path) -> None:
    scores, quality = by_hand(encoder, IDENTITY).rate(sentences(6))
    assert quality == pytest.approx((scores + 1) / 2, abs=1e-6)


def test_win_rate_is_the_mean_chance_against_the_others(encoder: Path) -> None:
    router = by_hand(encoder, meaning=WIN_RATE)
    quality = router.quality(sentences(6))
    assert quality.mean() == pytest.approx(0.5, abs=1e-6)
    logits = np.arctanh(router.scores(sentences(6)))
    chance = sigmoid(2 * (logits[:, 0] - logits[:, 1])) + sigmoid(2 * (logits[:, 0] - logits[:, 2]))
    assert quality[:, 0] == pytest.approx(chance / 2, abs=1e-5)


def test_numbers_that_are_not_finite_are_shown(encoder: Path) -> None:
    router = by_hand(encoder)
    rows = router.network.rows().clone()
    rows[0, 0] = float("inf")
    broken = replace(router, network=RouterNetwork(router.network.head, FixedRows(rows)))
    assert np.isnan(broken.scores(["cat"])).all()


@pytest.mark.parametrize("link", ["logistic", "identity"])
def test_a_new_llm_joins_from_its_outcomes(encoder: Path, link: str) -> None:
    router = by_hand(encoder, link)
    texts = prompts(150)
    before, fingerprint = router.scores(texts), router.fingerprint
    good = router.join("good", texts, np.ones(150))
    both = good.join("bad", texts, np.zeros(150))
    assert both.models == ("a", "b", "c", "good", "bad")
    assert both.scores(texts)[:, :3] == pytest.approx(before, abs=1e-6)
    quality = both.quality(texts)
    assert quality[:, 3].min() > 0.8
    assert quality[:, 4].max() < 0.2
    assert len({fingerprint, good.fingerprint, both.fingerprint}) == 3


def test_a_twin_of_a_known_llm_comes_near_it(saved: Path, encoder: Path) -> None:
    table = outcomes(200)
    router = opened(saved, encoder)
    joined = router.join("twin", table.prompts, table.scores[:, 0])
    quality = joined.quality(prompts(60, seed=5))
    assert np.corrcoef(quality[:, 0], quality[:, 3])[0, 1] > 0.9
    assert np.abs(quality[:, 0] - quality[:, 3]).mean() < 0.15


def test_few_outcomes_move_it_little_from_the_average(encoder: Path) -> None:
    router = by_hand(encoder)
    texts = prompts(40)
    average = router.quality(texts).mean(axis=1)
    one = router.join("one", texts[:1], [1.0]).quality(texts)[:, 3]
    many = router.join("many", texts, np.ones(40)).quality(texts)[:, 3]
    assert (np.abs(one - average) < np.abs(many - average)).all()


def test_what_cannot_join_is_refused(encoder: Path) -> None:
    router = by_hand(encoder)
    for name, texts, values, message in (
        ("a", ["cat"], [1.0], "knows 'a' already"),
        ("d", ["cat"], [1.0, 0.0], "shape"),
        ("d", [], [], "shape"),
        ("d", ["cat"], [2.0], "in \\[0, 1\\]"),
    ):
        with pytest.raises(DataError, match=message):
            router.join(name, texts, values)


def test_columns_of_unknown_llms_are_refused(encoder: Path) -> None:
    assert by_hand(encoder).columns(["c", "a"]) == [2, 0]
    with pytest.raises(UnknownNameError, match="known: a, b, c"):
        by_hand(encoder).columns(["gpt"])


def test_another_encoder_is_refused(saved: Path, tmp_path: Path) -> None:
    from tests.tiny import bert

    other = save_encoder(tmp_path, bert(seed=3))
    with pytest.raises(HashMismatch, match="another one"):
        opened(saved, other)


def test_settings_that_mean_nothing_here_are_refused(encoder: Path) -> None:
    with pytest.raises(ArtifactError, match="'moonphase'"):
        PromptInputs.from_dict(
            {**PromptInputs().to_dict(), "features": ["moonphase"]},
        )
    assert PromptInputs.from_dict(PromptInputs().to_dict()) == PromptInputs()
    with pytest.raises(ConfigError, match="2 layers"):
        PromptVectors(SharedEncoder.open(str(encoder), device="cpu"), PromptInputs(layers=(3,)))


def test_features_and_grams_stand_beside_the_states(encoder: Path) -> None:
    inputs = PromptInputs(layers=(0, 2), spread_layers=(1,), grams=16, max_length=32)
    vectors = PromptVectors(SharedEncoder.open(str(encoder), device="cpu"), inputs)
    found = vectors.of(["cat dog", "rain"])
    assert found.shape == (2, vectors.width) == (2, 3 * 32 + 16 + len(FEATURES))
    assert torch.equal(found[:, 96:], inputs.beside(["cat dog", "rain"]))
