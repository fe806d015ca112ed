from __future__ import annotations

import struct
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.errors import BadOutput, OutOfMemory
from mendgraph.runtime.worker.frames import LIMIT, Incoming, pack

SURROGATES = st.characters(categories=["Cs"])
TEXT = st.text(st.one_of(st.characters(), SURROGATES, st.just("\0")))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
MESSAGES = st.dictionaries(TEXT, JSON, max_size=5)


def exact(value: Any) -> Any:
    """Comparable bit for bit; one NaN is as good as another."""
    if isinstance(value, float):
        return "nan" if value != value else struct.pack("<d", value)
    if isinstance(value, dict):
        return [(key, exact(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    return type(value), value


def through(value: dict[str, Any]) -> dict[str, Any] | None:
    return Incoming().feed(pack(value))


@given(MESSAGES)
def test_json_values_come_back_bit_for_bit_and_in_order(message: dict[str, Any]) -> None:
    assert exact(through(message)) == exact(message)


@pytest.mark.parametrize("text", ["\ud83d\ude00", "\0", "\u2028", "ß\ud800"])
def test_lone_surrogates_stay_apart(text: str) -> None:
    assert through({text: [text]}) == {text: [text]}


@given(st.lists(MESSAGES, min_size=1, max_size=3), st.integers(1, 7))
def test_it_does_not_matter_how_the_stream_is_cut(messages: list[dict[str, Any]], size: int) -> None:
    incoming = Incoming()
    for message in messages:
        frame = pack(message)
        pieces = [frame[start : start + size] for start in range(0, len(frame), size)]
        *early, last = [incoming.feed(piece) for piece in pieces]
        assert early == [None] * len(early)
        assert exact(last) == exact(message)


def test_numbers_of_numpy_travel_as_numbers() -> None:
    numbers = {"a": np.float32(0.1), "b": np.float64(0.1), "c": np.int64(3), "d": "\ud800"}
    assert through(numbers) == {"a": float(np.float32(0.1)), "b": 0.1, "c": 3, "d": "\ud800"}


@pytest.mark.parametrize("value", [date(2020, 1, 1), object(), {1, 2}, 1j, np.zeros(2)], ids=repr)
def test_what_is_no_json_value_is_refused(value: object) -> None:
    with pytest.raises(BadOutput, match="cannot travel between processes"):
        pack({"value": value})


def test_a_message_too_long_asks_for_fewer_rows() -> None:
    with pytest.raises(OutOfMemory, match=r"0\.1 MB is too long for a worker, which takes 0\.0 MB"):
        pack({"text": "x" * 100_000}, limit=1000)


@given(st.binary(min_size=5, max_size=200))
def test_noise_is_refused_or_waited_for_but_never_believed(noise: bytes) -> None:
    try:
        assert Incoming(limit=100).feed(noise) is None or noise == pack(Incoming().feed(noise) or {})
    except BadOutput:
        return


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack("<IB", LIMIT + 1, 0),
        struct.pack("<IB", 1, 9) + b"\x80",
        struct.pack("<IB", 1, 0) + b"\xc1",
        struct.pack("<IB", 1, 0) + b"\x01",
        struct.pack("<IB", 1, 1) + b"{",
        struct.pack("<IB", 1, 1) + b"\xff",
        pack({}) + b"\0",
    ],
    ids=["too long", "unknown codec", "no msgpack", "no mapping", "no json", "no text", "more than one"],
)
def test_a_broken_frame_is_bad_output(frame: bytes) -> None:
    with pytest.raises(BadOutput):
        Incoming().feed(frame)
