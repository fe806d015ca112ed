"""Numbers in words and digits, quantities with units, dates: read from text as intervals that can be compared.

A value is never a point: "312 m" leaves half a metre on either side open, "about 310 m" half of the second digit,
"1987" a year.  Two values of one dimension agree when their intervals meet, so that units, rounding and precision do
not look like contradictions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mendgraph.core.calendar import day_number, days_in_month, year_month_day
from mendgraph.core.units import DATE, NUMBER, UNITS

__all__ = ["Measure", "find_measures", "number_in", "spelled"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SMALL: Final = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS: Final = _words("- - twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES: Final = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_WORDS: Final = {word: value for value, word in enumerate(_SMALL)} | {
    word: 10 * value for value, word in enumerate(_TENS) if word != "-"
}
_MONTHS: Final = _words(
    "january february march april may june july august september october november december"
)
_MONTH_OF: Final = (
    {name: at for at, name in enumerate(_MONTHS, 1)}
    | {name[:3]: at for at, name in enumerate(_MONTHS, 1)}
    | {"sept": 9}
)

_MONTH: Final = "(?:" + "|".join(sorted(_MONTH_OF, key=len, reverse=True)) + r")\b\.?"
_YEAR: Final = r"(?:1\d|20)\d\d"
_DATES: Final = (
    re.compile(rf"\b(?P<y>{_YEAR})-(?P<m>\d\d)(?:-(?P<d>\d\d))?\b"),
    re.compile(rf"\b(?P<d>\d\d?)(?:st|nd|rd|th)?(?: of)? (?P<m>{_MONTH}),? (?P<y>{_YEAR})\b", re.I),
    re.compile(rf"\b(?P<m>{_MONTH}) (?P<d>\d\d?)(?:st|nd|rd|th)?(?: ?, ?| )(?P<y>{_YEAR})\b", re.I),
    re.compile(rf"\b(?P<m>{_MONTH})(?: of)? (?P<y>{_YEAR})\b", re.I),
    re.compile(
        rf"(?:^|(?<=[(\[,;–-])|\b(?:in|since|by|for|from|until|till|before|after|during|year|early|late|and|to|of|"
        rf"between|circa|c\.|around|about) )\s*(?P<y>{_YEAR})\b(?![,.]\d|%|-\d\d)(?= (?:and|as|to|by|with|when|while|"
        rf"but|in|at|on|for|the|a|an|it|is|was|or|until|after|before)\b|[^\w ]|\s*$| [A-Z(|–-])",
    ),
)
"""From the fullest form to the bare year, which is one only where its neighbours allow it."""

_DIGITS: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SPELLED: Final = (
    rf"(?:{'|'.join(sorted([*_WORDS, *_SCALES], key=len, reverse=True))})"
    rf"(?:(?:[ -]| and )(?:{'|'.join(sorted([*_WORDS, *_SCALES], key=len, reverse=True))})\b)*"
)
_ABOUT: Final = (
    r"about|roughly|some|around|nearly|almost|approximately|approx\.|circa|c\.|over|more than|up to"
)
_FOLDED: Final = {unit.lower(): found for unit, found in UNITS.items()}
_UNIT: Final = "|".join(sorted((re.escape(unit) for unit in UNITS if unit.isascii()), key=len, reverse=True))
_AMOUNT: Final = re.compile(
    rf"(?:\b(?P<about>{_ABOUT}) )?(?P<sign>[$€£])?(?<![\w.,])"
    rf"(?P<number>(?:{_DIGITS})(?: (?:hundred|thousand|million|billion)\b)?|\b{_SPELLED}\b)"
    rf"(?:[ -]?(?P<unit>(?:{_UNIT})\b|m²|km²|°C|°F|%))?",
    re.I,
)
_JOINT: Final = re.compile(r"(?:,? and |,? )", re.I)


@dataclass(frozen=True, slots=True)
class Measure:
    """A value found in a text, as an interval.

    Attributes:
        dimension: what it measures; values of two dimensions cannot be compared.
        low, high: bounds in the dimension's base unit; of a date, numbers of days, see `calendar`.
        start, end: its place in the text.
        loose: a bare number that may be a year or a count.
    """

    dimension: str
    low: float
    high: float
    start: int = 0
    end: int = 0
    loose: bool = False

    @property
    def width(self) -> float:
        """How much it leaves open, in the base unit."""
        return self.high - self.low

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    def comparable(self, other: Measure) -> bool:
        return self.dimension == other.dimension or (self.loose and other.loose)

    def agrees(self, other: Measure) -> bool:
        """Whether both can be true of one thing; False where they cannot be compared."""
        if self.dimension == other.dimension:
            slack = 1e-9 * max(abs(self.high), abs(other.high))
            return self.low <= other.high + slack and other.low <= self.high + slack
        if not self.loose or not other.loose:
            return False
        years, counts = (self, other) if self.dimension == DATE else (other, self)
        return counts.low <= year_month_day(int(years.low))[0] <= counts.high


def spelled(number: int) -> str:
    """A whole number in [0, 1 000 000) in words, as in "one thousand two hundred and forty-eight"."""
    if not 0 <= number < 1_000_000:
        raise ValueError(f"a number in [0, 1000000) can be spelled, got {number}")
    thousands, rest = divmod(number, 1000)
    if thousands:
        joint = " " if rest >= 100 else " and "
        return f"{spelled(thousands)} thousand" + (f"{joint}{spelled(rest)}" if rest else "")
    hundreds, rest = divmod(number, 100)
    if hundreds:
        return f"{_SMALL[hundreds]} hundred" + (f" and {spelled(rest)}" if rest else "")
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_SMALL[ones]}" if ones else "")


def number_in(words: str) -> float | None:
    """The number that digits ("1,248.5"), words ("twelve hundred and five") or both ("1.2 million") say."""
    total = current = 0.0
    seen = False
    for word in re.split(r"[ -]", words.lower().replace(" and ", " ").strip()):
        if word in _WORDS:
            current += _WORDS[word]
        elif word in _SCALES:
            scale = _SCALES[word]
            if scale == 100:
                current = (current or 1.0) * scale
            else:
                total, current = total + (current or 1.0) * scale, 0.0
        elif re.fullmatch(_DIGITS, word):
            current += float(word.replace(",", ""))
        else:
            return None
        seen = True
    return total + current if seen else None


def find_measures(text: str) -> list[Measure]:
    """Dates and quantities of a text, in order; nothing is found twice."""
    found = list(_dates(text))
    taken = bytearray(len(text) + 1)
    for one in found:
        taken[one.start : one.end] = b"\x01" * (one.end - one.start)
    found += _joined(text, [one for one in _amounts(text) if not any(taken[one.start : one.end])])
    return sorted(found, key=lambda one: one.start)


def _dates(text: str) -> Iterator[Measure]:
    taken = bytearray(len(text) + 1)
    for pattern in _DATES:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            start = match.start() if "m" in parts else match.start("y")
            end = match.end()
            days = _days(parts)
            if days is None or any(taken[start:end]):
                continue
            taken[start:end] = b"\x01" * (end - start)
            yield Measure(DATE, days[0], days[1], start, end, loose="m" not in parts)


def _days(parts: dict[str, str | None]) -> tuple[int, int] | None:
    """First and last ordinal day; None for a date that no calendar has."""
    year, month, day = int(parts["y"] or 0), parts.get("m"), parts.get("d")
    if month is None:
        return day_number(year, 1, 1), day_number(year, 12, 31)
    number = int(month) if month.isdigit() else _MONTH_OF[month.lower().rstrip(".")]
    if not 1 <= number <= 12:
        return None
    last = days_in_month(year, number)
    if day is None:
        return day_number(year, number, 1), day_number(year, number, last)
    if not 1 <= int(day) <= last:
        return None
    exact = day_number(year, number, int(day))
    return exact, exact


def _amounts(text: str) -> Iterator[Measure]:
    for match in _AMOUNT.finditer(text):
        shown = match["number"]
        value = number_in(shown)
        if value is None or (shown.lower() in {"one", "second"} and not match["unit"]):
            continue  # "one" alone is seldom a number
        half = _half(shown, value, bool(match["about"]))
        unit = match["unit"]
        if match["sign"]:
            dimension, factor, offset = f"money {match['sign']}", 1.0, 0.0
        elif unit is None:
            dimension, factor, offset = NUMBER, 1.0, 0.0
        else:
            dimension, factor, offset = UNITS[unit] if unit in UNITS else _FOLDED[unit.lower()]
        yield Measure(
            dimension,
            (value - half) * factor + offset,
            (value + half) * factor + offset,
            match.start(),
            match.end(),
            loose=dimension == NUMBER,
        )


def _half(shown: str, value: float, about: bool) -> float:
    """Half a unit of the last digit that means something."""
    match = re.match(rf"(?:{_DIGITS})", shown)
    digits = match[0].replace(",", "") if match else ""
    decimals = len(digits.partition(".")[2])
    scaled = value / float(digits) if digits and float(digits) else 1.0
    half = 0.5 * 10.0**-decimals * scaled
    if about and value:
        whole = len(f"{abs(value):.0f}") if abs(value) >= 1 else 1
        half = max(half, 0.5 * 10.0 ** (whole - 2))
    return half


def _joined(text: str, found: Sequence[Measure]) -> list[Measure]:
    """Neighbours like "1 hour and 35 minutes" as one value, the coarser unit first."""
    whole: list[Measure] = []
    for one in found:
        last = whole[-1] if whole else None
        if (
            last is not None
            and last.dimension == one.dimension
            and one.dimension in {"duration", "length", "mass"}
            and _JOINT.fullmatch(text[last.end : one.start])
            and one.high <= last.width + 1e-9
        ):
            low = last.middle + one.low
            whole[-1] = Measure(one.dimension, low, low + one.width, last.start, one.end)
        else:
            whole.append(one)
    return whole
