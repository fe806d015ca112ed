"""What a trained model answers on held-out rows, with the weights as they will be stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mendgraph.core.arrays import FloatArray, IntArray, sigmoid, softmax
from mendgraph.training.emotion.collate import Collate, Encoded, known
from mendgraph.training.emotion.corpus import Row
from mendgraph.training.emotion.measure import emotion_metrics, irony_metrics
from mendgraph.training.emotion.model import EmotionModel

ROUNDING_TOLERANCE = 2e-3
"""Macro-F1 on dev that half-precision adapter weights may cost; beyond it they are stored in float32."""

EVALUATION_BATCH = 64


@dataclass(frozen=True, slots=True)
class Predicted:
    """Rows beside the model's probabilities: `all_emotion` (N, 8) and `all_irony` (N,)."""

    rows: Sequence[Row]
    all_emotion: FloatArray
    all_irony: FloatArray

    def emotion(self) -> tuple[FloatArray, IntArray]:
        """(K, 8) probabilities and (K,) labels of the rows that have one of the eight labels."""
        at = known(self.rows, "emotion")
        return self.all_emotion[at], np.array([self.rows[row].emotion for row in at], dtype=np.int64)

    def irony(self) -> tuple[FloatArray, IntArray]:
        """(K,) probabilities and (K,) labels of the rows that have an irony label."""
        at = known(self.rows, "irony")
        return self.all_irony[at], np.array([self.rows[row].irony for row in at], dtype=np.int64)

    def metrics(self) -> dict[str, float]:
        return emotion_metrics(*self.emotion()) | irony_metrics(*self.irony())


def predict(model: EmotionModel, data: Encoded, pad_id: int) -> Predicted:
    """In float32 arithmetic, as inference will."""
    collate = Collate(pad_id)
    device = next(model.parameters()).device
    model.eval()
    parts: list[tuple[Tensor, Tensor]] = []
    with torch.inference_mode():
        for start in range(0, len(data), EVALUATION_BATCH):
            stop = min(start + EVALUATION_BATCH, len(data))
            batch = collate([data[at] for at in range(start, stop)])
            logits = model(batch["input_ids"].to(device), batch["attention_mask"].to(device))
            parts.append((logits["emotion"].float().cpu(), logits["irony"].float().cpu()))
    emotion, irony = (torch.cat(part).double().numpy() for part in zip(*parts, strict=True))
    return Predicted(data.rows, softmax(emotion), sigmoid(irony))


def final_predictions(
    model: EmotionModel, dev: Encoded, test: Encoded, pad_id: int, echo: Callable[[str], None]
) -> tuple[torch.dtype, Predicted, Predicted | None]:
    """Format to store the adapter in, and what it then answers on dev and (where there is one) test.

    Half precision where macro-F1 on dev hardly notices it, else float32.
    """
    exact = predict(model, dev, pad_id)
    with model.rounded(torch.float16):
        half = predict(model, dev, pad_id)
        change = _change(exact, half)
        if change < ROUNDING_TOLERANCE:
            return torch.float16, half, predict(model, test, pad_id) if len(test) else None
    echo(f"half precision would change macro-F1 on dev by {change:.4f}: the adapter is stored in float32")
    return torch.float32, exact, predict(model, test, pad_id) if len(test) else None


def _change(exact: Predicted, half: Predicted) -> float:
    if not np.isfinite(half.all_emotion).all():  # a weight beyond the range of float16
        return 1.0
    return abs(emotion_metrics(*exact.emotion())["macro_f1"] - emotion_metrics(*half.emotion())["macro_f1"])
