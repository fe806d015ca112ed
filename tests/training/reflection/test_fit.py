"""Training on a tiny encoder: deterministic, selective about epochs, and the same at run time as in training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mendgraph.adapters.artifacts import open_artifact
from mendgraph.adapters.cross_scorer import CrossScorerTier
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.core.values import Input, Prediction
from mendgraph.errors import ConfigError
from mendgraph.modules.level_head import score_logits
from mendgraph.training.reflection.fit import Fitted, dev_score, fit
from mendgraph.training.reflection.save import Trained, save
from mendgraph.training.reflection.states import LowerStates
from tests import tiny
from tests.training.reflection.corpora import FAST, groups

CPU = torch.device("cpu")
TRAIN, DEV = groups(8), groups(4, first=20)
TUNED = FAST.model_copy(update={"num_epochs": 2, "learning_rate": 0.05})


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def tuned(encoder: Path) -> Fitted:
    return fit(LowerStates(encoder, TUNED, CPU), TRAIN, DEV, TUNED)


def test_training_repeats_and_leaves_the_global_generators_alone(encoder: Path) -> None:
    before = torch.random.get_rng_state()
    one, other = (fit(LowerStates(encoder, FAST, CPU), TRAIN, DEV, FAST) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    for first, second in zip(one.logits(DEV), other.logits(DEV), strict=True):
        np.testing.assert_array_equal(first, second)
    assert one.history == other.history


def test_the_head_learns_what_it_is_shown(encoder: Path) -> None:
    settings = FAST.model_copy(
        update={"head_epochs": 60, "head_learning_rate": 0.01, "head_dropout": 0.0, "mismatches": 0}
    )
    fitted = fit(LowerStates(encoder, settings, CPU), TRAIN, TRAIN, settings)
    assert dev_score(fitted.history[-1], blind=True) > 0.9


def test_the_best_epoch_on_dev_is_kept(tuned: Fitted) -> None:
    scores = [entry["score"] for entry in tuned.history]
    assert len(scores) == TUNED.num_epochs + 1
    assert tuned.best_epoch == scores.index(max(scores))


def test_adapters_change_in_the_upper_layers_only(encoder: Path) -> None:
    fitted = fit(LowerStates(encoder, TUNED, CPU), TRAIN, DEV, TUNED)
    names = {name for name in fitted.model.trained() if "lora" in name}
    assert names
    assert all(".encoder.layer.1." in name for name in names)


def test_a_blind_model_does_not_hear_the_prompt(encoder: Path) -> None:
    settings = FAST.model_copy(update={"blind": True, "mismatches": 0})
    fitted = fit(LowerStates(encoder, settings, CPU), TRAIN, DEV, settings)
    assert {entry["swap"] for entry in fitted.history} == {0.5}  # ties count half


@pytest.mark.parametrize("objective", ["one_gap", "mse"])
def test_the_ablations_train(encoder: Path, objective: str) -> None:
    settings = FAST.model_copy(update={"objective": objective})
    assert len(fit(LowerStates(encoder, settings, CPU), TRAIN, DEV, settings).history) == 1


@pytest.mark.parametrize("adapters", [False, True], ids=["head", "adapters"])
def test_the_tier_scores_what_training_scored(encoder: Path, tmp_path: Path, adapters: bool) -> None:
    settings = TUNED if adapters else FAST
    fitted = fit(LowerStates(encoder, settings, CPU), TRAIN, DEV, settings)
    if adapters:  # the last epoch, whether or not dev liked it
        with torch.no_grad():
            for part in fitted.model.adapters():
                part.add_(0.05)
        fitted.model.tuned = True
        fitted = replace(fitted, best_epoch=2)
    artifact, metrics = save(Trained(fitted, "tiny", encoder, TRAIN, DEV), tmp_path / "model")
    assert ("adapter_model.safetensors" in artifact.manifest.files) == adapters
    shared = SharedEncoder.open(str(encoder), max_length=48)
    tier = CrossScorerTier("primary", shared, open_artifact(tmp_path / "model"))
    pairs = [(group.prompt, text) for group in DEV for text, _ in group.responses]
    wanted = np.concatenate(fitted.logits(DEV))
    np.testing.assert_allclose(score_logits(tier.classes(pairs)), wanted, atol=2e-4)
    said = tier.predict([Input(text, facts={"prompt": prompt}) for prompt, text in pairs])
    assert all(isinstance(p, Prediction) and p.value["level"] == p.label for p in said)
    low, high = metrics["thresholds"]
    assert 0 <= low <= high <= 1


def test_the_card_says_what_the_manifest_says(encoder: Path, tmp_path: Path) -> None:
    fitted = fit(LowerStates(encoder, FAST, CPU), TRAIN, DEV, FAST)
    artifact, _ = save(Trained(fitted, "tiny", encoder, TRAIN, DEV), tmp_path / "primary")
    card = (tmp_path / "primary" / "README.md").read_text()
    assert artifact.manifest.name == "reflection/primary"
    assert "# reflection/primary" in card
    assert "Apache-2.0" in card
    assert "base model" in card


def test_an_encoder_without_segments_is_refused(tmp_path: Path) -> None:
    folder = tiny.save_encoder(tmp_path, tiny.distilbert())
    with pytest.raises(ConfigError, match="does not tell the two texts of a pair apart"):
        LowerStates(folder, FAST, CPU)


def test_more_layers_than_there_are_is_refused(encoder: Path) -> None:
    with pytest.raises(ConfigError, match="up to 6, but the encoder has 2 layers"):
        LowerStates(encoder, FAST.model_copy(update={"layers": 6}), CPU)


def test_targets_that_name_nothing_are_refused(encoder: Path) -> None:
    settings = FAST.model_copy(update={"target_modules": ("q_lin",)})
    with pytest.raises(ConfigError, match=r"target_modules: .*q_lin.* fit nothing"):
        fit(LowerStates(encoder, settings, CPU), TRAIN, DEV, settings)
