"""The trail says which pairs were longer than what a model reads."""

from __future__ import annotations

import pytest

from mendgraph.adapters.artifacts import open_artifact
from mendgraph.adapters.cross_scorer import CrossScorerTier
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.core.values import Input
from mendgraph.runtime.notes import collecting
from tests.levels import save_cross_scorer
from tests.tiny import save_encoder


@pytest.fixture(scope="module")
def tier(tmp_path_factory: pytest.TempPathFactory) -> CrossScorerTier:
    root = tmp_path_factory.mktemp("notes")
    encoder = save_encoder(root / "encoder")
    save_cross_scorer(root / "primary", encoder)
    shared = SharedEncoder.open(str(encoder), max_length=48)
    return CrossScorerTier("primary", shared, open_artifact(root / "primary"))


def notes(tier: CrossScorerTier, *pairs: tuple[str, str]) -> list[str]:
    with collecting() as found:
        tier.predict([Input(response, facts={"prompt": prompt}) for prompt, response in pairs])
    return list(found)


def test_pairs_that_fit_say_nothing(tier: CrossScorerTier) -> None:
    assert notes(tier, ("so sad", "so happy")) == []
    exact = ("happy " * 30, "sad " * 7)  # with three special tokens 40, which is what is read
    assert notes(tier, exact) == []


def test_a_cut_pair_is_told_with_its_length(tier: CrossScorerTier) -> None:
    [said] = notes(tier, ("so sad", "happy " * 500))
    assert said == (
        "the pair was longer than the 40 tokens that are read (505): the longer turn lost its end"
    )


def test_of_many_pairs_the_cut_ones_are_counted(tier: CrossScorerTier) -> None:
    [said] = notes(tier, ("so sad", "happy " * 500), ("happy " * 90, "sad"), ("so", "sad"))
    assert said.startswith("2 of 3 pairs were longer than the 40 tokens that are read (up to 505)")
