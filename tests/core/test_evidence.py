"""What is compared without reading: laws of the figures, and that headers do not count."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mendgraph.core.arrays import FloatArray
from mendgraph.core.evidence import FEATURES, body_of, closeness, evidence
from mendgraph.core.pairing import MOST_COMPARED, combined, compared, pairs_among

TEXT = st.text(max_size=80)


def named(question: str, first: str, second: str) -> dict[str, float]:
    return dict(zip(FEATURES, evidence(question, first, second), strict=True))


@given(TEXT, TEXT, TEXT)
def test_figures_are_finite_and_as_many_as_their_names(question: str, first: str, second: str) -> None:
    found = evidence(question, first, second)
    assert len(found) == len(FEATURES) == len(set(FEATURES))
    assert all(math.isfinite(one) and one >= 0 for one in found)


@given(TEXT, TEXT, TEXT)
def test_turning_the_texts_round_turns_only_the_figures_that_name_one(
    question: str, first: str, second: str
) -> None:
    one, other = named(question, first, second), named(question, second, first)
    for name, value in one.items():
        mirrored = name.replace("first", "\0").replace("second", "first").replace("\0", "second")
        assert math.isclose(other[mirrored], value)


def test_units_and_roundings_are_seen_through() -> None:
    alike = named("How high is it?", "It is 312.4 m high.", "It is 1,025 feet high.")
    apart = named("How high is it?", "It is 312.4 m high.", "It is 1,325 feet high.")
    assert (alike["quantities: agree"], apart["quantities: agree"]) == (1.0, 0.0)
    assert apart["quantities: first alone"] > 0


def test_the_date_of_a_header_says_nothing_of_the_subject() -> None:
    assert body_of("[2019, city archive] It opened in 1987.") == "It opened in 1987."
    found = named("", "[2019, archive] It opened in 1987.", "[1999, newspaper] It opened in 1987.")
    assert found["dates: agree"] == 1.0


@given(st.lists(TEXT, max_size=30))
def test_not_too_many_documents_are_compared(texts: list[str]) -> None:
    places = compared("Where is the Varn Bridge?", texts)
    assert places == sorted(set(places))
    assert len(places) == min(len(texts), MOST_COMPARED)
    assert len(pairs_among(places)) == len(places) * (len(places) - 1) // 2


def test_the_closest_documents_are_the_ones_compared() -> None:
    texts = ["Cats sleep."] * 20 + ["The Varn Bridge is in Holm."]
    assert 20 in compared("Where is the Varn Bridge?", texts)
    assert closeness("Where is the Varn Bridge?", texts[20]) > closeness(
        "Where is the Varn Bridge?", texts[0]
    )


CHANCES = arrays(float, st.tuples(st.integers(1, 8), st.just(3)), elements=st.floats(0.001, 1.0)).map(
    lambda found: found / found.sum(axis=1, keepdims=True)
)


@given(CHANCES)
def test_a_set_contradicts_itself_no_less_than_its_mildest_and_no_more_than_its_worst_pair(
    chances: FloatArray,
) -> None:
    found, worst = combined(chances)
    assert math.isclose(found.sum(), 1.0)
    assert worst == chances[:, 0].argmin()
    assert chances[:, 0].min() - 1e-9 <= found[0] <= chances[:, 0].max() + 1e-9
    if len(chances) == 1:
        np.testing.assert_allclose(found, chances[0], atol=1e-9)


def test_odds_of_pairs_are_averaged_and_the_worst_pair_says_the_level() -> None:
    found, worst = combined(np.array([[0.5, 0.5, 0.0], [0.1, 0.0, 0.9]]))
    assert worst == 1
    np.testing.assert_allclose(found, [1 / 6, 5 / 6 * 0.1, 5 / 6 * 0.9])
    assert combined(np.array([[1.0, 0.0, 0.0]]))[0].tolist() == [1.0, 0.0, 0.0]
    assert math.isclose(combined(np.array([[0.0, 1.0, 0.0]]))[0][1], 1.0, abs_tol=1e-6)
