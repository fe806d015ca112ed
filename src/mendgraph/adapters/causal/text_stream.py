"""Token ids to text while they come: no piece is taken back, and a character of several tokens comes whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mendgraph.adapters.causal.vocabulary import Vocabulary

__all__ = ["TextStream", "cut_at_stop", "settled_length"]

_UNFINISHED = "\ufffd"  # what a decoder writes for a character whose last bytes are missing
_PATIENCE = 8  # tokens; a character has four bytes at most, so more of them are not one
_LONGEST = 32  # tokens of the window


@dataclass(slots=True)
class TextStream:
    """Decodes a window at the end of the ids, so that a token costs the same however long the text is.

    Attributes:
        start: first id of the window, which gives the decoder its context.
        shown: ids whose text has been given out.
    """

    vocabulary: Vocabulary
    start: int = 0
    shown: int = 0

    def next(self, ids: Sequence[int], *, last: bool = False) -> str:
        """The text that became certain with the newest id; "" while a character is incomplete.

        Args:
            ids: all of them so far.
            last: give out the rest, whatever it is.
        """
        before = self.vocabulary.decode(ids[self.start : self.shown])
        text = self.vocabulary.decode(ids[self.start :])
        if text == before and len(ids) - self.start < _LONGEST:  # special tokens only; keep the context
            self.shown = len(ids)
            return ""
        waiting = text.endswith(_UNFINISHED) or len(text) < len(before)
        if waiting and not last and len(ids) - self.shown < _PATIENCE:
            return ""
        self.start, self.shown = self.shown, len(ids)
        return text[len(before) :]


def cut_at_stop(text: str, stops: Sequence[str], since: int = 0) -> int | None:
    """Where the first stop begins that ends after the first `since` characters; None without one."""
    longest = max(map(len, stops), default=0)
    found = [text.find(stop, max(0, since - longest + 1)) for stop in stops]
    return min((place for place in found if place >= 0), default=None)


def settled_length(text: str, stops: Sequence[str]) -> int:
    """Characters that no stop can take back: all but the longest end that a stop begins with."""
    longest = max(map(len, stops), default=0)
    for start in range(max(0, len(text) - longest + 1), len(text)):
        if any(stop.startswith(text[start:]) for stop in stops):
            return start
    return len(text)
