"""The eight labels, and how GoEmotions' 28 are mapped to them.

The maps are a choice of this project, not part of the original data.  The broad map is the Ekman grouping of
Demszky et al. (ACL 2020), except that love and caring form ``love``.  The strict map keeps only the labels
that plainly mean one of the eight: admiration, approval or gratitude are no joy, curiosity is no surprise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

LABELS = ("joy", "sadness", "anger", "fear", "love", "surprise", "neutral", "disgust")

GOEMOTIONS = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
    "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief",
    "joy", "love", "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise",
    "neutral",
)  # fmt: skip

_STRICT_GROUPS = {
    "joy": ("amusement", "excitement", "joy"),
    "sadness": ("disappointment", "grief", "remorse", "sadness"),
    "anger": ("anger", "annoyance"),
    "fear": ("fear", "nervousness"),
    "love": ("love",),
    "surprise": ("surprise",),
    "neutral": ("neutral",),
    "disgust": ("disgust",),
}
_BROAD_GROUPS = {
    "joy": (
        "admiration", "amusement", "approval", "desire", "excitement", "gratitude", "joy", "optimism", "pride",
        "relief",
    ),
    "sadness": ("disappointment", "embarrassment", "grief", "remorse", "sadness"),
    "anger": ("anger", "annoyance", "disapproval"),
    "fear": ("fear", "nervousness"),
    "love": ("caring", "love"),
    "surprise": ("confusion", "curiosity", "realization", "surprise"),
    "neutral": ("neutral",),
    "disgust": ("disgust",),
}  # fmt: skip

STRICT = {fine: label for label, group in _STRICT_GROUPS.items() for fine in group}
BROAD = {fine: label for label, group in _BROAD_GROUPS.items() for fine in group}


def to_label8(fine_labels: Iterable[str], mapping: Mapping[str, str]) -> str | None:
    """The one label all fine labels map to; None if they disagree, or if one lies outside the map."""
    mapped = {mapping.get(fine) for fine in fine_labels}
    return mapped.pop() if len(mapped) == 1 else None
