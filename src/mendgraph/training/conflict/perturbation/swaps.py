"""Edits that make a sentence say something else: one value, name or word is replaced by another of its kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from mendgraph.core.quantities import Measure, find_measures, spelled
from mendgraph.core.units import DATE
from mendgraph.training.conflict.perturbation.lexicon import KINDS, MONTHS, OPPOSITES
from mendgraph.training.conflict.perturbation.names import NameBook, name_spans

__all__ = ["Swap", "apply", "negated", "swaps_of", "told"]

_YEAR: Final = re.compile(r"\b(?:1\d|20)\d\d\b")
_NUMBER: Final = re.compile(r"\d[\d,]*(?:\.\d+)?")
_SMALL: Final = {spelled(number): number for number in range(2, 21)}
_DENY: Final = re.compile(
    r"\b(is|are|was|were|has|have|had|can|could|will|would|did|does|do)\b(?! not\b|n't)"
)
_OPPOSITE: Final = {word: other for pair in OPPOSITES for word, other in (pair, pair[::-1])}
_KIND: Final = {word: group for group in KINDS for word in group}


@dataclass(frozen=True, slots=True)
class Swap:
    """Attributes: level: of the conflict between old and new; old, new: what is replaced wherever it stands as a word;
    start, end: its place in the sentence it was found in."""

    level: str
    old: str
    new: str
    start: int
    end: int


def apply(swap: Swap, text: str) -> str:
    """`text` with every occurrence replaced, and "a" or "an" before it set right."""

    def new(match: re.Match[str]) -> str:
        if not match[1]:
            return swap.new
        article = "an" if swap.new[0].lower() in "aeiou" else "a"
        return f"{article if match[1][0] == 'a' else article.capitalize()} {swap.new}"

    return re.sub(rf"(?<![\w-])([Aa]n? )?{re.escape(swap.old)}(?![\w-]|(?<=\d)[,.]\d)", new, text)


def told(value: str, text: str) -> bool:
    """Whether a value or a word stands in a text, or a value that agrees with it."""
    if value in text:
        return True
    measures = find_measures(value)
    return bool(measures) and any(measures[0].agrees(one) for one in find_measures(text))


def swaps_of(sentence: str, book: NameBook, random: Random, without: Sequence[str] = ()) -> list[Swap]:
    """One for everything in a sentence that can be replaced, in a random order.

    Args:
        without: texts in which a new name must not stand already.
    """
    found = [*_values(sentence, random), *_names(sentence, book, random, without), *_words(sentence, random)]
    random.shuffle(found)
    return found


def negated(sentence: str, random: Random) -> str | None:
    """The sentence denied, or its denial taken away; None where it has no verb that takes one."""
    match = re.search(
        r"\b(is|are|was|were|has|have|had|can|could|will|would|did|does|do)(?: not|n't) (?!only)", sentence
    )
    if match:
        return f"{sentence[: match.start()]}{match[1]} {sentence[match.end() :]}"
    match = re.search(r" (?:never) ", sentence)
    if match:
        return sentence[: match.start()] + " " + sentence[match.end() :]
    match = _DENY.search(sentence)
    if not match or match.start() > 80 or re.search(r"\b(?:not|no|never)\b", sentence):
        return None
    form = random.choice(("{} not", "{} never") if match[1] not in {"did", "does", "do"} else ("{} not",))
    return sentence[: match.start()] + form.format(match[1]) + sentence[match.end() :]


def _values(sentence: str, random: Random) -> Iterator[Swap]:
    for one in find_measures(sentence):
        shown = sentence[one.start : one.end]
        if one.dimension == DATE or _YEAR.fullmatch(shown):
            new = _date(shown, random)
            level = "temporal"
        else:
            new = _amount(shown, random)
            level = "numerical"
        if new and new != shown and not _agree(new, one, sentence):
            yield Swap(level, shown, new, one.start, one.end)


def _agree(new: str, one: Measure, sentence: str) -> bool:
    """Whether the new value may be the old one, read where it stands."""
    changed = sentence[: one.start] + new + sentence[one.end :]
    return any(other.start <= one.start < other.end and other.agrees(one) for other in find_measures(changed))


def _date(shown: str, random: Random) -> str | None:
    year = _YEAR.search(shown)
    if not year:
        return None
    month = next((name for name in MONTHS if name in shown), None)
    if month and random.random() < 0.25:
        return shown.replace(month, random.choice([name for name in MONTHS if name != month]))
    step = random.choice((1, 1, 2, 3, 4, 5, 7, 9, 12, 16, 20, 30)) * random.choice((-1, 1))
    return shown.replace(year[0], str(min(max(int(year[0]) + step, 1000), 2030)))


def _amount(shown: str, random: Random) -> str | None:
    match = _NUMBER.search(shown)
    if match is None:
        word = next((word for word in re.findall(r"[a-z-]+", shown) if word in _SMALL), None)
        if word is None:
            return None
        new = random.choice(
            [other for other, n in _SMALL.items() if n != _SMALL[word] and abs(n - _SMALL[word]) < 6]
        )
        return re.sub(rf"\b{word}\b", new, shown)
    digits = match[0].replace(",", "").rstrip(".")
    value = float(digits)
    if not value:
        return None
    decimals = len(digits.partition(".")[2])
    if value < 20 and not decimals:
        new_value = float(random.choice([n for n in range(2, 25) if n != value]))
    else:
        new_value = (
            value
            * random.choice((0.2, 0.35, 0.5, 0.65, 0.8, 1.25, 1.5, 1.8, 2.5, 3.0, 4.0))
            * random.uniform(0.95, 1.05)
        )
        if "%" in shown or "percent" in shown:
            new_value = new_value if new_value < 100 else value * random.uniform(0.3, 0.8)
        zeros = len(digits) - len(digits.rstrip("0")) if not decimals else 0
        new_value = (
            max(round(new_value, -zeros if zeros < len(digits) - 1 else 0), 10.0**zeros)
            if not decimals
            else new_value
        )
    text = f"{new_value:,.{decimals}f}" if "," in match[0] or value >= 10000 else f"{new_value:.{decimals}f}"
    return shown[: match.start()] + text + shown[match.start() + len(match[0]) :]


def _names(sentence: str, book: NameBook, random: Random, without: Sequence[str]) -> Iterator[Swap]:
    for span in name_spans(sentence):
        new = book.other(span.text, random, (sentence, *without))
        if new:
            yield Swap("entity", span.text, new, span.start, span.end)


def _words(sentence: str, random: Random) -> Iterator[Swap]:
    for match in re.finditer(r"[A-Za-z]+(?: [a-z]+)?", sentence):
        for shown in (match[0], *match[0].split(" ")):
            start = match.start() + match[0].find(shown)
            if shown in _OPPOSITE:
                yield Swap("semantic", shown, _OPPOSITE[shown], start, start + len(shown))
            elif shown in _KIND:
                new = random.choice([word for word in _KIND[shown] if word != shown])
                yield Swap("semantic", shown, new, start, start + len(shown))
