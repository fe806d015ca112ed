"""Edits that keep what is claimed: another way to write a date, a number, a unit, a name or a word; order; clauses."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Final

from mendgraph.core.calendar import iso_date
from mendgraph.core.quantities import find_measures, number_in, spelled
from mendgraph.core.units import DATE, NUMBER
from mendgraph.training.conflict.perturbation.lexicon import ALIASES, MONTHS, SAME

__all__ = ["EDITS", "reworded"]


Edit = Callable[[str, Random], str | None]
"""A text and where chance comes from, to the text said otherwise; None where there is nothing to say otherwise."""

_OF: Final = {word: group for group in (*SAME, *ALIASES) for word in group}
_SAID: Final = re.compile(
    r"(?<![\w-])(" + "|".join(sorted(map(re.escape, _OF), key=len, reverse=True)) + r")(?![\w-])"
)
_FRONT: Final = re.compile(r"^(In(?! fact)|During|On|By|After|Since|Until) ([^,.;]{3,40}), ([^.;]{15,}?)\.$")
_LAST: Final = re.compile(
    r"^([^,.;()]{15,}?) (in|during|on|by|since) ((?:the )?[^,.;()]*\d[^,.;()]{0,12})\.$"
)
_BRACKET: Final = re.compile(r" \([^()]{3,90}\)")
_ASIDE: Final = re.compile(
    r", (?:which|who|where|whose|including|especially|along with|also known as|known as) [^,.;]{5,80}"
    r"(?:,(?= [a-z])|(?=\.$))"
)
_FRAMES: Final = (
    "Notably, {}", "In fact, {}", "As is well known, {}", "It is recorded that {}", "Reports say that {}",
    "According to one account, {}", "Sources agree that {}", "As it happens, {}",
)  # fmt: skip
_LOWER: Final = re.compile(
    r"^(?:The|A|An|In|On|At|It|He|She|They|His|Her|Its|Their|This|These|During|By|After|Many|Some|Most|Each|Both|For|"
    r"As|With|\w+ing)\b"
)
_UNITS: Final = {
    "km": ("miles", 0.621371), "kilometers": ("miles", 0.621371), "kilometres": ("miles", 0.621371),
    "miles": ("kilometres", 1.609344), "m": ("feet", 3.28084), "meters": ("feet", 3.28084), "metres": ("feet", 3.28084),
    "feet": ("metres", 0.3048), "ft": ("metres", 0.3048), "kg": ("pounds", 2.204623), "pounds": ("kg", 0.45359237),
    "acres": ("hectares", 0.40468564), "hectares": ("acres", 2.471054), "inches": ("centimetres", 2.54),
}  # fmt: skip


def reworded(
    text: str, random: Random, edits: int = 2, holds: Callable[[str], bool] = lambda text: True
) -> str:
    """`text` after up to `edits` different edits of `EDITS`.

    Args:
        holds: an edit after which this is no longer true is not made; what a pair is about must not be left out.
    """
    done = 0
    chosen = random.sample(EDITS, len(EDITS))
    for edit in sorted(chosen, key=lambda edit: edit is frame):  # words in front come last
        if done == edits:
            break
        if edit is frame and random.random() < 0.5:
            continue
        new = edit(text, random)
        if new is not None and new != text and holds(new):
            text, done = new, done + 1
    return text


def dates(text: str, random: Random) -> str | None:
    """A day written otherwise, or only as precisely as its month."""
    days = [one for one in find_measures(text) if one.dimension == DATE and one.width <= 31]
    if not days:
        return None
    one = random.choice(days)
    year, month, day = (int(part) for part in iso_date(int(one.low)).split("-"))
    name = MONTHS[month - 1]
    forms = [f"{name} {year}"]
    if one.width < 1:
        forms = [f"{day} {name} {year}", f"{name} {day}, {year}", f"{year}-{month:02}-{day:02}"]
    return _kept(text, one.start, one.end, random.choice(forms))


def numbers(text: str, random: Random) -> str | None:
    """A number in words for digits, digits for words, with or without separators."""
    found = [one for one in find_measures(text) if one.dimension == NUMBER]
    random.shuffle(found)
    for one in found:
        shown = text[one.start : one.end]
        value = number_in(shown)
        if value is None or value != int(value) or not 1 < value < 10**10 or 1000 < value < 2100:
            continue
        whole = int(value)
        forms = [f"{whole:,}"]
        if whole < 100:
            forms = [str(whole), spelled(whole)]
        elif whole >= 10**6 and whole % 10**5 == 0:
            forms += [f"{whole / 10**6:g} million"]
        elif whole < 10**6:
            forms += [str(whole)]
        forms = [form for form in forms if form != shown]
        if forms and (one.start > 0 or forms[0][0].isdigit()):
            return _kept(text, one.start, one.end, random.choice(forms))
    return None


def units(text: str, random: Random) -> str | None:
    """A length, weight or area in another unit, no more precise than before."""
    for match in re.finditer(r"(?<![\w.,])(\d[\d,]*(?:\.\d+)?)( |-)(" + "|".join(_UNITS) + r")\b", text):
        unit, factor = _UNITS[match[3]]
        value = float(match[1].replace(",", "")) * factor
        shown = f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"
        new = f"about {shown} {unit}" if random.random() < 0.5 else f"{shown} {unit}"
        if match[2] == " ":
            return _kept(text, match.start(), match.end(), new)
    return None


def percent(text: str, random: Random) -> str | None:
    if "%" in text:
        return re.sub(r"(\d) ?%", r"\1 percent", text)
    return re.sub(r"(\d) percent\b", r"\1%", text) if " percent" in text else None


def words(text: str, random: Random) -> str | None:
    """Up to three words or names, each for another of its group."""
    found = list(_SAID.finditer(text))
    if not found:
        return None
    for match in sorted(random.sample(found, min(3, len(found))), key=lambda match: -match.start()):
        group = [word for word in _OF[match[1]] if word != match[1]]
        text = text[: match.start()] + random.choice(group) + text[match.end() :]
    return text


def order(text: str, random: Random) -> str | None:
    """The time or place from the front of the sentence to its end, or back."""
    match = _FRONT.match(text)
    if match:
        rest = match[3]
        head = rest[0].upper() + rest[1:]
        return f"{head} {match[1].lower()} {match[2]}."
    match = _LAST.match(text)
    if match and " and " not in match[1]:
        return f"{match[2].capitalize()} {match[3]}, {_lowered(match[1])}."
    return None


def brackets(text: str, random: Random) -> str | None:
    return _BRACKET.sub("", text, count=1) if _BRACKET.search(text) else None


def aside(text: str, random: Random) -> str | None:
    return _ASIDE.sub("", text, count=1) if _ASIDE.search(text) else None


def frame(text: str, random: Random) -> str | None:
    """With words in front that claim nothing."""
    return random.choice(_FRAMES).format(_lowered(text))


def short(text: str, random: Random) -> str | None:
    """ "is not" and "isn't"."""
    if re.search(r"\b(?:is|was|are|were|did|does|has|had|could) not\b", text):
        return re.sub(r"\b(is|was|are|were|did|does|has|had|could) not\b", r"\1n't", text)
    return (
        re.sub(r"\b(is|was|are|were|did|does|has|had|could)n't\b", r"\1 not", text) if "n't" in text else None
    )


EDITS: Final[tuple[Edit, ...]] = (
    dates, numbers, units, percent, words, words, order, brackets, aside, frame, short,
)  # fmt: skip


def _lowered(text: str) -> str:
    return text[0].lower() + text[1:] if _LOWER.match(text) else text


def _kept(text: str, start: int, end: int, new: str) -> str | None:
    """With a value rewritten, if it is still read as one that agrees with the old."""
    changed = text[:start] + new + text[end:]
    old = [one for one in find_measures(text) if one.start < end and one.end > start]
    now = [one for one in find_measures(changed) if one.start < start + len(new) and one.end > start]
    return changed if len(old) == len(now) == 1 and old[0].agrees(now[0]) else None
