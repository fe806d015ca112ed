"""Day numbers against the standard library's calendar."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.calendar import day_number, days_in_month, iso_date, year_month_day


@given(st.dates())
def test_numbers_are_those_of_the_standard_library(day: date) -> None:
    number = day_number(day.year, day.month, day.day)
    assert number == day.toordinal()
    assert year_month_day(number) == (day.year, day.month, day.day)
    assert iso_date(number) == day.isoformat()


@given(st.dates(max_value=date(9998, 12, 31)))
def test_a_month_ends_where_the_next_begins(day: date) -> None:
    following = day_number(day.year + day.month // 12, day.month % 12 + 1, 1)
    assert following - day_number(day.year, day.month, 1) == days_in_month(day.year, day.month)
