from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from mendgraph.adapters.adapter_tier import AdapterTier
from mendgraph.adapters.artifacts import Artifact, write_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactError, ShapeMismatch
from tests.tiny import LABELS, save_adapter, save_encoder, sentences

ROWS = [Input(text) for text in sentences(9)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def encoder(place: Path) -> SharedEncoder:
    return SharedEncoder.open(str(place), device="cpu", batch_size=4)


def numbers(outcomes: Any) -> torch.Tensor:
    assert all(isinstance(o, Prediction) for o in outcomes)
    return torch.tensor([[*o.scores.values(), *o.signals.values()] for o in outcomes])


def rewritten(
    artifact: Artifact, change: Callable[[dict[str, torch.Tensor]], Any], **fields: Any
) -> Artifact:
    """The artefact with its heads changed and hashed anew."""
    path = artifact.folder / "heads.safetensors"
    heads = load_file(path)
    change(heads)
    save_file(heads, path)
    kept = artifact.manifest.model_dump(exclude={"files", "format"}) | fields
    return write_artifact(artifact.folder, files=artifact.manifest.files, **kept)


@pytest.mark.parametrize("pooling", ["mean", "cls", "mean_max"])
def test_scores_are_the_heads_on_the_adapted_encoder(
    encoder: SharedEncoder, place: Path, tmp_path: Path, pooling: str
) -> None:
    artifact = save_adapter(tmp_path, place, signals=("irony", "heat"), pooling=pooling)
    tier = AdapterTier("primary", encoder, artifact)
    encoder.add_adapter(f"check {pooling}", artifact)
    states = encoder.encode([row.text for row in ROWS], f"check {pooling}", pooling)
    heads = load_file(tmp_path / "heads.safetensors")
    logits = {
        name: states @ heads[f"{name}.weight"].T + heads[f"{name}.bias"]
        for name in ("emotion", "heat", "irony")
    }
    outcomes = tier.predict(ROWS)

    expected = torch.cat(
        [logits["emotion"].softmax(-1), logits["heat"].sigmoid(), logits["irony"].sigmoid()], 1
    )
    assert torch.allclose(numbers(outcomes), expected, atol=1e-4)
    for outcome in outcomes:
        assert isinstance(outcome, Prediction)
        assert tuple(outcome.scores) == LABELS
        assert outcome.raw == max(outcome.scores.values()) == outcome.scores[outcome.label]
        assert list(outcome.signals) == ["heat", "irony"]
        assert outcome.confidence is None
        assert type(outcome.raw) is float


def test_it_is_a_tier_with_the_artefacts_fingerprint(
    encoder: SharedEncoder, place: Path, tmp_path: Path
) -> None:
    artifact = save_adapter(tmp_path, place)
    tier = AdapterTier("primary", encoder, artifact)
    assert isinstance(tier, Tier)
    assert tier.fingerprint == artifact.fingerprint
    assert tier.predict([]) == []


def test_merged_and_unmerged_agree_with_batches_of_one(
    encoder: SharedEncoder, place: Path, tmp_path: Path
) -> None:
    artifact = save_adapter(tmp_path, place)
    lean = numbers(AdapterTier("lean", encoder, artifact, merge=False).predict(ROWS))
    fast = AdapterTier("fast", encoder, artifact, merge=True)
    assert torch.allclose(numbers(fast.predict(ROWS)), lean, atol=1e-4)
    singles = [outcome for row in ROWS for outcome in fast.predict([row])]
    assert torch.allclose(numbers(singles), lean, atol=1e-4)


def test_two_tiers_of_one_name_from_other_weights_share_an_encoder(
    encoder: SharedEncoder, place: Path, tmp_path: Path
) -> None:
    tiers = [AdapterTier("primary", encoder, save_adapter(tmp_path / str(s), place, seed=s)) for s in (1, 2)]
    serial = [numbers(tier.predict(ROWS)) for tier in tiers]
    assert not torch.allclose(serial[0], serial[1], atol=1e-2)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: (n % 2, numbers(tiers[n % 2].predict(ROWS))), range(64)))
    assert all(torch.allclose(result, serial[which], atol=1e-5) for which, result in found)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("head", ["emotion", "irony"])
def test_rows_without_finite_numbers_fail_alone(
    encoder: SharedEncoder,
    place: Path,
    tmp_path: Path,
    bad: float,
    head: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def spoil(heads: dict[str, torch.Tensor]) -> None:
        heads[f"{head}.weight"][:] = torch.sign(heads[f"{head}.weight"])
        heads[f"{head}.bias"][0] = 0

    tier = AdapterTier("primary", encoder, rewritten(save_adapter(tmp_path, place), spoil))
    plain = SharedEncoder.encode

    def spoiled(self: SharedEncoder, *given: Any, **more: Any) -> torch.Tensor:
        states = plain(self, *given, **more)
        states[2, 0] = bad
        return states

    monkeypatch.setattr(SharedEncoder, "encode", spoiled)
    outcomes = tier.predict(ROWS)
    assert [isinstance(o, Failure) for o in outcomes] == [row == 2 for row in range(9)]
    failure = outcomes[2]
    assert isinstance(failure, Failure)
    assert failure.kind == "bad_output"
    assert "'primary' gave numbers that are not finite" in failure.message


@pytest.mark.parametrize(
    ("change", "story"),
    [
        (lambda heads: heads.pop("irony.bias"), r"missing \['irony\.bias'\]"),
        (lambda heads: heads.update({"irony.scale": torch.ones(1)}), r"unexpected \['irony\.scale'\]"),
        (
            lambda heads: [heads.pop("emotion.bias"), heads.pop("emotion.weight")],
            r"missing \['emotion\.bias', 'emo",
        ),
        (lambda heads: heads.update({"emotion.weight": torch.ones(3, 32)}), r"head 'emotion'.*\(3, 32\)"),
        (lambda heads: heads.update({"irony.weight": torch.ones(1, 16)}), r"head 'irony'.*\(1, 16\)"),
        (
            lambda heads: heads.update({"many.weight": torch.ones(28, 32), "many.bias": torch.ones(28)}),
            "'many'",
        ),
    ],
    ids=["no bias", "stray", "no main head", "labels", "width", "second many-way head"],
)
def test_heads_that_do_not_fit_are_refused(
    encoder: SharedEncoder, place: Path, tmp_path: Path, change: Any, story: str
) -> None:
    artifact = rewritten(save_adapter(tmp_path, place), change)
    with pytest.raises(ShapeMismatch, match=story):
        AdapterTier("primary", encoder, artifact)


def test_manifests_without_a_base_or_with_odd_labels_are_refused(
    encoder: SharedEncoder, place: Path, tmp_path: Path
) -> None:
    artifact = save_adapter(tmp_path, place)
    with pytest.raises(ArtifactError, match="which model it was trained on"):
        AdapterTier("primary", encoder, rewritten(artifact, lambda heads: None, base_model=None))
    with pytest.raises(ArtifactError, match="distinct labels"):
        AdapterTier(
            "primary", encoder, rewritten(artifact, lambda heads: None, labels=("joy", "joy", "a", "b"))
        )
