"""Training rows written by this project: emoji, negation, mixed feelings, sarcasm and praise, neutral rows.

The same seed gives the same rows, all distinct.  For training only: the contrast set that evaluates these
phenomena shares no frame with them, and `mendgraph.evaluation.contrast.leak_check` says so.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mendgraph.training.emotion.dedupe import text_key
from mendgraph.training.emotion.emoji_frames import AGREEING, BARE, EMOJI
from mendgraph.training.emotion.frames import CONCESSIONS, FEELINGS, FIRST_HALVES, NEGATION, NEUTRAL, WORDS
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.situations import (
    COMPLAINTS,
    DELIGHT,
    PRAISE,
    REPORTS,
    SARCASTIC,
    SINCERE,
    SITUATIONS,
    TEDIUM,
)
from mendgraph.training.emotion.tables import write_table

# Rows per family; "sarcasm" counts ironic, sincere, complaining and reporting rows together, "praise" both kinds.
SIZES = {"emoji": 420, "negation": 420, "mixed": 360, "sarcasm": 640, "praise": 900, "neutral": 320}

_SLOT = re.compile(r"\{(\w+?)(2?)\}")


@dataclass(frozen=True, slots=True)
class Augmented:
    """One written row.

    Attributes:
        irony: 1 ironic, 0 meant as said, None where the family says nothing about irony.
    """

    text: str
    label8: str
    irony: int | None
    family: str


def augment(seed: int = 0) -> list[Augmented]:
    """All families, in order; sizes as in `SIZES`."""
    rng = random.Random(seed)
    taken: set[str] = set()
    rows: list[Augmented] = []
    makers: dict[str, Callable[[random.Random], Iterator[Augmented]]] = {
        "emoji": _emoji, "negation": _negation, "mixed": _mixed, "sarcasm": _sarcasm,
        "praise": _praise, "neutral": _neutral,
    }  # fmt: skip
    for family, make in makers.items():
        rows += islice(_fresh(make(rng), taken), SIZES[family])
    return rows


def _fresh(rows: Iterator[Augmented], taken: set[str]) -> Iterator[Augmented]:
    for row in rows:
        key = text_key(row.text)
        if key not in taken:
            taken.add(key)
            yield row


def write_augmentation(path: Path, rows: Sequence[Augmented]) -> None:
    """Parquet with the columns text, label8, irony, family."""
    write_table(
        path,
        {
            "text": [row.text for row in rows],
            "label8": [row.label8 for row in rows],
            "irony": [row.irony for row in rows],
            "family": [row.family for row in rows],
        },
        {"text": "string", "label8": "string", "irony": "int8", "family": "string"},
    )


def _emoji(rng: random.Random) -> Iterator[Augmented]:
    """In turn: words and emoji that agree, bare words where the emoji decides, only emoji."""
    while True:
        for label in LABELS:
            pool = EMOJI[label]
            some = rng.sample(pool, rng.randint(1, 2))
            yield Augmented(
                _cased(rng, rng.choice(AGREEING[label])) + " " + "".join(some), label, None, "emoji"
            )
            yield Augmented(
                _cased(rng, rng.choice(BARE)) + " " + rng.choice(pool) * rng.randint(1, 3),
                label,
                None,
                "emoji",
            )
            only = rng.choices(pool, k=rng.randint(1, 4))
            yield Augmented(rng.choice(("", " ")).join(only), label, None, "emoji")


def _negation(rng: random.Random) -> Iterator[Augmented]:
    while True:
        for label, frame in rng.sample(NEGATION, len(NEGATION)):
            yield Augmented(_sentence(rng, frame), label, None, "negation")


def _mixed(rng: random.Random) -> Iterator[Augmented]:
    while True:
        for label in FEELINGS:
            other = rng.choice([name for name in FIRST_HALVES if name != label])
            text = rng.choice(CONCESSIONS).format(
                first=_fill(rng, rng.choice(FIRST_HALVES[other])),
                second=_fill(rng, rng.choice(FEELINGS[label])),
            )
            yield Augmented(text[0].upper() + text[1:], label, None, "mixed")


def _sarcasm(rng: random.Random) -> Iterator[Augmented]:
    """Half ironic, a quarter sincere, the rest plain complaints and plain reports of the same situations."""
    while True:
        for bad, good in rng.sample(SITUATIONS, len(SITUATIONS)):
            yield _about(rng, SARCASTIC, bad, good, "anger", 1)
            yield _about(rng, SINCERE, bad, good, "joy", 0)
            yield _about(rng, SARCASTIC, bad, good, "anger", 1)
            kind, label = ((COMPLAINTS, "anger"), (REPORTS, "neutral"))[rng.random() < 0.4]
            yield _about(rng, kind, bad, good, label, 0)


def _praise(rng: random.Random) -> Iterator[Augmented]:
    """The same praise of tedious and of delightful things: only what is praised tells which is meant."""
    while True:
        for frame in rng.sample(PRAISE, len(PRAISE)):
            for things, label, irony in ((TEDIUM, "anger", 1), (DELIGHT, "joy", 0)):
                text = re.sub(
                    r"(?:^|(?<=[?!.] ))\w",
                    lambda first: first[0].upper(),
                    frame.format(thing=rng.choice(things)),
                )
                yield Augmented(text, label, irony, "praise")


def _about(
    rng: random.Random, frames: tuple[str, ...], bad: str, good: str, label: str, irony: int
) -> Augmented:
    text = rng.choice(frames).format(bad=bad, good=good)
    text = re.sub(r"(?<=[?!.] )\w", lambda first: first[0].upper(), text)
    return Augmented(text, label, irony, "sarcasm")


def _neutral(rng: random.Random) -> Iterator[Augmented]:
    while True:
        for frame in rng.sample(NEUTRAL, len(NEUTRAL)):
            yield Augmented(_sentence(rng, frame), "neutral", 0, "neutral")


def _sentence(rng: random.Random, frame: str) -> str:
    text = _fill(rng, frame)
    return text[0].upper() + text[1:]


def _fill(rng: random.Random, frame: str) -> str:
    """Fill the slots; ``{place2}`` takes another word than ``{place}``."""
    # In order of appearance: a set's order changes from process to process, and with it the draws.
    names = dict.fromkeys(slot[1] for slot in _SLOT.finditer(frame))
    words = {name: rng.sample(WORDS[name], 2) for name in names}
    return _SLOT.sub(lambda slot: words[slot[1]][bool(slot[2])], frame)


def _cased(rng: random.Random, text: str) -> str:
    return rng.choice((text, text[0].upper() + text[1:], text + "!", text + "..."))
