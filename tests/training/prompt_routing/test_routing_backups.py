"""The router's backups and the policy over all tiers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mendgraph.adapters.artifacts import open_artifact
from mendgraph.adapters.policies import open_policy
from mendgraph.core.values import Failure
from mendgraph.errors import DataError
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.policy import fit_policy, train_policy
from tests.llms import MODELS, Rating, catalog
from tests.routers import save_blind, save_neighbours, table
from tests.tiny import save_encoder


def test_artefacts_name_their_llms_and_their_data(tmp_path: Path) -> None:
    save_neighbours(tmp_path / "neighbours", save_encoder(tmp_path / "encoder"))
    save_blind(tmp_path / "blind")
    for name in ("neighbours", "blind"):
        manifest = open_artifact(tmp_path / name).manifest
        assert manifest.labels == MODELS
        assert [(source.name, source.licence, source.rows) for source in manifest.data] == [
            ("llmrouter", "MIT", 60)
        ]
    strengths = json.loads((tmp_path / "blind/strengths.json").read_text())
    means = dict(zip(MODELS, table().scores.mean(0), strict=True))
    assert strengths == pytest.approx(means, abs=1e-4)


def test_the_policy_knows_how_often_each_tier_is_good_and_lets_the_last_one_settle(tmp_path: Path) -> None:
    known = table(400)
    tiers = {
        "router": Rating(catalog(), (0.9, 0.5, 0.1)),
        "blind": Rating(catalog(), (0.1, 0.5, 0.9), "blind"),
    }
    policy = train_policy(tiers, catalog(), known, tmp_path / "policy", tolerance=0.0)
    read = open_policy(str(tmp_path / "policy"), MODELS)
    assert read == policy
    assert policy.thresholds["blind"] == 0.0
    assert policy.fingerprints == {"router": "rating", "blind": "blind"}
    assert policy.target["tolerance"] == 0.0
    assert len(tiers["router"].rows) == 800
    sure = {name: c.confidence([[0.97, 0.02, 0.01]])[0] for name, c in policy.calibrators.items()}
    assert sure["router"] > sure["blind"]


def test_prompts_without_all_outcomes_teach_nothing(tmp_path: Path) -> None:
    whole = table(20)
    scores = whole.scores.copy()
    scores[:16, 0] = np.nan
    holes = Outcomes.of(whole.prompts, MODELS, scores, whole.groups)
    with pytest.raises(DataError, match="4 held-out prompts have an outcome of every configured LLM"):
        train_policy({"router": Rating(catalog(), (1, 0, 0))}, catalog(), holes, tmp_path)


def test_a_tier_that_cannot_answer_stops_the_fit(tmp_path: Path) -> None:
    class Mute:
        name = fingerprint = "mute"

        def predict(self, rows: list[object]) -> list[Failure]:
            return [Failure("down", "no voice")] * len(rows)

    with pytest.raises(DataError, match="'mute' cannot answer held-out rows: no voice"):
        train_policy({"mute": Mute()}, catalog(), table(30), tmp_path)  # type: ignore[dict-item]


def test_thresholds_send_on_only_where_another_tier_knows_better() -> None:
    noise = np.random.default_rng(0)
    hard = noise.random(2_000) < 0.5
    first = np.where(hard[:, None], [[0.5, 0.5]], [[0.99, 0.01]])
    later = np.where(hard[:, None], [[0.95, 0.05]], [[0.9, 0.1]])
    good = {"first": ~hard | (noise.random(2_000) < 0.3), "later": np.ones(2_000, dtype=bool)}
    policy = fit_policy(
        {"first": first, "later": later}, good, {"first": "a", "later": "b"}, ("x", "y"), tolerance=0
    )
    sure = policy.calibrators["first"].confidence([[0.99, 0.01], [0.5, 0.5]])
    assert sure[1] < policy.thresholds["first"] <= sure[0]
