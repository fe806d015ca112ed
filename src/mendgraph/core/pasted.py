"""Several documents in one text, as tables and people's clipboards hold them."""

from __future__ import annotations

import ast
import json
import re
from typing import Final

__all__ = ["documents_in", "paragraphs"]

_BLANK: Final = re.compile(r"\n[^\S\n]*\n\s*")


def documents_in(text: str) -> list[object]:
    """A list of texts or mappings written as JSON or as Python shows it, else the paragraphs of the text."""
    listed = _list_in(text.strip())
    return list(paragraphs(text)) if listed is None else listed


def paragraphs(text: str) -> list[str]:
    """Parts of a text between blank lines; none is empty."""
    return [part for part in (piece.strip() for piece in _BLANK.split(text)) if part]


def _list_in(text: str) -> list[object] | None:
    if not (text.startswith("[") and text.endswith("]")):
        return None
    found: object = None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        try:  # what pandas writes into a CSV file for a list
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    return found if isinstance(found, list) and all(isinstance(one, str | dict) for one in found) else None
