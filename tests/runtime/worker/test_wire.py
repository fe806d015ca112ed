from __future__ import annotations

import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph import errors
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import BadOutput, MendError, OutOfMemory, UnknownNameError
from mendgraph.runtime.worker.frames import Incoming, pack
from mendgraph.runtime.worker.wire import (
    error_from_wire,
    error_to_wire,
    outcomes_from_wire,
    outcomes_to_wire,
    rows_from_wire,
    rows_to_wire,
)
from tests.runtime.worker.moody import Strange
from tests.runtime.worker.test_frames import JSON, TEXT, exact

INPUTS = st.builds(Input, TEXT, TEXT, st.dictionaries(TEXT, JSON, max_size=3))
NUMBERS = st.dictionaries(TEXT, st.floats(), max_size=4)
PREDICTIONS = st.builds(Prediction, TEXT, NUMBERS, st.floats(), st.none() | st.floats(), NUMBERS, JSON)
OUTCOMES = st.lists(PREDICTIONS | st.builds(Failure, TEXT, TEXT, TEXT, st.booleans()), max_size=4)
KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind is not UnknownNameError]


def through(data: Any) -> Any:
    message = Incoming().feed(pack({"data": data}))
    assert message is not None
    return message["data"]


@given(st.lists(INPUTS, max_size=4))
def test_rows_come_back_as_they_were(rows: list[Input]) -> None:
    found = rows_from_wire(through(rows_to_wire(rows)))
    assert exact([row.to_dict() for row in found]) == exact([row.to_dict() for row in rows])


@given(OUTCOMES)
def test_outcomes_come_back_bit_for_bit(outcomes: list[Prediction | Failure]) -> None:
    found = outcomes_from_wire(through(outcomes_to_wire(outcomes)), len(outcomes))
    assert [type(one) for one in found] == [type(one) for one in outcomes]
    assert exact([one.to_dict() for one in found]) == exact([one.to_dict() for one in outcomes])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, MendError)])
def test_every_error_becomes_the_same_again(kind: type[MendError]) -> None:
    found = error_from_wire(through(error_to_wire(kind("what \ud800", hint="way out"))))
    assert type(found) is kind
    assert (found.message, found.hint) == ("what \ud800", "way out")


def test_an_unknown_error_becomes_its_nearest_known_relative() -> None:
    found = error_from_wire(through(error_to_wire(Strange("odd"))))
    assert type(found) is OutOfMemory
    assert found.message == "odd"
    assert type(error_from_wire(error_to_wire(UnknownNameError("tier", "x", ["y"])))) is MendError


@pytest.mark.parametrize("data", [None, 3, [1], [["prediction"]], [["guess", "joy"]], [["failure", "a"]], []])
def test_what_are_no_outcomes_is_bad_output(data: Any) -> None:
    with pytest.raises(BadOutput):
        outcomes_from_wire(data, 1)


@pytest.mark.parametrize(
    "data", [None, {}, {"kinds": []}, {"kinds": ["nonsense"], "message": "a", "hint": ""}]
)
def test_what_is_no_error_is_bad_output(data: Any) -> None:
    with pytest.raises(BadOutput, match="cannot be read"):
        error_from_wire(data)
