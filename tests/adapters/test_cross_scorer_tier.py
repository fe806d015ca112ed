"""The two tiers that read pairs: rows apart from one another, threads, and weights that do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from mendgraph.adapters.artifacts import open_artifact, write_artifact
from mendgraph.adapters.cross_scorer import CrossScorerTier
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.reflection_features import ReflectionFeatureTier
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.core.reflection import LABELS
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactError, HashMismatch, ShapeMismatch
from tests import tiny
from tests.levels import HIDDEN, save_cross_scorer, save_features


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_encoder(tmp_path_factory.mktemp("encoder"))


def cross_scorer(folder: Path, encoder: Path) -> Tier:
    save_cross_scorer(folder, encoder)
    return CrossScorerTier("primary", SharedEncoder.open(str(encoder), max_length=40), open_artifact(folder))


def features(folder: Path, encoder: Path) -> Tier:
    save_features(folder, encoder)
    vectors = SentenceVectors(SharedEncoder.open(str(encoder), max_length=40))
    return ReflectionFeatureTier("features", vectors, open_artifact(folder))


Make = Callable[[Path, Path], Tier]
BOTH = pytest.mark.parametrize("make", [cross_scorer, features])


def rows(count: int, seed: int = 0) -> list[Input]:
    prompts, responses = (tiny.sentences(count, seed=seed + shift) for shift in (0, 100))
    return [Input(text, text, {"prompt": prompt}) for prompt, text in zip(prompts, responses, strict=True)]


def score(outcome: Prediction | Failure) -> float:
    assert isinstance(outcome, Prediction), outcome
    return float(outcome.value["score"])


@BOTH
def test_a_prediction_has_level_probabilities_and_score(make: Make, tmp_path: Path, encoder: Path) -> None:
    for said in make(tmp_path, encoder).predict(rows(8)):
        assert isinstance(said, Prediction)
        assert list(said.scores) == list(LABELS)
        assert sum(said.scores.values()) == pytest.approx(1)
        assert said.label == max(said.scores, key=said.scores.__getitem__)
        assert said.raw == max(said.scores.values())
        assert 0 <= said.value["score"] <= 1
        assert said.value["level"] == said.label


@BOTH
def test_batching_changes_nothing(make: Make, tmp_path: Path, encoder: Path) -> None:
    tier, given = make(tmp_path, encoder), rows(9)
    together = [score(said) for said in tier.predict(given)]
    assert together == pytest.approx([score(tier.predict([row])[0]) for row in given], abs=1e-5)
    assert list(reversed(together)) == pytest.approx(
        [score(s) for s in tier.predict(list(reversed(given)))], abs=1e-5
    )


@BOTH
def test_a_row_without_a_prompt_fails_alone(make: Make, tmp_path: Path, encoder: Path) -> None:
    tier, given = make(tmp_path, encoder), rows(3)
    said = tier.predict([given[0], Input("you feel sad"), given[2]])
    assert isinstance(said[1], Failure)
    assert said[1].message == "the row has no prompt"
    assert [score(said[0]), score(said[2])] == pytest.approx(
        [score(s) for s in tier.predict([given[0], given[2]])], abs=1e-5
    )
    assert tier.predict([]) == []
    assert isinstance(tier.predict([Input("alone")])[0], Failure)


@BOTH
def test_the_prompt_matters(make: Make, tmp_path: Path, encoder: Path) -> None:
    tier = make(tmp_path, encoder)
    one, other = (Input("you feel sad", facts={"prompt": p}) for p in ("i am sad", "monday rain work"))
    assert score(tier.predict([one])[0]) != score(tier.predict([other])[0])


@BOTH
def test_eight_threads_at_once_equal_serial(make: Make, tmp_path: Path, encoder: Path) -> None:
    tier = make(tmp_path, encoder)
    given = [rows(4, seed=seed) for seed in range(8)]
    serial = [[score(said) for said in tier.predict(batch)] for batch in given]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda batch: [score(s) for s in tier.predict(batch)], given)) == serial


@BOTH
def test_it_is_refused_over_another_encoder(make: Make, tmp_path: Path, encoder: Path) -> None:
    other = tiny.save_encoder(tmp_path / "other", tiny.bert(seed=5))
    make(tmp_path / "tier", encoder)
    shared, artifact = SharedEncoder.open(str(other), max_length=40), open_artifact(tmp_path / "tier")

    def opened() -> Tier:
        if make is cross_scorer:
            return CrossScorerTier("primary", shared, artifact)
        return ReflectionFeatureTier("features", SentenceVectors(shared), artifact)

    with pytest.raises(HashMismatch, match=r"another one|this encoder has"):
        opened()


def test_the_adapter_is_used_where_there_is_one(tmp_path: Path, encoder: Path) -> None:
    shared = SharedEncoder.open(str(encoder), max_length=40)
    pairs = [("i am sad", "you feel sad"), ("cat and dog", "why not")]
    found = []
    for name, adapter in (("with", True), ("without", False)):
        save_cross_scorer(tmp_path / name, encoder, adapter=adapter)
        found.append(CrossScorerTier(name, shared, open_artifact(tmp_path / name)).classes(pairs))
    assert not np.allclose(*found)


def test_merging_the_adapter_changes_nothing(tmp_path: Path, encoder: Path) -> None:
    save_cross_scorer(tmp_path, encoder)
    pairs = [(row.facts["prompt"], row.text) for row in rows(5)]
    shared = SharedEncoder.open(str(encoder), max_length=40)
    plain = CrossScorerTier("primary", shared, open_artifact(tmp_path), merge=False).classes(pairs)
    merged = CrossScorerTier("primary", shared, open_artifact(tmp_path), merge=True).classes(pairs)
    np.testing.assert_allclose(plain, merged, atol=1e-4)


def test_a_long_pair_is_cut_not_refused(tmp_path: Path, encoder: Path) -> None:
    tier = cross_scorer(tmp_path, encoder)
    assert (
        0 <= score(tier.predict([Input("you feel sad " * 500, facts={"prompt": "i am sad " * 500})])[0]) <= 1
    )


def test_weights_that_are_not_finite_fail_the_row(tmp_path: Path, encoder: Path) -> None:
    save_cross_scorer(tmp_path, encoder, adapter=False)
    head = load_file(tmp_path / "head.safetensors")
    head["level_second.bias"][2] = float("nan")
    save_file(head, tmp_path / "head.safetensors")
    manifest = open_manifest(tmp_path)
    artifact = write_artifact(tmp_path, **manifest)
    said = CrossScorerTier("primary", SharedEncoder.open(str(encoder), max_length=40), artifact).predict(
        rows(2)
    )
    assert [s.kind for s in said if isinstance(s, Failure)] == ["bad_output", "bad_output"]


def open_manifest(folder: Path) -> dict[str, object]:
    """What `write_artifact` needs to write the folder's manifest again."""
    data = json.loads((folder / "manifest.json").read_text())
    return {key: data[key] for key in ("name", "kind", "task", "files", "base_model", "labels", "settings")}


def test_a_head_of_another_width_is_refused(tmp_path: Path, encoder: Path) -> None:
    save_cross_scorer(tmp_path, encoder, head_width=HIDDEN + 1)
    with pytest.raises(ShapeMismatch, match="the head has"):
        CrossScorerTier("primary", SharedEncoder.open(str(encoder)), open_artifact(tmp_path))


def test_other_labels_are_refused(tmp_path: Path, encoder: Path) -> None:
    save_cross_scorer(tmp_path, encoder, labels=("low", "high"))
    with pytest.raises(ArtifactError, match="has the labels low, high"):
        CrossScorerTier("primary", SharedEncoder.open(str(encoder)), open_artifact(tmp_path))


def test_features_of_another_version_are_refused(tmp_path: Path, encoder: Path) -> None:
    save_features(tmp_path, encoder)
    data = json.loads((tmp_path / "features.json").read_text())
    (tmp_path / "features.json").write_text(json.dumps({**data, "names": ["x", *data["names"][1:]]}))
    artifact = write_artifact(tmp_path, **open_manifest(tmp_path))
    with pytest.raises(ShapeMismatch, match="weighs other features"):
        ReflectionFeatureTier("features", SentenceVectors(SharedEncoder.open(str(encoder))), artifact)
