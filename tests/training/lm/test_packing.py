"""Packing loses no token, and mixtures keep their shares."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.errors import DataError
from mendgraph.training.lm.packing import IGNORED, Mixture, Ring, windows


def stream(length: int, first: int = 0) -> np.ndarray:
    return np.arange(first, first + length, dtype=np.uint16)


@given(st.integers(2, 300), st.integers(1, 40))
def test_windows_predict_every_token_once_from_the_one_before(length: int, context: int) -> None:
    packed = windows(stream(length), context)
    kept = packed.targets != IGNORED
    assert packed.targets[kept].tolist() == list(range(1, length))
    assert (packed.targets[kept] - packed.inputs[kept] == 1).all()


@given(st.integers(40, 300), st.integers(1, 38), st.integers(0, 5))
def test_a_pass_has_every_token_as_a_target(length: int, context: int, turn: int) -> None:
    ring = Ring(stream(length), context, (0,))
    positions = np.arange(turn * ring.count, (turn + 1) * ring.count)
    rows = ring.read(ring.starts(positions))
    seen = Counter(rows[:, 1:].ravel().tolist())
    assert set(seen) == set(range(1, length))
    assert sum(seen.values()) - len(seen) < context
    follows = rows[:, 1:] - rows[:, :-1]
    assert set(follows.ravel().tolist()) <= {1, 2 - length}  # the next token, or round the ring


@given(st.integers(1, 50))
def test_every_takes_windows_of_the_whole(count: int) -> None:
    packed = windows(stream(500), 10)
    few = packed.every(count)
    assert len(few.inputs) == count
    assert few.inputs[0].tolist() == packed.inputs[0].tolist()


@pytest.fixture
def mixture() -> Mixture:
    streams = {"a": stream(500), "b": stream(700, 1000), "c": stream(90, 2000)}
    return Mixture(streams, {"a": 3, "b": 1, "c": 0}, context=8, rows=5000, seed=1)


def test_mixture_keeps_its_shares(mixture: Mixture) -> None:
    rows = mixture.__getitems__(list(range(1000)))
    assert rows.shape == (1000, 9)
    assert (rows[:, 0] < 1000).sum() == 750
    assert (rows[:, 0] >= 2000).sum() == 0


def test_mixture_reads_every_token_of_a_domain_before_it_repeats(mixture: Mixture) -> None:
    rows = mixture.__getitems__(list(range(1000)))
    mine = rows[rows[:, 0] >= 1000]
    assert set(mine[:88, 1:].ravel().tolist()) == set(range(1001, 1700))
    assert mixture.passes(1000) == [750 / 63, 250 / 88]


def test_row_does_not_depend_on_the_batch(mixture: Mixture) -> None:
    batch = mixture.__getitems__([4999, 0, 17])
    assert batch[0].tolist() == mixture[4999].tolist()
    assert batch[2].tolist() == mixture[17].tolist()


def test_short_stream_is_refused() -> None:
    with pytest.raises(DataError, match="too few for windows of 64"):
        Ring(stream(20), 64, (0,))
