"""Pairs of texts of which one may have been changed so that they contradict each other.

Each pair starts from one passage.  A claim is set against the sentence or the passage that it comes from, or two
versions of a passage against each other.  Both sides are reworded by the same edits, and in half of the pairs something
was replaced on both sides before: that a text sounds wrong, or says something untrue, tells nothing.  Then

- in a conflict, a value, a name or a word is replaced on one side, everywhere in it;
- without one, nothing more is done; or the claim is of a sentence that the other side does not hold; or the other side
  speaks of another thing, by another name, or is a similar passage of another document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

from mendgraph.core.conflict import LEVELS
from mendgraph.training.conflict.pairs import LabelledPair
from mendgraph.training.conflict.perturbation.names import NameBook
from mendgraph.training.conflict.perturbation.neighbours import Neighbours
from mendgraph.training.conflict.perturbation.passages import Passage
from mendgraph.training.conflict.perturbation.rewording import reworded
from mendgraph.training.conflict.perturbation.statements import asking, statement
from mendgraph.training.conflict.perturbation.swaps import Swap, apply, negated, swaps_of, told

__all__ = ["REAL", "perturbed"]

REAL: Final = "perturbed"
"""Name of the source."""

CHANGED_BEFORE: Final = 0.5
DENIED: Final = 0.1
LEVEL_WEIGHTS: Final = {"temporal": 1.3, "numerical": 3.0, "entity": 1.0, "semantic": 0.6}
"""Numbers are rarer than names in prose, words that can be replaced more frequent."""
ASKED: Final = 0.35
SHAPES: Final = {
    "claim and sentence": 0.35,
    "claim and passage": 0.25,
    "two sentences": 0.1,
    "two passages": 0.3,
}
WITHOUT: Final = {"kept": 0.55, "beside": 0.15, "apart": 0.18, "other subject": 0.12}
"""Share of each way to be free of conflict."""
AROUND: Final = 2
REWORDED: Final = (0, 1, 1, 2, 2, 3)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A passage after what was changed on both sides, and the place of the sentence that the pair is about."""

    passage: Passage
    key: int

    @property
    def sentence(self) -> str:
        return self.passage.sentences[self.key]


def perturbed(passages: Sequence[Passage], seed: int = 0) -> Iterator[LabelledPair]:
    """Without end; passages in a random order, again and again, half of the pairs with a conflict."""
    book, neighbours = NameBook(passages), Neighbours(passages)
    random = Random(f"{seed}/perturbed")
    while True:
        for passage in random.sample(passages, len(passages)):
            pair = _pair(passage, book, neighbours, random)
            if pair is not None and pair.first.strip() != pair.second.strip():
                yield pair


def _pair(passage: Passage, book: NameBook, neighbours: Neighbours, random: Random) -> LabelledPair | None:
    draft = _changed_before(passage, book, random)
    shape = random.choices(list(SHAPES), list(SHAPES.values()))[0]
    swap = _swap(draft, book, random)
    if swap is None:
        return None
    clash = random.random() < 0.5
    how = "changed" if clash else random.choices(list(WITHOUT), list(WITHOUT.values()))[0]
    own, other = draft.passage, draft.passage
    key = draft.sentence
    if how == "changed":
        own, key = _with(own, draft.key, swap), _new(key, swap)
    elif how == "beside":
        if len(own.sentences) < 2:
            return None
        rest = tuple(one for at, one in enumerate(own.sentences) if at != draft.key)
        other = Passage(own.source, own.document, rest, own.subject)
        if random.random() < 0.5:
            key = _new(key, swap)
            own = _with(own, draft.key, swap)
    elif how == "apart":
        other = neighbours.near(passage, random)
    elif how == "other subject":
        name = book.other(passage.subject, random) if passage.subject else None
        if name is None or passage.subject not in key:
            return None
        renamed = Swap(LEVELS[0], passage.subject, name, 0, 0)
        own = Passage(own.source, own.document, tuple(apply(renamed, one) for one in own.sentences), name)
        own, key = _with(own, draft.key, swap), apply(renamed, _new(key, swap))
    level = swap.level if clash else LEVELS[0]
    at = draft.key if how not in {"beside", "apart"} else random.randrange(len(other.sentences))
    first, second = _texts(shape, own, key, other, at, swap, random)
    if clash and swap.old and not (swap.new in first and swap.old in second):
        return None
    question = ""
    if swap.old and (shape == "two passages" or random.random() < ASKED):
        side = _new(draft.sentence, swap) if random.random() < 0.5 and how == "changed" else draft.sentence
        asked = swap if side == draft.sentence else Swap(swap.level, swap.new, swap.old, swap.start, swap.end)
        claim = statement(side, passage, asked.old, random)
        question = asking(claim, asked, random) if random.random() < 0.8 else ""
    texts = []
    for text, value in ((first, swap.new if clash else swap.old), (second, swap.old)):
        holds = partial(told, value) if swap.old and told(value, text) else _anything
        texts.append(reworded(text, random, random.choice(REWORDED), holds))
    if random.random() < 0.5:
        texts.reverse()
    return LabelledPair(question, texts[0], texts[1], level, REAL)


def _changed_before(passage: Passage, book: NameBook, random: Random) -> _Draft:
    weights = [4 if re.search(r"\d", one) else 1 for one in passage.sentences]
    key = random.choices(range(len(passage.sentences)), weights)[0]
    if random.random() < CHANGED_BEFORE:
        sentence = passage.sentences[key]
        if random.random() < DENIED and (denied := negated(sentence, random)):
            passage = _replaced(passage, key, denied)
        else:
            found = swaps_of(sentence, book, random)
            if found:
                passage = _with(passage, key, random.choice(found))
    return _Draft(passage, key)


def _swap(draft: _Draft, book: NameBook, random: Random) -> Swap | None:
    """One level is as likely as another, where a sentence has something of both."""
    if random.random() < DENIED and (denied := negated(draft.sentence, random)):
        return Swap("semantic", "", denied, 0, 0)
    subject = draft.passage.subject
    found = [
        one
        for one in swaps_of(draft.sentence, book, random, [draft.passage.text])
        if not (subject and (one.old in subject or subject in one.old))
    ]
    levels = sorted({one.level for one in found})
    if not levels:
        return None
    level = random.choices(levels, [LEVEL_WEIGHTS[level] for level in levels])[0]
    return next(one for one in found if one.level == level)


def _new(sentence: str, swap: Swap) -> str:
    return apply(swap, sentence) if swap.old else swap.new


def _with(passage: Passage, key: int, swap: Swap) -> Passage:
    if not swap.old:
        return _replaced(passage, key, swap.new)
    return Passage(
        passage.source,
        passage.document,
        tuple(apply(swap, one) for one in passage.sentences),
        passage.subject,
    )


def _replaced(passage: Passage, key: int, sentence: str) -> Passage:
    sentences = [sentence if at == key else one for at, one in enumerate(passage.sentences)]
    return Passage(passage.source, passage.document, tuple(sentences), passage.subject)


def _texts(
    shape: str, own: Passage, key: str, other: Passage, at: int, swap: Swap, random: Random
) -> tuple[str, str]:
    """The changed side, and the other with its sentence `at`; which of both is a short claim is left to chance."""
    mine, theirs = key, other.sentences[at]
    if shape == "two sentences":
        return mine, theirs
    if shape == "two passages":
        return _some(own, key, random), _some(other, theirs, random)
    short_first = random.random() < 0.5
    full = shape == "claim and passage"
    if short_first:
        claim = statement(mine, own, swap.new if swap.new in mine else "", random)
        return claim, (_some(other, theirs, random) if full else theirs)
    claim = statement(theirs, other, swap.old if swap.old in theirs else "", random)
    return (_some(own, key, random) if full else mine), claim


def _some(passage: Passage, key: str, random: Random) -> str:
    """The sentence and most of the `AROUND` sentences on either side, in order."""
    if key not in passage.sentences:
        return key
    place = passage.sentences.index(key)
    near = passage.sentences[max(place - AROUND, 0) : place + AROUND + 1]
    return " ".join(one for one in near if one == key or random.random() < 0.75)


def _anything(text: str) -> bool:
    return True
