from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mendgraph.training.emotion.collate import CHUNK_BATCHES, Collate, Encoded, LengthBuckets
from mendgraph.training.emotion.corpus import Row

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=300)


@given(LENGTHS, st.integers(1, 16), st.integers(0, 5))
def test_an_epoch_holds_every_row_once(lengths: list[int], size: int, epoch: int) -> None:
    sampler = LengthBuckets(lengths, size, seed=1)
    sampler.set_epoch(epoch)
    assert sorted(sampler) == list(range(len(lengths)))


@given(LENGTHS, st.integers(1, 16))
def test_the_order_depends_on_seed_and_epoch_only(lengths: list[int], size: int) -> None:
    first, second = LengthBuckets(lengths, size, seed=3), LengthBuckets(lengths, size, seed=3)
    list(second)
    for sampler in (first, second):
        sampler.set_epoch(4)
    assert list(first) == list(second)


def test_epochs_and_seeds_differ() -> None:
    lengths = [1 + n % 40 for n in range(500)]
    orders = []
    for seed, epoch in ((0, 0), (0, 1), (1, 0)):
        sampler = LengthBuckets(lengths, 8, seed)
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    assert orders[0] != orders[1]
    assert orders[0] != orders[2]


def test_batches_hold_rows_of_similar_length_in_no_order_of_length() -> None:
    lengths = [1 + (n * 37) % 100 for n in range(8 * CHUNK_BATCHES)]
    order = list(LengthBuckets(lengths, 8, seed=0))
    batches = [[lengths[row] for row in order[at : at + 8]] for at in range(0, len(order), 8)]
    assert max(max(batch) - min(batch) for batch in batches) <= 4
    means = [sum(batch) / 8 for batch in batches]
    assert means != sorted(means)
    assert means != sorted(means, reverse=True)


def test_collate_pads_and_marks_what_is_unknown() -> None:
    rows = [Row("a", emotion=2, fine=(0, 27)), Row("b", irony=1)]
    data = Encoded(rows, [[5, 6, 7], [8]])
    batch = Collate(pad_id=9)([data[0], data[1]])
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 9, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["emotion"].tolist() == [2, -1]
    assert batch["irony"].tolist() == [-1, 1]
    assert batch["has_fine"].tolist() == [1.0, 0.0]
    assert batch["fine"].nonzero().tolist() == [[0, 0], [0, 27]]


def test_by_length_keeps_rows_with_their_tokens() -> None:
    data = Encoded([Row("a"), Row("b"), Row("c")], [[1], [2, 2, 2], [3, 3]]).by_length()
    assert [(row.text, ids) for row, ids in zip(data.rows, data.ids, strict=True)] == [
        ("b", [2, 2, 2]),
        ("c", [3, 3]),
        ("a", [1]),
    ]
