"""Authored emoji priors and the artefact made from them."""

from __future__ import annotations

import math

import pytest

from mendgraph.core import emojis
from mendgraph.errors import DataError
from mendgraph.training.emotion.emoji_priors import PRIORS, fit_emoji_tier
from mendgraph.training.emotion.labels import LABELS


def test_every_prior_is_a_modest_belief_about_a_real_emoji() -> None:
    assert len(PRIORS) >= 150
    for cluster, row in PRIORS.items():
        assert emojis.canonical(cluster) == cluster
        assert emojis.name(cluster)
        assert set(row) <= set(LABELS)
        assert 0.3 <= max(row.values()) <= 0.9
        assert math.fsum(row.values()) < 1


def test_counts_are_rows_per_canonical_emoji() -> None:
    table = fit_emoji_tier(["👍🏽👍 nice", "👍", "❤️ you", "none"], ["joy", "neutral", "love", "fear"])
    assert table["counts"] == {"❤": {"love": 1}, "👍": {"joy": 1, "neutral": 1}}
    for row in table["priors"].values():
        assert tuple(row) == LABELS
        assert math.isclose(math.fsum(row.values()), 1.0, abs_tol=1e-4)


def test_wrong_input_is_refused() -> None:
    with pytest.raises(DataError, match="2 texts but 1 labels"):
        fit_emoji_tier(["a", "b"], ["joy"])
    with pytest.raises(DataError, match="outside the label space: 'glee'"):
        fit_emoji_tier(["a"], ["glee"])
