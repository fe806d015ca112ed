"""Hashed TF-IDF features of a text: words, word pairs, and character n-grams inside words."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

WORD = re.compile(r"\w\w+|[!?]+")
CHARACTERS = range(2, 6)
BLOCKS = ("words", "characters")

Counts = Counter[int]


def counts(text: str) -> tuple[Counts, Counts]:
    """Occurrences of every feature by its 32-bit key: one counter for words, one for character n-grams.

    Character n-grams do not cross word borders; words are padded with a space.  A word
    shorter than n counts whole, once for every such n.
    """
    text = text.lower()
    words = WORD.findall(text)
    pairs = [f"{a} {b}" for a, b in pairwise(words)]
    grams: list[str] = []
    for word in text.split():
        padded = f" {word[:64]} "
        for n in CHARACTERS:
            grams.extend(padded[i : i + n] for i in range(max(len(padded) - n + 1, 1)))
    return (
        Counter(crc32(b"w" + w.encode("utf-8", "replace")) for w in [*words, *pairs]),
        Counter(crc32(b"c" + g.encode("utf-8", "replace")) for g in grams),
    )


@dataclass(frozen=True, slots=True)
class LexicalModel:
    """Multinomial logistic regression on TF-IDF features.

    Attributes:
        keys: (K,) uint32, ascending; the features that were kept.
        idf: (K,) inverse document frequencies.
        weights: (K, C).
        bias: (C,).
    """

    keys: npt.NDArray[np.uint32]
    idf: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]

    def logits(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """(N, C) logits.  Texts without a known feature get the bias alone."""
        return np.stack([self._one(text) for text in texts]) if texts else np.zeros((0, len(self.bias)))

    def _one(self, text: str) -> npt.NDArray[np.float64]:
        logits = self.bias.astype(np.float64)
        for block in counts(text):
            columns, values = weigh(block, self.keys, self.idf)
            if len(columns):
                logits = logits + values @ self.weights[columns]
        return logits


def weigh(
    block: Counts, keys: npt.NDArray[np.uint32], idf: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Columns and values ``(1 + log tf) idf`` of the known features, scaled to unit Euclidean length."""
    if not block or not len(keys):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    wanted = np.fromiter(block.keys(), dtype=np.uint32, count=len(block))
    places = np.searchsorted(keys, wanted)
    known = keys[np.minimum(places, len(keys) - 1)] == wanted
    tf = np.fromiter((1.0 + math.log(n) for n in block.values()), dtype=np.float64, count=len(block))
    columns = places[known].astype(np.int64)
    values = tf[known] * idf[columns]
    length = float(np.sqrt((values**2).sum()))
    return columns, values / length if length > 0.0 else values
