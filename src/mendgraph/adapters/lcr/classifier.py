"""The types of conflicts by any sequence classifier that reads ``query [SEP] document [SEP] document ...``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mendgraph.adapters.sequence_model import SequenceModel

__all__ = ["VARIANTS", "TypesClassifier"]

VARIANTS = {
    "deberta_v3_large": "microsoft/deberta-v3-large",
    "distilbert_base": "distilbert-base-uncased",
    "tinybert": "huawei-noah/TinyBERT_General_4L_312D",
}
"""Published variant -> the encoder it was made from."""


@dataclass(frozen=True, slots=True)
class TypesClassifier:
    """
    Attributes:
        labels: what the model calls the types, in the order of its probabilities.
    """

    model: SequenceModel
    variant: str

    @property
    def labels(self) -> tuple[str, ...]:
        return self.model.labels

    @property
    def fingerprint(self) -> str:
        return self.model.fingerprint

    def probabilities(self, query: str, documents: Sequence[str]) -> list[float]:
        """Of each label; what does not fit into the model's length is cut off at the end."""
        text = " [SEP] ".join((query, *documents))
        found: list[float] = self.model.logits([text]).double().softmax(-1)[0].tolist()
        return found
