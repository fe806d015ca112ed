"""A tier that needs no training: does the text entail a sentence that names the label?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mendgraph.adapters.hashing import sha256_of_json
from mendgraph.adapters.outcomes import nan_rows, outcome
from mendgraph.adapters.sequence_model import SequenceModel
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactError, ConfigError

__all__ = ["ZeroShotTier"]


class ZeroShotTier:
    """Scores each label by a natural-language-inference model (Yin et al. 2019, "Benchmarking zero-shot text
    classification"): softmax over labels of the entailment logit.

    Args:
        model: hub name or folder of an NLI classifier; one of its labels must begin with "entail".
        labels: the graph's labels, in its order.
        template: hypothesis with ``{}`` where the label's wording goes.
        wording: label -> words to use in place of its name, e.g. ``{"neutral": "no emotion"}``.
    """

    def __init__(
        self,
        name: str,
        model: str,
        labels: Sequence[str],
        template: str = "This text expresses {}.",
        *,
        wording: Mapping[str, str] | None = None,
        device: str = "auto",
        precision: str = "fp32",
        max_length: int = 128,
        batch_size: int = 16,
    ) -> None:
        if template.count("{}") != 1:
            raise ConfigError(f"zero-shot template {template!r} needs one {{}} for the label")
        odd = sorted(set(wording or {}) - set(labels))
        if odd or len(labels) < 2:
            raise ConfigError(
                f"zero-shot labels {list(labels)}: need two or more; wording names unknown {odd}"
            )
        self.name = name
        self.labels = tuple(labels)
        self._hypotheses = [template.replace("{}", (wording or {}).get(label, label)) for label in labels]
        self._model = SequenceModel.open(
            model, device=device, precision=precision, max_length=max_length, batch_size=batch_size
        )
        places = [i for i, label in enumerate(self._model.labels) if label.casefold().startswith("entail")]
        if len(places) != 1:
            raise ArtifactError(
                f"{model!r} has no entailment label among {', '.join(self._model.labels)}",
                hint="use a natural-language-inference model whose id2label names entailment",
            )
        self._entailment = places[0]
        self.fingerprint = sha256_of_json({"model": self._model.fingerprint, "hypotheses": self._hypotheses})[
            :16
        ]

    def predict(self, rows: Sequence[Input]) -> Sequence[Prediction | Failure]:
        if not rows:
            return []
        pairs = [(row.text, hypothesis) for row in rows for hypothesis in self._hypotheses]
        entailed = self._model.pair_logits(pairs)[:, self._entailment]
        scores = nan_rows(entailed.view(len(rows), len(self.labels))).softmax(-1).tolist()
        return [outcome(self.name, self.labels, row) for row in scores]
