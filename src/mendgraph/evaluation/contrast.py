"""The emotion contrast set: sentences written one by one for evaluation, and a check that training saw none.

Families: sarcasm, negation, emoji, mixed, neutral, and a few plain ones as a control.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files

from mendgraph.core.text import simplify
from mendgraph.errors import DataError

FAMILIES = ("sarcasm", "negation", "emoji", "mixed", "neutral", "plain")
NGRAM = 5

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class ContrastCase:
    """One sentence.

    Attributes:
        accept: labels a sensible person accepts, the preferred one first.
        reject: labels that are plainly wrong; a label in neither list is debatable.
    """

    text: str
    accept: tuple[str, ...]
    reject: tuple[str, ...]
    family: str


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What an evaluation set shares with a training set; empty when nothing does.

    Attributes:
        same: (evaluation text, training text) pairs that are equal but for case and punctuation.
        ngrams: (five words in a row, evaluation text, one training text that has them too).
    """

    same: tuple[tuple[str, str], ...]
    ngrams: tuple[tuple[str, str, str], ...]

    def __bool__(self) -> bool:
        return bool(self.same or self.ngrams)


def load_contrast() -> tuple[ContrastCase, ...]:
    """The committed set, in file order."""
    content = (
        files("mendgraph.evaluation").joinpath("data/emotion_contrast.jsonl").read_text(encoding="utf-8")
    )
    return tuple(_case(line, number) for number, line in enumerate(content.splitlines(), 1))


def leak_check(contrast: Sequence[ContrastCase], training: Iterable[str]) -> LeakReport:
    """Equal texts and shared word 5-grams; linear in the words of both sides."""
    keys: dict[str, str] = {}
    grams: dict[tuple[str, ...], str] = {}
    for text in training:
        keys.setdefault(simplify(text), text)
        for gram in _grams(text):
            grams.setdefault(gram, text)
    same = [(case.text, keys[key]) for case in contrast if (key := simplify(case.text)) in keys]
    shared = [
        (" ".join(gram), case.text, grams[gram])
        for case in contrast
        for gram in _grams(case.text)
        if gram in grams
    ]
    return LeakReport(tuple(same), tuple(shared))


def _case(line: str, number: int) -> ContrastCase:
    try:
        data = json.loads(line)
        return ContrastCase(data["text"], tuple(data["accept"]), tuple(data["reject"]), data["family"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"emotion_contrast.jsonl, line {number}: {error}") from error


def _grams(text: str) -> list[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return [tuple(words[start : start + NGRAM]) for start in range(len(words) - NGRAM + 1)]
