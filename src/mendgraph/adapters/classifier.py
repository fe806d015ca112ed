"""A tier made of any Hugging Face sequence classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mendgraph.adapters.hashing import sha256_of_json
from mendgraph.adapters.outcomes import nan_rows, outcome
from mendgraph.adapters.sequence_model import SequenceModel
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactError, ConfigError

__all__ = ["ClassifierTier"]


class ClassifierTier:
    """Answers rows with a model of its own, whose labels are mapped onto the graph's.

    Several of the model's labels may map to one of the graph's; their probabilities add up.  A graph label
    that nothing maps to scores 0.

    Args:
        model: hub name, model folder, or PEFT folder; see `SequenceModel.open`.
        labels: the graph's labels, in its order.
        label_map: model label -> graph label, or None to leave a model label out (its probability is spread
            over the others).  Labels it does not name are matched by name, whatever their case.

    Raises:
        ArtifactError: a label of the model maps to nothing.
    """

    def __init__(
        self,
        name: str,
        model: str,
        labels: Sequence[str],
        label_map: Mapping[str, str | None] | None = None,
        *,
        device: str = "auto",
        precision: str = "fp32",
        max_length: int = 128,
        batch_size: int = 16,
    ) -> None:
        self.name = name
        self.labels = tuple(labels)
        self._model = SequenceModel.open(
            model, device=device, precision=precision, max_length=max_length, batch_size=batch_size
        )
        columns = map_labels(self._model.labels, self.labels, label_map or {}, model)
        self._map = torch.zeros(len(columns), len(self.labels))  # (model labels, graph labels) of 0 and 1
        for row, column in enumerate(columns):
            if column is not None:
                self._map[row, column] = 1.0
        self.fingerprint = sha256_of_json(
            {"model": self._model.fingerprint, "map": columns, "labels": self.labels}
        )[:16]

    def predict(self, rows: Sequence[Input]) -> Sequence[Prediction | Failure]:
        if not rows:
            return []
        logits = nan_rows(self._model.logits([row.text for row in rows]))
        scores = self._scores(logits).tolist()
        return [outcome(self.name, self.labels, row) for row in scores]

    def _scores(self, logits: Tensor) -> Tensor:
        """(N, graph labels), rows summing to 1; NaN where the logits are, or no mapped label has any mass."""
        parts = logits.double().sigmoid() if self._model.multi_label else logits.double().softmax(-1)
        mapped = parts @ self._map.double()
        return mapped / mapped.sum(-1, keepdim=True)


def map_labels(
    found: Sequence[str], wanted: Sequence[str], label_map: Mapping[str, str | None], model: str
) -> list[int | None]:
    """For each of the model's labels, the place of the graph's label that it stands for; None leaves it out."""
    given = {label.casefold(): target for label, target in label_map.items()}
    unknown = sorted(set(given) - {label.casefold() for label in found})
    targets = sorted({target for target in given.values() if target is not None and target not in wanted})
    if unknown or targets:
        raise ConfigError(
            f"label_map of {model!r}: unknown model labels {unknown}, unknown graph labels {targets}",
            hint=f"the model has {', '.join(found)}; the graph has {', '.join(wanted)}",
        )
    places = {label.casefold(): place for place, label in enumerate(wanted)}
    columns: list[int | None] = []
    lost: list[str] = []
    for label in found:
        key = label.casefold()
        target = given.get(key, label)
        if target is None:
            columns.append(None)
        elif target.casefold() in places:
            columns.append(places[target.casefold()])
        else:
            lost.append(label)
    if lost:
        raise ArtifactError(
            f"labels of {model!r} match none of the graph's: {', '.join(lost)}",
            hint=f"map them with label_map onto {', '.join(wanted)}, or to null to leave them out",
        )
    if not any(column is not None for column in columns):
        raise ConfigError(f"label_map of {model!r} leaves every label out")
    return columns
