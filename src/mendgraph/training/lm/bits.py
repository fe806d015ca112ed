"""Bits per byte: the loss of a language model in a unit that does not depend on its tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from math import log
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mendgraph.training.lm.packing import IGNORED, Windows


def bits_per_byte(
    model: nn.Module,
    windows: Windows,
    byte_lengths: Tensor,
    *,
    rows: int,
    device: torch.device,
    precision: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> float:
    """Negative log2-likelihood of the targets over the UTF-8 bytes they stand for.

    END is predicted and paid for like any token; it has no bytes.  A token's context begins with its window.

    Args:
        byte_lengths: (V,), see `tokenizer.byte_lengths`.
        rows: windows per forward pass; each pass has that many, so that compiled code sees one shape.
    """
    nats = torch.zeros((), dtype=torch.float64, device=device)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for start in range(0, len(windows.inputs), rows):
            inputs, targets = (part[start : start + rows] for part in (windows.inputs, windows.targets))
            lacking = rows - len(inputs)
            inputs = functional.pad(inputs, (0, 0, 0, lacking)).to(device)
            targets = functional.pad(targets, (0, 0, 0, lacking), value=IGNORED).to(device)
            with precision():
                logits = model(input_ids=inputs, use_cache=False).logits  # (B, L, V)
            for scores, wanted in zip(logits, targets, strict=True):  # row by row: float32 copies stay small
                nats += functional.cross_entropy(
                    scores.float(), wanted, ignore_index=IGNORED, reduction="sum"
                ).double()
    model.train(was_training)
    wanted = windows.targets[windows.targets != IGNORED]
    return float(nats.item()) / log(2) / int(byte_lengths[wanted].sum())
