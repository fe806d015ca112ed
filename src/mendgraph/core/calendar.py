"""Days of the Gregorian calendar as whole numbers: arithmetic alone, no clock.

Day 1 is 1 January of year 1.  Formula: Hinnant, "chrono-compatible low-level date algorithms", 2013.
"""

from __future__ import annotations

__all__ = ["day_number", "days_in_month", "iso_date", "year_month_day"]

_EPOCH = 305
"""Days from 1 March of year 0, where these formulas begin, to 31 December of year 0."""


def day_number(year: int, month: int, day: int) -> int:
    """Of a date whose month lies in 1..12 and whose day lies in that month."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - _EPOCH


def year_month_day(number: int) -> tuple[int, int, int]:
    """The date with this number; the inverse of `day_number`."""
    era, of_era = divmod(number + _EPOCH, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return era * 400 + year + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def days_in_month(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in {4, 6, 9, 11} else 31


def iso_date(number: int) -> str:
    """YYYY-MM-DD."""
    year, month, day = year_month_day(number)
    return f"{year:04}-{month:02}-{day:02}"
