"""The emoji tier: posteriors, unknown emoji, refused tables."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.adapters.emoji_tier import EmojiTier
from mendgraph.core.preprocess import prepare
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Prediction
from mendgraph.errors import ArtifactError, ArtifactMissing
from mendgraph.training.emotion.emoji_priors import PRIORS, fit_emoji_tier
from mendgraph.training.emotion.labels import LABELS

TEXTS = ["so good 😀"] * 40 + ["hm 😀"] * 10 + ["bad 😡"] * 3 + ["my zebra 🦓🦓"] * 31
TABLE = fit_emoji_tier(TEXTS, ["joy"] * 40 + ["neutral"] * 10 + ["anger"] * 3 + ["surprise"] * 31)


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "emoji.json"
    path.write_text(json.dumps({**TABLE, **changes}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tier(tmp_path_factory: pytest.TempPathFactory) -> EmojiTier:
    return EmojiTier(write(tmp_path_factory.mktemp("emoji")))


def one(tier: EmojiTier, text: str) -> Prediction | Failure:
    (outcome,) = tier.predict([prepare(text)])
    return outcome


def answer(tier: EmojiTier, text: str) -> Prediction:
    outcome = one(tier, text)
    assert isinstance(outcome, Prediction)
    return outcome


def test_it_is_a_tier_with_the_hash_of_its_file(tmp_path: Path) -> None:
    path = write(tmp_path)
    tier = EmojiTier(path)
    assert isinstance(tier, Tier)
    assert tier.fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_posterior_mean_is_counts_plus_pseudo_counts(tier: EmojiTier) -> None:
    strength = TABLE["prior_strength"]
    expected = (40 + strength * TABLE["priors"]["😀"]["joy"]) / (50 + strength)
    found = answer(tier, "😀!")
    assert found.label == "joy"
    assert math.isclose(found.raw, expected, abs_tol=1e-6)
    assert found.value == {"basis": "data", "examples": 50}


@given(st.lists(st.sampled_from(sorted(PRIORS)), min_size=1, max_size=60))
def test_scores_are_a_distribution_in_label_order(tier: EmojiTier, clusters: list[str]) -> None:
    found = answer(tier, " ".join(cluster + "\ufe0f" for cluster in clusters))
    assert tuple(found.scores) == LABELS
    assert math.isclose(math.fsum(found.scores.values()), 1.0, abs_tol=1e-9)
    assert found.raw == found.scores[found.label] == max(found.scores.values())


@given(st.sampled_from(sorted(PRIORS)), st.integers(2, 9))
def test_repeating_one_emoji_says_no_more_than_once(tier: EmojiTier, cluster: str, times: int) -> None:
    once, often = (answer(tier, " ".join([cluster + "\ufe0f"] * count)) for count in (1, times))
    assert math.isclose(once.raw, often.raw, abs_tol=1e-9)


def test_the_majority_wins_and_opposites_leave_doubt(tier: EmojiTier) -> None:
    assert answer(tier, "😡😡😢").label == "anger"
    assert answer(tier, "😢😡😢").label == "sadness"
    assert answer(tier, "😡😢").raw < 0.5


def test_skin_tone_and_selector_change_nothing(tier: EmojiTier) -> None:
    assert answer(tier, "👍🏿") == answer(tier, "👍")
    assert answer(tier, "❤️") == answer(tier, "❤")


def test_enough_data_needs_no_prior_and_a_name_may_speak(tier: EmojiTier) -> None:
    assert "🦓" not in PRIORS
    assert answer(tier, "🦓").label == "surprise"
    assert "🫀" not in PRIORS  # anatomical heart
    assert answer(tier, "🫀").label == "love"
    assert answer(tier, "🫀").value == {"basis": "prior", "examples": 0}


def test_an_unknown_emoji_is_a_failure_but_does_not_spoil_a_known_one(tier: EmojiTier) -> None:
    failure = one(tier, "🧾")
    assert failure == Failure("tier", "no emotion known for 🧾", "add a word or two")
    assert answer(tier, "🧾😡").label == "anger"


def test_a_row_with_words_is_a_failure(tier: EmojiTier) -> None:
    failure = one(tier, "good 😀")
    assert isinstance(failure, Failure)
    assert failure.message == "the text is not only emoji"


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing, match=r"nowhere\.json"):
        EmojiTier(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["joy"]}, "outside joy"),
        ({"labels": ["joy", "joy"], "priors": {}, "counts": {}}, "two or more different labels"),
        ({"prior_strength": 0}, "prior_strength must be a positive number, got 0"),
        ({"priors": {"😀": {"joy": 1.0}}}, "the prior of 😀 must be positive"),
        ({"priors": {"😀": dict.fromkeys(LABELS, 0.5)}}, "sum to 1, got 4.000"),
        ({"counts": {"😀": {"joy": -1}}}, "the counts of 😀"),
        ({"counts": {"😀": {"glee": 1}}}, "label 'glee' is outside"),
        ({"counts": [1]}, "malformed"),
        ({"min_examples": None}, "malformed"),
    ],
)
def test_a_malformed_table_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArtifactError, match=message):
        EmojiTier(write(tmp_path, **changes))


def test_a_table_that_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "emoji.json"
    path.write_bytes(b"\xff{")
    with pytest.raises(ArtifactError, match="malformed"):
        EmojiTier(path)
