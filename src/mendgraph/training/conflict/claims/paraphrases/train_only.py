"""Attributes that only train knows, so that a model learns to find what is asked for, not a list of attributes."""

from __future__ import annotations

from typing import Final

from mendgraph.training.conflict.claims.attribute import Attribute
from mendgraph.training.conflict.claims.paraphrases import only_dated_measured, only_named_disputed

TRAIN_ONLY: Final[tuple[Attribute, ...]] = (*only_dated_measured.ONLY, *only_named_disputed.ONLY)
