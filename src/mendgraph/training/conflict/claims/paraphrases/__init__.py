"""More wordings of every attribute, for train alone: what is learned from few wordings is not read in others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mendgraph.training.conflict.claims.paraphrases import dated, disputed, measured, named
from mendgraph.training.conflict.claims.paraphrases.paraphrase import Paraphrases

__all__ = ["PARAPHRASES", "Paraphrases"]

PARAPHRASES: Final[Mapping[str, Paraphrases]] = {
    **dated.PARAPHRASES,
    **measured.PARAPHRASES,
    **named.PARAPHRASES,
    **disputed.PARAPHRASES,
}
"""Name of an attribute -> its wordings."""
