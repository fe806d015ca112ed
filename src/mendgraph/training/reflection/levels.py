"""The three levels of a counsellor's response by number, as the data have them; `core.reflection` names them."""

from __future__ import annotations

from typing import Final

TASK: Final = "reflection"

LOW, MEDIUM, HIGH = range(3)
"""Indices of `mendgraph.core.reflection.LABELS`."""
