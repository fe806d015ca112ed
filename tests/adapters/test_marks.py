"""From characters to tokens and back, and the likeliest stretch of whole words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.adapters.marks import best_mark, marked
from mendgraph.adapters.tokens import Offsets

TEXT = "It cost 12.5 million euros."
#       0  3    8
OFFSETS: Offsets = [
    (0, 0), (0, 3), (0, 0), (0, 2), (3, 7), (8, 10), (10, 11), (11, 12), (13, 16), (16, 20), (21, 26), (26, 27), (0, 0),
]  # fmt: skip
TYPES = [0, 0, 0, *[1] * 10]


def chances(first: int, last: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    found = np.full((len(OFFSETS), 2), np.log(0.02))
    found[first, 0] = found[last, 1] = np.log(0.9)
    return found


@pytest.mark.parametrize(("start", "end"), [(8, 12), (8, 20), (0, 2), (21, 27)])
def test_there_and_back(start: int, end: int) -> None:
    first, last = marked(OFFSETS, TYPES, (start, end))
    mark = best_mark(chances(first, last), OFFSETS, TYPES, TEXT)
    assert mark is not None
    assert (mark.start, mark.end) == (start, end)
    assert mark.probability == pytest.approx(0.81)


def test_nothing_and_what_was_cut_off_have_no_place() -> None:
    assert marked(OFFSETS, TYPES, None) == (-1, -1)
    assert marked(OFFSETS[:8], TYPES[:8], (8, 20)) == (-1, -1)
    assert marked(OFFSETS, [0] * len(TYPES), (8, 20)) == (-1, -1)


def test_a_text_without_words_has_no_mark() -> None:
    assert best_mark(np.zeros((2, 2)), [(0, 0), (0, 0)], [0, 1], "") is None


@given(st.lists(st.floats(-30, 0), min_size=2 * len(OFFSETS), max_size=2 * len(OFFSETS)))
def test_a_mark_is_a_stretch_of_whole_words_with_a_probability(numbers: list[float]) -> None:
    mark = best_mark(np.array(numbers).reshape(-1, 2), OFFSETS, TYPES, TEXT)
    assert mark is not None
    assert 0.0 <= mark.probability <= 1.0
    before, after = TEXT[: mark.start][-1:], TEXT[mark.end :][:1]
    assert not (before.isalnum() and TEXT[mark.start].isalnum())
    assert not (after.isalnum() and TEXT[mark.end - 1].isalnum())
