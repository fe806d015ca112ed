"""Numbers, units and dates read from text: laws, and what people really write."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.quantities import Measure, find_measures, number_in, spelled
from mendgraph.core.units import DATE, NUMBER, UNITS

TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            (
                *(
                    "12",
                    "3.5",
                    "1,200",
                    "1987",
                    "about",
                    "three",
                    "hundred",
                    "and",
                    "million",
                    "feet",
                    "km",
                    "kg",
                ),
                *(
                    "%",
                    "in",
                    "on",
                    "March",
                    "of",
                    "-",
                    ",",
                    "4",
                    "th",
                    "2019-05-01",
                    "$",
                    "to",
                    "half",
                    "acres",
                ),
            )
        ),
        max_size=12,
    ).map(" ".join),
)


def one(text: str) -> Measure:
    found = find_measures(text)
    assert len(found) == 1, found
    return found[0]


@given(st.integers(0, 999_999))
def test_words_are_read_back_as_the_number_they_were_made_of(number: int) -> None:
    assert number_in(spelled(number)) == number
    assert number_in(f"{number:,}") == number
    assert number_in(str(number)) == number


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_only_numbers_within_reach_are_spelled(number: int) -> None:
    with pytest.raises(ValueError, match="can be spelled"):
        spelled(number)


@given(TEXTS)
def test_places_lie_in_the_text_and_never_overlap(text: str) -> None:
    found = find_measures(text)
    assert all(0 <= m.start < m.end <= len(text) and m.low <= m.high for m in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@given(st.lists(TEXTS, min_size=2, max_size=2))
def test_agreement_is_symmetric_and_holds_for_oneself(texts: list[str]) -> None:
    measures = [m for text in texts for m in find_measures(text)]
    for a in measures:
        assert a.agrees(a)
        for b in measures:
            assert a.agrees(b) == b.agrees(a)
            assert not a.agrees(b) or a.comparable(b)


@given(st.dates(date(1000, 1, 1), date(2099, 12, 31)))
def test_every_form_of_a_date_agrees_with_every_other(day: date) -> None:
    month = day.strftime("%B")
    forms = [
        f"{day.day} {month} {day.year}",
        f"{month} {day.day}, {day.year}",
        f"the {day.day}th of {month} {day.year}",
        day.isoformat(),
        f"{month} {day.year}",
        f"in {day.year}",
        f"[{day.year} | newspaper]",
    ]
    found = [one(form) for form in forms]
    assert {m.dimension for m in found} == {DATE}
    assert all(a.agrees(b) for a in found for b in found)
    assert [m.width for m in found[:4]] == [0.0] * 4
    assert found[4].width < found[5].width


@given(st.floats(1, 9e5), st.sampled_from([("m", "feet", 0.3048), ("kg", "pounds", 0.45359237)]))
def test_converted_and_rounded_quantities_still_agree(amount: float, units: tuple[str, str, float]) -> None:
    unit, other, factor = units
    exact = one(f"{amount:,.1f} {unit}")
    assert exact.agrees(one(f"{amount / factor:,.0f} {other}"))
    assert exact.agrees(one(f"{amount:,.0f} {unit}"))
    assert not exact.agrees(one(f"{amount * 1.3 + 2:,.1f} {unit}"))


@given(st.floats(10, 9e5))
def test_a_figure_that_says_about_covers_what_it_was_rounded_from(amount: float) -> None:
    digits = 1 - (len(f"{int(amount)}") - 1)
    assert one(f"about {round(amount, digits):,.0f} km").agrees(one(f"{amount:.2f} km"))


@pytest.mark.parametrize(
    ("text", "dimension", "low", "high"),
    [
        ("1 hour and 35 minutes", "duration", 5670, 5730),
        ("5 ft 11 inches", "length", 1.7907, 1.8161),
        ("$3.4 million", "money $", 3.35e6, 3.45e6),
        ("twelve hundred and five", NUMBER, 1204.5, 1205.5),
        ("23.40 hectares", "area", 233_950, 234_050),
        ("35.2 °F", "temperature", 1.75, 1.8056),
        ("35.2 °f", "temperature", 1.75, 1.8056),
        ("2 degrees celsius", "temperature", 1.5, 2.5),
        ("1248 seats", NUMBER, 1247.5, 1248.5),
        ("a 300-metre wall", "length", 299.5, 300.5),
    ],
)
def test_quantities_as_people_write_them(text: str, dimension: str, low: float, high: float) -> None:
    found = one(text)
    assert found.dimension == dimension
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-4)


@pytest.mark.parametrize("text", ["31 February 1999", "2019-13-01", "second thoughts", "no one came", ""])
def test_what_is_no_date_and_no_quantity_is_not_taken_for_one(text: str) -> None:
    assert not [m for m in find_measures(text) if m.width == 0 and m.dimension == DATE]
    assert not [m for m in find_measures(text) if m.dimension not in {DATE, NUMBER}]


def test_a_bare_number_may_be_a_year_and_a_year_a_count() -> None:
    year, count = one("1987"), one("1,987")
    assert (year.dimension, count.dimension) == (DATE, NUMBER)
    assert year.agrees(count)
    assert not year.agrees(one("1,988"))
    assert not one("14 March 1987").agrees(count)


def test_every_unit_has_a_dimension_and_a_factor_above_zero() -> None:
    assert all(dimension and factor > 0 for dimension, factor, _ in UNITS.values())
