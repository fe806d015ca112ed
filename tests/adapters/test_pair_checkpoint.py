"""A published checkpoint as a tier: its score is kept, its levels add up to it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError, RemoteEntryNotFoundError, RevisionNotFoundError
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from mendgraph.adapters import hub
from mendgraph.adapters.kinds import Workshop, build_tier
from mendgraph.adapters.pair_checkpoint import PairCheckpointTier, nearest_levels
from mendgraph.config import load_config
from mendgraph.core.ordinal import OrdinalModel
from mendgraph.core.reflection import LABELS, expected_score, prepare_pair
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactMissing, ConfigError, HubUnavailable, ShapeMismatch
from tests.scorers import SCORER_LAYOUTS, save_roberta, save_scorer, scorer, scorer_state, some_pairs

PAIRS = some_pairs(12)
ROWS = [prepare_pair(pair) for pair in PAIRS]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_roberta(tmp_path_factory.mktemp("roberta"))


def tier(path: Path, encoder: Path, **options: object) -> PairCheckpointTier:
    return PairCheckpointTier("pair", path, str(encoder), device="cpu", **options)  # type: ignore[arg-type]


def valued(found: object) -> Prediction:
    assert isinstance(found, Prediction)
    return found


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20))
def test_levels_share_out_the_score_between_the_nearest_two(scores: list[float]) -> None:
    found = nearest_levels(np.array(scores))
    assert found.min() >= 0.0
    assert found.sum(axis=1) == pytest.approx(1.0)
    worth = [expected_score(dict(zip(LABELS, row, strict=True))) for row in found.tolist()]
    assert worth == pytest.approx(scores, abs=1e-12)
    assert (found[:, [0, 2]].min(axis=1) == 0.0).all()


@pytest.mark.parametrize(
    ("score", "level"), [(0.1, "none"), (0.3, "simple"), (0.7, "simple"), (0.8, "complex")]
)
def test_the_nearest_level_is_the_likeliest(score: float, level: str) -> None:
    assert LABELS[int(nearest_levels(np.array([score])).argmax())] == level


@pytest.mark.parametrize("layout", SCORER_LAYOUTS)
def test_it_says_what_the_model_says(encoder: Path, layout: str, tmp_path: Path) -> None:
    opened = tier(save_scorer(tmp_path / "w.safetensors", encoder, layout), encoder)
    assert isinstance(opened, Tier)
    model = scorer(encoder, layout)
    for row, said in zip(ROWS, map(valued, opened.predict(ROWS)), strict=True):
        score = model.score_pair(row.facts["prompt"], row.text)
        assert said.value["score"] == pytest.approx(score, abs=1e-5)
        assert said.value["level"] == said.label == max(said.scores, key=said.scores.__getitem__)
        assert tuple(said.scores) == LABELS
        assert expected_score(said.scores) == pytest.approx(said.value["score"], abs=1e-9)
        assert said.raw == max(said.scores.values())
    assert json.dumps([valued(said).to_dict() for said in opened.predict(ROWS)])
    assert opened.predict([]) == []


def test_fitted_levels_take_the_place_of_the_nearest(encoder: Path, tmp_path: Path) -> None:
    path = save_scorer(tmp_path / "w.safetensors", encoder)
    levels = OrdinalModel(0.8, (-1.0, 2.0))
    plain, fitted = tier(path, encoder), tier(path, encoder, levels=levels.to_dict())
    assert plain.fingerprint != fitted.fingerprint
    for one, other in zip(plain.predict(ROWS), fitted.predict(ROWS), strict=True):
        score = valued(one).value["score"]
        assert valued(other).value["score"] == score
        if 1e-6 < score < 1 - 1e-6:
            expected = levels.probabilities([np.log(score / (1 - score))])[0]
            assert list(valued(other).scores.values()) == pytest.approx(expected.tolist(), abs=1e-6)


def test_rows_without_a_prompt_fail_alone(encoder: Path, tmp_path: Path) -> None:
    opened = tier(save_scorer(tmp_path / "w.safetensors", encoder), encoder)
    found = opened.predict([ROWS[0], Input("so happy"), ROWS[1]])
    assert isinstance(found[1], Failure)
    assert found[1].kind == "input"
    assert valued(found[0]).value["score"] == pytest.approx(
        valued(opened.predict(ROWS[:1])[0]).value["score"], abs=1e-5
    )
    assert valued(found[2])
    assert isinstance(opened.predict([Input("alone")])[0], Failure)


def test_numbers_that_are_not_finite_are_failures(encoder: Path, tmp_path: Path) -> None:
    state = scorer_state(encoder)
    state["l2.bias"] = torch.tensor([float("inf")])
    save_file(state, tmp_path / "w.safetensors")
    for said in tier(tmp_path / "w.safetensors", encoder).predict(ROWS[:2]):
        assert isinstance(said, Failure)
        assert said.kind == "bad_output"


def test_the_head_is_configured(encoder: Path, tmp_path: Path) -> None:
    path = save_scorer(tmp_path / "w.safetensors", encoder)
    assert tier(path, encoder, head={"activation": "relu"}).fingerprint != tier(path, encoder).fingerprint
    with pytest.raises(ShapeMismatch, match=r"\(512, 32\) for \(64, 32\)"):
        tier(path, encoder, head={"width": 64})
    with pytest.raises(ConfigError, match=r"head: unknown .*'depth'"):
        tier(path, encoder, head={"depth": 3})


def built(arguments: dict[str, object]) -> Tier:
    spec = load_config(None, ["emotion.device=cpu"]).emotion
    return build_tier("pair", "pair_checkpoint", arguments, Workshop(spec, LABELS))


def test_the_configuration_names_a_path_or_a_file_on_the_hub(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_scorer(tmp_path / "w.safetensors", encoder)
    asked: list[tuple[object, ...]] = []

    def download(repo: str, file: str, *, cache_dir: object = None, local_files_only: bool = False) -> str:
        asked.append((repo, file, cache_dir, local_files_only))
        return str(path)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    local = built({"path": str(path), "encoder": str(encoder)})
    fetched = built(
        {"repo": "Khriis/PAIR", "file": "in/w.pt", "cache": str(tmp_path), "encoder": str(encoder)}
    )
    assert asked == [("Khriis/PAIR", "in/w.pt", str(tmp_path), True)]
    assert local.fingerprint == fetched.fingerprint
    for wrong in ({}, {"path": "x", "repo": "a/b", "file": "c"}, {"repo": "a/b"}, {"path": "x", "file": "c"}):
        with pytest.raises(ConfigError, match="expected either path, or repo and file"):
            built({**wrong, "encoder": str(encoder)})
    with pytest.raises(ArtifactMissing, match="no checkpoint"):
        built({"path": str(tmp_path / "gone.pt"), "encoder": str(encoder)})


def test_a_file_that_is_not_cached_is_refused_at_once_when_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(hub, "_reachable", lambda url: asked.append(url) is not None)
    address = "hf://Khriis/PAIR/reflection_scorer_weight.pt"
    with pytest.raises(HubUnavailable, match=r"PAIR.*not in the local cache and the hub cannot") as caught:
        hub.locate_file(address, cache=tmp_path)
    assert "give the path of a local copy" in caught.value.hint
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnavailable, match="HF_HUB_OFFLINE is set"):
        hub.locate_file(address, cache=tmp_path)
    assert len(asked) == 1


@pytest.mark.parametrize("kind", [RemoteEntryNotFoundError, RevisionNotFoundError])
def test_a_file_that_the_repository_lacks_is_no_matter_of_the_network(
    kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(*_: object, local_files_only: bool = False, **__: object) -> str:
        raise LocalEntryNotFoundError("not cached") if local_files_only else kind.__new__(kind)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    monkeypatch.setattr(hub, "_reachable", lambda url: True)
    with pytest.raises(ArtifactMissing, match=r"cannot fetch 'hf://a/b/c\.pt'") as caught:
        hub.locate_file("hf://a/b/c.pt", cache=tmp_path)
    assert "check the file's name" in caught.value.hint


def test_addresses_and_paths(tmp_path: Path) -> None:
    assert hub.locate_file(tmp_path / "w.pt") == tmp_path / "w.pt"
    assert hub.locate_file("~/w.pt") == Path.home() / "w.pt"
    for short in ("hf://", "hf://Khriis", "hf://Khriis/PAIR", "hf://Khriis/PAIR/"):
        with pytest.raises(ArtifactMissing, match="names no file on the hub") as caught:
            hub.locate_file(short)
        assert "hf://owner/name/file" in caught.value.hint
