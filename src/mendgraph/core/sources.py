"""How reliable a kind of source is taken to be, where nobody says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["RELIABILITY", "reliability_of"]

RELIABILITY: Final[Mapping[str, float]] = {
    "official register": 0.95,
    "court record": 0.95,
    "land registry": 0.95,
    "statistics office": 0.95,
    "scientific journal": 0.8,
    "encyclopedia": 0.8,
    "university archive": 0.8,
    "newspaper": 0.6,
    "news agency": 0.6,
    "museum guide": 0.6,
    "advertising brochure": 0.4,
    "travel magazine": 0.4,
    "company leaflet": 0.4,
    "internet forum": 0.2,
    "anonymous blog": 0.2,
    "social media post": 0.2,
}
"""Kind of source -> reliability in [0, 1].  A convention, used by the generated claim sets and by documents that name
their source without a figure; a document's own figure goes before it."""


def reliability_of(source: str | None) -> float | None:
    """Of the kind that the name ends with, as in "city land registry"; None for a kind that is not known."""
    if not source:
        return None
    words = source.casefold().strip()
    return next((worth for kind, worth in RELIABILITY.items() if words.endswith(kind)), None)
