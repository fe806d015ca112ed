from __future__ import annotations

import gc
import weakref
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.errors import OutOfMemory
from mendgraph.runtime.notes import collecting
from mendgraph.runtime.working_size import PATIENCE, WorkingSize, in_pieces


class Device:
    """Holds `room` items at once, and remembers what it was given."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.tried: list[int] = []
        self.done: list[int] = []

    def __call__(self, start: int, stop: int) -> list[int]:
        self.tried.append(stop - start)
        if stop - start > self.room:
            raise OutOfMemory("full")
        self.done.extend(range(start, stop))
        return list(range(start, stop))


@given(
    st.lists(st.tuples(st.integers(0, 80), st.integers(1, 40)), min_size=1, max_size=12),
    st.one_of(st.none(), st.integers(1, 50)),
)
def test_order_is_kept_every_item_is_answered_once_and_no_piece_exceeds_the_limit(
    runs: list[tuple[int, int]], limit: int | None
) -> None:
    working = WorkingSize(limit)
    for count, room in runs:  # other programs take and give back memory in between
        device = Device(room)
        parts = in_pieces(count, device, working)
        assert [item for part in parts for item in part] == device.done == list(range(count))
        assert all(tried <= (limit or count) for tried in device.tried)
        assert limit is None or (working.size is not None and working.size <= limit)


def test_the_size_is_halved_remembered_and_noted() -> None:
    working, device = WorkingSize(), Device(20)
    with collecting() as notes:
        in_pieces(64, device, working)
    assert device.tried == [64, 32, 16, 16, 16, 16]
    assert notes == ["out of memory at 64 rows; answered in pieces of 16"]
    with collecting() as notes:
        in_pieces(64, device, working)
    assert device.tried[6:] == [16, 16, 16, 16]
    assert notes == []


def test_it_grows_back_to_the_limit_and_no_further() -> None:
    working = WorkingSize(32)
    in_pieces(32, Device(8), working)
    assert working.size == 8
    roomy, sizes = Device(1000), []
    for _ in range(40):
        in_pieces(64, roomy, working)
        sizes.append(working.size)
    assert sizes == sorted(sizes)
    assert sizes[-1] == max(roomy.tried) == 32


def test_growth_is_slow_and_slower_after_it_failed() -> None:
    working, device = WorkingSize(32), Device(8)
    in_pieces(32, device, working)
    device.tried.clear()
    for _ in range(400):
        in_pieces(8, device, working)  # rows in pieces that fit: the size may grow above them
    in_pieces(400 * 8, device, working)
    too_large = [n for n, tried in enumerate(device.tried) if tried > 8]
    gaps = [later - earlier for earlier, later in pairwise(too_large)]
    assert too_large
    assert all(gap > PATIENCE for gap in gaps)
    assert gaps[-1] > gaps[0]


def test_small_batches_do_not_show_that_larger_ones_fit() -> None:
    working = WorkingSize(32)
    in_pieces(32, Device(8), working)
    for _ in range(100):
        in_pieces(1, Device(8), working)
    assert working.size == 8


def test_one_item_that_does_not_fit_says_so() -> None:
    with pytest.raises(OutOfMemory, match="full"):
        in_pieces(4, Device(0), WorkingSize())


def test_what_the_failed_piece_held_is_given_back_before_the_next_try() -> None:
    class Batch:
        pass

    alive: list[weakref.ref[Batch]] = []
    released: list[bool] = []

    def run(start: int, stop: int) -> int:
        batch = Batch()
        alive.append(weakref.ref(batch))
        if stop - start > 2:
            try:
                raise RuntimeError("the device's own words")
            except RuntimeError as error:
                ours = OutOfMemory("full")
                raise ours from error  # `ours` and its traceback refer to each other
        return stop

    gc.disable()
    try:
        in_pieces(4, run, WorkingSize(), lambda: released.append(alive[-1]() is None))
    finally:
        gc.enable()
    assert released == [True]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="limit must be >= 1"):
        WorkingSize(limit)
