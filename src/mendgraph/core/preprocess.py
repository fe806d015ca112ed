"""From what the caller gave to what the tiers read."""

from __future__ import annotations

from typing import Any

from mendgraph.core import emojis
from mendgraph.core.text import LIMIT, clean
from mendgraph.core.values import Input

MOST_EMOJI_LISTED = 50


def prepare(raw: object, *, limit: int = LIMIT) -> Input:
    """Clean one row and turn its emoji into words.

    Facts: always ``emoji_only``; where there are emoji, ``emoji`` (the first 50 clusters) and
    ``emoji_count``; and whatever `clean` had to do.  ``raw`` has lone surrogates replaced by "?", so that
    it can be stored.

    Raises:
        InputError: the row is no text, or holds nothing a person could read.
    """
    cleaned = clean(raw, limit=limit)
    original = str(raw)
    if not original.isascii():
        original = original.encode("utf-8", "replace").decode("utf-8")
    facts: dict[str, Any] = {**cleaned.facts, "emoji_only": False}
    found = emojis.find(cleaned.text)
    if found:
        facts["emoji"] = found[:MOST_EMOJI_LISTED]
        facts["emoji_count"] = len(found)
        facts["emoji_only"] = emojis.only_emoji(cleaned.text)
    text = emojis.to_words(cleaned.text)
    if len(text) > limit:  # ten thousand emoji are two hundred thousand characters of words
        facts.setdefault("cut", len(text))
        text = text[:limit].rsplit(" ", 1)[0]
    return Input(text or cleaned.text, original, facts)
