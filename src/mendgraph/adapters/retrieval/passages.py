"""Cuts a long text into passages a reader can take, at paragraphs, else at sentences, else at blanks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

LONGEST: Final = 1200
"""Characters of a passage, about 250 tokens."""

_BORDERS: Final = (re.compile(r"\n\s*\n"), re.compile(r"(?<=[.!?])\s+"), re.compile(r"\s+"))


def passages(text: str, longest: int = LONGEST) -> list[str]:
    """In order, none longer than `longest`; a text that is short enough stays whole."""
    return list(_pieces(text.strip(), longest, 0))


def _pieces(text: str, longest: int, border: int) -> Iterator[str]:
    if len(text) <= longest:
        if text:
            yield text
        return
    if border == len(_BORDERS):
        yield from (text[start : start + longest] for start in range(0, len(text), longest))
        return
    gathered = ""
    glue = "\n\n" if border == 0 else " "
    for part in (piece.strip() for piece in _BORDERS[border].split(text)):
        if gathered and len(gathered) + len(glue) + len(part) > longest:
            yield from _pieces(gathered, longest, border + 1)
            gathered = ""
        gathered = f"{gathered}{glue}{part}" if gathered else part
    yield from _pieces(gathered, longest, border + 1)
