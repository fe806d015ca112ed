"""Names in text, what kind of thing each seems to be, and others of that kind."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from mendgraph.training.conflict.perturbation.lexicon import ADJECTIVES, COUNTRIES
from mendgraph.training.conflict.perturbation.passages import Passage

__all__ = ["NameBook", "name_spans"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NAME: Final = re.compile(
    r"(?<![\w'-])[A-Z][\w'’-]*[a-z]"
    r"(?:\.?(?: (?:of|de|von|van|the|du|la)){0,2} [A-Z][\w'’-]*(?<!')\b|(?<=\b[A-Z])\. [A-Z][\w'’-]+)*"
)
_BEFORE: Final = re.compile(r"(\w+)\W*$")
_NO_NAMES: Final = frozenset(
    _words(
        "The A An In On At It He She They His Her Its Their This That These Those As For From After Before During "
        "By With When While Although However Because Since Some Many Most Other Such There To Of And But Or If "
        "One Two Three Both Each All Under Over Between Through Until Despite According Also Its No Not We I You "
        "Our Your My What Who Which Where How Why Then Thus Later Early Today January February March April May "
        "June July August September October November December Monday Tuesday Wednesday Thursday Friday Saturday "
        "Sunday Mr Mrs Dr St"
    )
)
_PLACES: Final = frozenset(("in", "near", "from", "at", "across", "throughout", "into"))
_ENDS: Final = frozenset(
    _words(
        "University College School Company River Lake War Battle Party Museum Church Island County Award Awards "
        "Airport League Cup Records Press Society Institute Street Mountains Ocean Sea Empire Dynasty Act Court "
        "Club Band Festival Council Army Navy Station Hospital Park Bridge Championship Orchestra Province State "
        "City Championships"
    )
)
FEWEST: Final = 2
"""Names of a kind that a book needs before it replaces any of them."""


@dataclass(frozen=True, slots=True)
class Span:
    """A name and its place."""

    text: str
    start: int
    end: int


def name_spans(text: str) -> list[Span]:
    """Runs of capitalised words, but for the common word that begins a sentence and for months."""
    found = []
    for match in _NAME.finditer(text):
        start, words = match.start(), match[0].split(" ")
        while words and (words[0] in _NO_NAMES or words[0][0].islower()):
            start += len(words[0]) + 1
            words = words[1:]
        while words and (words[-1] in _NO_NAMES or words[-1][0].islower()):
            words = words[:-1]
        shown = " ".join(words)
        if shown and not any(word in _NO_NAMES for word in words) and len(shown) > 2:
            if start == 0 and len(words) == 1 and not text[: match.end()].isupper():
                continue  # one capital at the beginning says nothing
            found.append(Span(shown, start, start + len(shown)))
    return found


class NameBook:
    """Names of some passages by kind: a country, an adjective of one, a person, a place, a University, ..."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        given: Counter[str] = Counter()
        before: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for passage in passages:
            words = passage.subject.split()
            if 1 < len(words) < 5 and re.search(
                r"\((?:[^()]*\b)?born\b|\(\d{1,2} \w+ \d{4}|\b[Hh]e\b|\b[Ss]he\b", passage.text
            ):
                given[words[0]] += 1
            for sentence in passage.sentences:
                for span in name_spans(sentence):
                    match = _BEFORE.search(sentence[: span.start])
                    before[span.text][match[1].lower() if match else ""] += 1
        self._given = {name for name, _ in given.items() if len(name) > 2}
        self._placed = {
            name for name, words in before.items() if sum(words[word] for word in _PLACES) * 2 > words.total()
        }
        self._of: dict[str, list[str]] = {"country": list(COUNTRIES), "adjective": list(ADJECTIVES)}
        for name in sorted(before):
            kind = self.kind(name)
            if kind not in {"", "country", "adjective"}:
                self._of.setdefault(kind, []).append(name)

    def kind(self, name: str) -> str:
        """ "" where nothing tells."""
        words = name.split()
        if name in COUNTRIES:
            return "country"
        if name in ADJECTIVES:
            return "adjective"
        if words[-1] in _ENDS and len(words) > 1:
            return words[-1]
        if len(words) > 1 and words[0] in self._given and len(words) < 4:
            return f"person of {len(words)} words"
        if name in self._placed:
            return f"place of {len(words)} words"
        return ""

    def other(self, name: str, random: Random, without: Sequence[str] = ()) -> str | None:
        """Another name of the same kind that shares no word with it, nor stands in any of the texts `without`."""
        known = self._of.get(self.kind(name), [])
        if len(known) < FEWEST:
            return None
        words = set(name.split())
        for _ in range(8):
            found = random.choice(known)
            shared = words & set(found.split())
            last = {name.split()[-1]} & _ENDS
            if shared <= last and found != name and not any(found in text for text in without):
                return found
        return None
