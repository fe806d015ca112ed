"""Token states of a BERT encoder's upper layers for pairs of texts, and one vector per pair made of them.

A sentence encoder's last layer keeps what a text is about and forgets how it is put; the layers below it still
know.  So a pair's vector holds the mean state of each text at each of several layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name every torch user reads

from mendgraph.errors import ConfigError

__all__ = ["climb", "depth", "embedded", "head_inputs", "input_widths", "pair_vectors"]


def depth(encoder: nn.Module) -> int:
    """Number of layers.

    Raises:
        ConfigError: it is not built like BERT, from ``embeddings`` with segment ids and ``encoder.layer``.
    """
    layers = getattr(getattr(encoder, "encoder", None), "layer", None)
    if not isinstance(layers, nn.ModuleList) or not hasattr(encoder, "embeddings"):
        raise ConfigError(
            f"{type(encoder).__name__} is not built like BERT: its layers cannot be read one by one",
            hint="use the embedded encoder or another BERT",
        )
    return len(layers)


def embedded(encoder: nn.Module, ids: Tensor, types: Tensor | None) -> Tensor:
    """Token and segment ids (B, T) -> (B, T, H), the input of the first layer."""
    parts: Any = encoder
    states: Tensor = parts.embeddings(input_ids=ids, token_type_ids=types)
    return states


def climb(
    encoder: nn.Module, states: Tensor, mask: Tensor | None, start: int = 0, stop: int | None = None
) -> list[Tensor]:
    """The states before layer `start`, and after each layer up to `stop`: each (B, T, H).

    Args:
        states: what layer `start` gets.
        mask: (B, T), 0 where padded; None when no row is.
    """
    parts: Any = encoder
    found = [states]
    hidden = None
    if mask is not None:
        # added to the attention's logits, (B, 1, 1, T); understood by every implementation of it
        hidden = torch.zeros_like(mask, dtype=states.dtype).masked_fill(
            mask == 0, torch.finfo(states.dtype).min
        )[:, None, None, :]
    for layer in parts.encoder.layer[start:stop]:
        found.append(layer(found[-1], hidden if hidden is None else hidden.to(found[-1].dtype)))
    return found


def pair_vectors(layers: Sequence[Tensor], mask: Tensor | None, types: Tensor) -> Tensor:
    """(B, W) float32, W = 2 L H + 1: the mean state of the first text at each layer, then that of the second, and the
    logarithm of the second text's tokens.

    Args:
        layers: L of (B, T, H).
        mask: (B, T), 0 where padded; None when no row is.
        types: (B, T), 1 for tokens of the second text.
    """
    second = types.float() if mask is None else types * mask.float()
    first = (torch.ones_like(second) if mask is None else mask.float()) - second
    spans = [(span.unsqueeze(-1), span.sum(1, keepdim=True)) for span in (first, second)]
    means = [(states.float() * span).sum(1) / count for span, count in spans for states in layers]
    return torch.cat([*means, second.sum(1, keepdim=True).log()], dim=1)


def head_inputs(together: Tensor, prompts: Tensor, responses: Tensor, layers: int) -> Tensor:
    """(B, sum of `input_widths`): what a `LevelHead` reads of B pairs.

    The pair's own vector; product and absolute difference of both texts' unit vectors, each read by itself (Conneau
    et al. 2017), which say best whether they belong together; and what the response's own vector says of it.

    Args:
        together, prompts, responses: (B, W) `pair_vectors` of the pairs, of the prompts with an empty response, and
            of the responses with an empty prompt.
        layers: L of them.
    """
    size = together.shape[1] // (2 * layers)
    first = F.normalize(prompts[:, (layers - 1) * size : layers * size], dim=1) * size**0.5
    second = F.normalize(responses[:, (2 * layers - 1) * size : 2 * layers * size], dim=1) * size**0.5
    return torch.cat([together, first * second, (first - second).abs(), responses[:, layers * size :]], dim=1)


def input_widths(hidden_size: int, layers: int) -> tuple[int, int]:
    """Of the two parts of `head_inputs`: what tells of the pair, and what tells of the response by itself."""
    return 2 * layers * hidden_size + 1 + 2 * hidden_size, layers * hidden_size + 1
