from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.adapters.batching import buckets

lengths = st.lists(st.integers(1, 300), max_size=80)


@given(lengths, st.integers(1, 40), st.integers(1, 2000))
def test_a_partition_within_bounds(sizes: list[int], max_rows: int, max_tokens: int) -> None:
    found = buckets(sizes, max_rows, max_tokens)
    assert sorted(row for bucket in found for row in bucket) == list(range(len(sizes)))
    for bucket in found:
        longest = max(sizes[row] for row in bucket)
        assert 1 <= len(bucket) <= max_rows
        assert len(bucket) == 1 or len(bucket) * longest <= max_tokens


@given(lengths, st.integers(1, 40), st.integers(1, 2000))
def test_lengths_never_grow_so_that_padding_is_least(
    sizes: list[int], max_rows: int, max_tokens: int
) -> None:
    flat = [sizes[row] for bucket in buckets(sizes, max_rows, max_tokens) for row in bucket]
    assert flat == sorted(sizes, reverse=True)


@given(lengths)
def test_one_token_budget_for_all_makes_one_bucket(sizes: list[int]) -> None:
    assert len(buckets(sizes, 80, 80 * 300)) == bool(sizes)


def test_equal_lengths_keep_their_order() -> None:
    assert buckets([4, 9, 4, 9, 4], 2, 100) == [[1, 3], [0, 2], [4]]


@pytest.mark.parametrize(("rows", "tokens"), [(0, 5), (5, 0)])
def test_bounds_must_be_positive(rows: int, tokens: int) -> None:
    with pytest.raises(ValueError, match=f"got {rows} and {tokens}"):
        buckets([1], rows, tokens)
