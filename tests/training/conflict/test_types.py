"""Training of the types classifier on a tiny encoder: repeatable, and the same at run time as in training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mendgraph.adapters.artifacts import open_artifact
from mendgraph.adapters.conflict_types import ConflictClassifierTier, ConflictTypesTier
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.core.conflict import LEVELS, prepare_question
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactError, ConfigError, DataError
from mendgraph.training.conflict.claims.files import claims_path, write_claims
from mendgraph.training.conflict.claims.sets import claim_sets
from mendgraph.training.conflict.pair_fit import fit_pairs
from mendgraph.training.conflict.pair_spec import PairSpec
from mendgraph.training.conflict.pairs import LabelledPair, pairs_path, write_pairs
from mendgraph.training.conflict.types_compared import WEIGHTS, fit_compared, weigh
from mendgraph.training.conflict.types_model import TypesModel
from mendgraph.training.conflict.types_save import set_chances
from mendgraph.training.conflict.types_train import train_types
from tests import tiny

SETS = list(claim_sets("dev", 24))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def spec(encoder: Path) -> PairSpec:
    return PairSpec(
        model=str(encoder),
        max_length=60,
        top_layers=1,
        epochs=2,
        head_width=16,
        compared_sets=20,
        precision="fp32",
    )


@pytest.fixture(scope="module")
def trained(spec: PairSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    write_claims(claims_path(data, "train"), claim_sets("train", 40))
    write_claims(claims_path(data, "dev"), SETS)
    return train_types(data, tmp_path_factory.mktemp("out"), spec, device="cpu").folder


def tier_of(folder: Path, encoder: Path) -> ConflictTypesTier:
    shared = SharedEncoder.open(str(encoder), device="cpu", max_length=60)
    return ConflictTypesTier("types", shared, open_artifact(folder))


def test_the_tier_says_what_the_trained_model_said(trained: Path, encoder: Path, spec: PairSpec) -> None:
    """The stored figures are of the stored weights: a fresh model with them gives the tier's probabilities."""
    tier = tier_of(trained, encoder)
    found = np.stack([chances for chances, _ in tier.levels([(one.question, one.documents) for one in SETS])])
    artifact = open_artifact(trained)
    model = TypesModel(spec, encoder, torch.device("cpu"))
    head = {name: part.float() for name, part in artifact.tensors("head.safetensors").items()}
    model.head.load_state_dict(head)
    adapter = artifact.tensors("adapter_model.safetensors")
    with torch.no_grad():
        for name, part in model.encoder.named_parameters():
            if "lora_" in name:
                part.copy_(adapter[name.replace(".default", "")].float())
    expected, levels = set_chances(model, SETS)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert [LEVELS[level] for level in levels] == [one.level for one in SETS]


def test_rows_are_answered_with_the_pair_that_disagrees_most(trained: Path, encoder: Path) -> None:
    rows = [
        prepare_question({"question": one.question, "documents": [d.to_dict() for d in one.documents]})
        for one in SETS[:5]
    ]
    alone = prepare_question({"question": "Why?", "documents": ["Because."]})
    *found, single, nothing = tier_of(trained, encoder).predict([*rows, alone, Input("Why?")])
    for row, said in zip(rows, found, strict=True):
        assert isinstance(said, Prediction)
        ids = [one["id"] for one in row.facts["documents"]]
        assert set(said.scores) == set(LEVELS)
        assert len(said.value["pair"]) == 2
        assert set(said.value["pair"]) <= set(ids)
    assert isinstance(single, Prediction)
    assert (single.label, single.value) == ("none", {"pair": None})
    assert isinstance(nothing, Failure)
    assert "no documents" in nothing.message


def test_what_was_trained_is_an_artefact_with_card_and_calibration(trained: Path) -> None:
    artifact = open_artifact(trained)
    assert artifact.manifest.labels == LEVELS
    assert [one.name for one in artifact.manifest.data] == ["claims"]
    card = (trained / "README.md").read_text(encoding="utf-8")
    assert "# conflict/types" in card
    assert "claim sets made by `mend data conflict`" in card
    assert (trained / "calibration.json").is_file()


def test_training_repeats_and_needs_pairs(spec: PairSpec, encoder: Path, tmp_path: Path) -> None:
    from mendgraph.training.conflict.pairs import claim_pairs

    pairs = list(claim_pairs(SETS))
    logits = []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            model = TypesModel(replace(spec, epochs=1), encoder, torch.device("cpu"))
            fitted = fit_pairs(model, pairs[:30], pairs[30:])
        logits.append(fitted.history[0]["loss"])
    assert logits[0] == logits[1]
    with pytest.raises(DataError, match="0 pairs to train on"):
        fit_pairs(model, [], pairs)
    with pytest.raises(DataError, match="is not there"):
        train_types(tmp_path, tmp_path, spec, device="cpu")
    with pytest.raises(ConfigError, match="fit nothing"):
        TypesModel(replace(spec, target_modules=("nothing",)), encoder, torch.device("cpu"))


def test_weights_for_other_features_are_refused(
    trained: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mendgraph.adapters.conflict_types.FEATURES", ("one",))
    with pytest.raises(ArtifactError, match="other labels or features"):
        tier_of(trained, encoder)


def test_any_sequence_classifier_may_be_mapped_onto_the_levels(tmp_path: Path) -> None:
    folder = tiny.save_classifier(tmp_path / "model", ("no_conflict", "L1", "L2", "L3", "L4"))
    label_map = {"no_conflict": "none", "L1": "temporal", "L2": "numerical", "L3": "entity", "L4": "semantic"}
    tier = ConflictClassifierTier("other", str(folder), label_map, device="cpu", max_length=60)
    row = prepare_question({"question": "why", "documents": ["you are happy", "you are sad"]})
    said, nothing = tier.predict([row, Input("why")])
    assert isinstance(said, Prediction)
    assert tuple(said.scores) == LEVELS
    assert isinstance(nothing, Failure)


def test_reading_is_taken_over_and_comparing_learned_from_real_text(
    trained: Path, encoder: Path, spec: PairSpec, tmp_path: Path
) -> None:
    """With `start` the adapters stay as they were, to the last bit."""
    write_claims(claims_path(tmp_path, "train"), claim_sets("train", 40))
    write_claims(claims_path(tmp_path, "dev"), SETS)
    for split in ("train", "dev"):
        made = [
            LabelledPair("", f"It has {n} rooms.", f"It has {n + 1} rooms.", "numerical", "perturbed")
            for n in range(9)
        ]
        write_pairs(pairs_path(tmp_path, split), made)
    said: list[str] = []
    again = replace(spec, start=str(trained), compared_epochs=2)
    folder = train_types(tmp_path, tmp_path / "out", again, device="cpu", echo=said.append).folder
    before, after = open_artifact(trained), open_artifact(folder)
    assert (
        before.manifest.files["adapter_model.safetensors"]
        == after.manifest.files["adapter_model.safetensors"]
    )
    assert {one.name: one.rows for one in after.manifest.data}["perturbed"] == 9
    assert after.manifest.training["settings"]["start"] == str(trained)
    assert "No training of the encoder" in (folder / "README.md").read_text(encoding="utf-8")
    assert any("reading_weight" in line for line in said)
    assert tier_of(folder, encoder).levels([(SETS[0].question, SETS[0].documents)])
    with pytest.raises(ConfigError, match="another width"):
        train_types(tmp_path, tmp_path / "out", replace(again, head_width=8), device="cpu")


def test_the_comparing_part_says_nothing_until_it_is_trained_and_can_be_trained_alone(
    spec: PairSpec, encoder: Path
) -> None:
    model = TypesModel(spec, encoder, torch.device("cpu"))
    pairs = [
        LabelledPair("", "It has 12 rooms.", f"It has {n} rooms.", "none" if n == 12 else "numerical", "x")
        for n in (12, 15, 19, 31)
    ]
    features = model.inputs(pairs).features
    assert not model.head.compared(features).any()
    reading = [part.detach().clone() for part in model.head.reading()]
    fit_compared(model, pairs * 30)
    model.eval()
    assert model.head.compared(features).argmax(1).tolist() == [0, 2, 2, 2]
    assert all(torch.equal(a, b) for a, b in zip(reading, model.head.reading(), strict=True))
    mean = model.head.mean.clone()
    model.head.standardise(features + 1.0)
    assert torch.equal(model.head.mean, mean)  # weights were learned with it
    states = torch.zeros(4, model.head.states.normalized_shape[0])
    whole = model.head(states, features)
    model.head.weigh(0.5)
    half = model.head(states, features)
    torch.testing.assert_close(whole - half, 0.5 * (whole - model.head.compared(features)))


def test_the_weight_of_reading_is_the_best_on_dev(spec: PairSpec, encoder: Path) -> None:
    from mendgraph.training.conflict.pairs import claim_pairs

    pairs = list(claim_pairs(SETS))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = TypesModel(spec, encoder, torch.device("cpu"))
        fit_compared(model, pairs)
    said: list[str] = []
    best = weigh(model, pairs, said.append)
    assert len(said) == len(WEIGHTS)
    assert best["reading_weight"] in WEIGHTS
    assert 0.0 <= best["macro_f1"] <= 1.0
