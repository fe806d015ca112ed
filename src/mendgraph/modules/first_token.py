"""The last layer of an encoder for the first token alone, where nothing else of its output is read."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name every torch user reads

__all__ = ["only_first_token"]

_LIKE_BERT = frozenset({"bert", "roberta", "xlm-roberta", "camembert"})


def only_first_token(encoder: Any) -> bool:
    """Make ``last_hidden_state`` (B, 1, H): same first token, and five sixths of the last layer's work saved.

    Of its 12 H x H products per token only keys and values remain for the others: 1.16 times as fast with six layers,
    1.07 with twelve.  Parameters and their names stay.  Encoders whose layers are not BERT's are left as they are.

    Returns:
        Whether the encoder was changed.
    """
    config = encoder.config
    fits = (
        config.model_type in _LIKE_BERT
        and not config.is_decoder
        and config._attn_implementation == "sdpa"
        and getattr(config, "position_embedding_type", "absolute") == "absolute"
    )
    if fits:
        layer = encoder.encoder.layer[-1]
        layer.forward = partial(_first_token, layer)
    return fits


def _first_token(layer: Any, states: Tensor, mask: Tensor | None = None, *_: Any, **__: Any) -> Tensor:
    """(B, T, H), mask (B, 1, T or 1, T) -> (B, 1, H): BERT's layer, Devlin et al. 2019, with one query."""
    attention: Any = layer.attention.self
    first = states[:, :1]

    def heads(part: nn.Module, rows: Tensor) -> Tensor:
        found: Tensor = part(rows)
        return found.view(*rows.shape[:2], attention.num_attention_heads, -1).transpose(1, 2)

    attended = F.scaled_dot_product_attention(
        heads(attention.query, first),
        heads(attention.key, states),
        heads(attention.value, states),
        attn_mask=None if mask is None else mask[..., :1, :],
        dropout_p=attention.dropout.p if layer.training else 0.0,
    )  # (B, heads, 1, H / heads)
    between = layer.attention.output(attended.transpose(1, 2).flatten(2), first)
    out: Tensor = layer.output(layer.intermediate(between), between)
    return out
