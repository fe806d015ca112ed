"""What a storm sends where no input is given."""

from __future__ import annotations

import pytest

from mendgraph.assembly import BUILDS
from mendgraph.chaos.run import distinct, rows_for
from mendgraph.errors import DataError


@pytest.mark.parametrize("graph", BUILDS)
def test_every_graph_has_rows_that_it_can_read_and_tell_apart(graph: str) -> None:
    rows = rows_for(graph)
    assert distinct(rows, BUILDS[graph].prepare) == rows


def test_two_distinct_rows_are_needed() -> None:
    with pytest.raises(DataError, match="1 distinct texts"):
        distinct(["a", " a "], BUILDS["emotion"].prepare)
