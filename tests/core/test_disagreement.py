"""Values heard one by one: whether they disagree, and on what level."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.disagreement import disagreement, level_between
from mendgraph.errors import DataError

VALUES = st.sampled_from(
    ["1958", "14 February 1971", "918 ft", "300 m", "yes", "no", "Chile", "Mongolia", None]
)
HEARD = st.lists(st.tuples(VALUES, st.floats(0.0, 1.0)), min_size=0, max_size=7)


@given(HEARD)
def test_it_is_a_probability_that_no_order_changes(heard: list[tuple[str | None, float]]) -> None:
    def of(rows: list[tuple[str | None, float]]) -> float:
        return disagreement([value for value, _ in rows], [sure for _, sure in rows])

    assert 0.0 <= of(heard) <= 1.0
    assert of(heard) == of(heard[::-1])


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6))
def test_one_value_in_many_wordings_is_less_than_even(probabilities: list[float]) -> None:
    wordings = ["14 February 1971", "1971-02-14", "the 14th of February 1971"]
    values = [wordings[place % 3] for place in range(len(probabilities))]
    assert disagreement(values, probabilities) <= 0.5


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_surer_both_sides_the_likelier(first: float, second: float) -> None:
    assert disagreement(["918 ft", "300 m"], [first, second]) == max(0.5, first * second)
    assert disagreement(["918 ft", "300 m", None], [first, second, 0.3]) >= 0.5


@pytest.mark.parametrize("values", [[], ["1958"], [None]])
def test_a_document_alone_contradicts_nothing(values: list[str | None]) -> None:
    assert disagreement(values, [0.5] * len(values)) == 0.0


@pytest.mark.parametrize(
    ("values", "level"),
    [
        (["1958", "October 1959"], "temporal"),
        (["918 ft", "about 300 m", "186.5 metres"], "numerical"),
        (["yes", "no"], "semantic"),
        (["the state of Chile", "Mongolia"], "entity"),
        (["Dr Kamquist", "Anton Berg", "1958"], "entity"),
    ],
)
def test_values_tell_their_level(values: list[str], level: str) -> None:
    assert level_between(values, {}) == level


def test_names_may_differ_because_times_do() -> None:
    names = ["Anna Berg", "Olof Lund"]
    assert level_between(names, {"temporal": 0.6, "entity": 0.1, "numerical": 0.3}) == "temporal"
    assert level_between(names, {"temporal": 0.2, "entity": 0.2, "numerical": 0.6}) == "entity"


def test_nothing_has_no_level() -> None:
    with pytest.raises(DataError, match="no values"):
        level_between([], {})
    with pytest.raises(DataError, match="2 values with 1"):
        disagreement(["a", "b"], [1.0])
