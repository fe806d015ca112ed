"""Self-consistency counts answers by what they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.voting import vote
from mendgraph.errors import DataError


def test_ways_to_write_one_value_vote_together() -> None:
    found = vote(["16 July 1950", "July 16, 1950", "1951", "1950-07-16", "1951"], [-3, -1, -0.1, -2, -0.2])
    assert found.answer == "July 16, 1950"
    assert found.share == 0.6
    assert found.counts == (("July 16, 1950", 3), ("1951", 2))


def test_a_tie_goes_to_the_more_probable() -> None:
    assert vote(["blue", "red"], [-2.0, -1.0]).answer == "red"
    assert vote(["blue", "red"], [-1.0, -1.0]).answer == "blue"


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.floats(-9, 0)), min_size=1, max_size=12))
def test_the_winner_is_said_and_no_other_is_said_more(samples: list[tuple[str, float]]) -> None:
    answers, logs = [text for text, _ in samples], [log for _, log in samples]
    found = vote(answers, logs)
    assert answers.count(found.answer) == max(map(answers.count, answers))
    assert found.share == answers.count(found.answer) / len(answers)
    assert sum(count for _, count in found.counts) == len(answers)


def test_nothing_to_count_is_refused() -> None:
    with pytest.raises(DataError, match="got 0 and 0"):
        vote([], [])
    with pytest.raises(DataError, match="got 1 and 0"):
        vote(["a"], [])
