"""Keeps what a model writes to what stands in a text, word for word."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["Copying"]

_NEVER = -1e9  # finite, so that a check for damaged logits still works


class Copying:
    """One answer that is a stretch of a text.

    A value that was copied can be quoted, and found again in its document; a small model that writes freely misspells
    names that it has never seen.

    Args:
        text: token ids.
        begins: for each of them whether a word begins with it, so that no answer begins or ends within a word.
        end: the token that ends an answer.
    """

    def __init__(self, text: Sequence[int], begins: Sequence[bool], end: int) -> None:
        self._text, self._begins, self._end = tuple(text), tuple(begins), end
        self._next = [place for place, first in enumerate(self._begins) if first or place == 0]
        self._begun = False

    def restricted(self, logits: Tensor) -> Tensor:
        """(V,) with every token that cannot come next out of reach; as they are where nothing can be copied."""
        allowed = {self._text[place] for place in self._next if place < len(self._text)}
        if not allowed or (self._begun and any(self._ends(place) for place in self._next)):
            allowed.add(self._end)
        found = torch.full_like(logits, _NEVER)
        places = torch.tensor(sorted(allowed), device=logits.device)
        return found.index_copy(0, places, logits[places])

    def _ends(self, place: int) -> bool:
        """Whether the word before `place` is complete."""
        return place == len(self._text) or self._begins[place]

    def take(self, token: int) -> None:
        self._next = [
            place + 1 for place in self._next if place < len(self._text) and self._text[place] == token
        ]
        self._begun = True
