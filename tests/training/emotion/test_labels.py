"""The maps from 28 labels to eight."""

from __future__ import annotations

import pytest

from mendgraph.training.emotion.labels import BROAD, GOEMOTIONS, LABELS, STRICT, to_label8


def test_the_maps_cover_what_they_say() -> None:
    assert set(BROAD) == set(GOEMOTIONS)
    assert set(STRICT) < set(BROAD)
    assert set(STRICT.values()) == set(BROAD.values()) == set(LABELS)
    assert len(GOEMOTIONS) == 28


def test_the_strict_map_agrees_with_the_broad_one_where_both_speak() -> None:
    assert all(BROAD[fine] == label for fine, label in STRICT.items())


@pytest.mark.parametrize(
    ("fine", "strict", "broad"),
    [
        (("joy", "amusement"), "joy", "joy"),
        (("joy", "gratitude"), None, "joy"),
        (("joy", "anger"), None, None),
        (("caring",), None, "love"),
        (("neutral",), "neutral", "neutral"),
        (("curiosity", "surprise"), None, "surprise"),
    ],
)
def test_examples(fine: tuple[str, ...], strict: str | None, broad: str | None) -> None:
    assert to_label8(fine, STRICT) == strict
    assert to_label8(fine, BROAD) == broad
