"""One scalar per expert and token: how well the expert is placed to predict the next token.

A head is a perceptron H-256-128-1 over the hidden state that its own expert predicts the next token from.  The heads of
all experts are held as stacked tensors and computed in one batched product per layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from mendgraph.errors import ConfigError

__all__ = ["ExpertHeads"]

_EPSILON = 1e-5  # of the normalisation, as in nn.LayerNorm


class ExpertHeads(nn.Module):
    """Scalar heads of M experts and, for fusion, the complementary logits.

    Each hidden layer is linear, LayerNorm, ReLU, dropout; the last one starts at zero, so that untrained heads give
    equal weights.

    Attributes:
        experts: names, in the order of the first axis everywhere.
        temperature: () of the softmax over experts; 1 until calibrated.
        slope, offset: (M,) of an expert's `trust` in itself; 1 and 0 until calibrated.

    Args:
        hidden_size: H, of the widest expert; narrower states are filled up with zeros, which changes nothing.
        hidden_dims: widths of the hidden layers; () makes a linear head.
        norm: False leaves the LayerNorm out.
        fusion_rank: R of the complementary logits; 0 for none.
    """

    temperature: Tensor
    slope: Tensor
    offset: Tensor

    def __init__(
        self,
        experts: Sequence[str],
        hidden_size: int,
        *,
        hidden_dims: Sequence[int] = (256, 128),
        dropout: float = 0.1,
        norm: bool = True,
        fusion_rank: int = 0,
    ) -> None:
        if not experts or len(set(experts)) < len(experts):
            raise ConfigError(f"heads: experts need names of their own, got {list(experts)}")
        if hidden_size < 1 or any(width < 1 for width in hidden_dims) or not 0 <= dropout < 1:
            raise ConfigError(
                f"heads: hidden_size {hidden_size} and hidden_dims {list(hidden_dims)} must be >= 1, "
                f"dropout {dropout} in [0, 1)"
            )
        super().__init__()
        self.experts, self.hidden_size = tuple(experts), hidden_size
        self.hidden_dims, self.norm, self.fusion_rank = tuple(hidden_dims), norm, fusion_rank
        count, sizes = len(self.experts), [hidden_size, *hidden_dims, 1]
        self.weights = nn.ParameterList(
            _uniform(count, outward, inward) for inward, outward in pairwise(sizes)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(count, width)) for width in sizes[1:])
        nn.init.zeros_(self.weights[-1])
        normed = hidden_dims if norm else ()
        self.gains = nn.ParameterList(nn.Parameter(torch.ones(count, width)) for width in normed)
        self.shifts = nn.ParameterList(nn.Parameter(torch.zeros(count, width)) for width in normed)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("slope", torch.ones(count))
        self.register_buffer("offset", torch.zeros(count))
        if fusion_rank:
            self.fusion_down = _uniform(count, fusion_rank, hidden_size)
            self.fusion_up = nn.Parameter(torch.zeros(count, hidden_size, fusion_rank))

    def forward(self, states: Tensor, experts: Sequence[int] | None = None) -> Tensor:
        """(K, ..., H) -> (K, ...) scores in float32; any real number, higher is better placed.

        Args:
            experts: which of the M experts the K parts of `states` belong to; None means all of them.
        """
        found = states.to(self.weights[0].dtype).reshape(states.shape[0], -1, states.shape[-1])  # (K, N, H)
        pick = _pick(range(len(self.experts)) if experts is None else experts)
        last = len(self.weights) - 1
        for number in range(last + 1):
            found = torch.baddbmm(self.biases[number][pick, None], found, self.weights[number][pick].mT)
            if number < last:
                if self.norm:
                    gain, shift = self.gains[number][pick, None], self.shifts[number][pick, None]
                    found = torch.addcmul(shift, _normal(found), gain)
                found = self.dropout(found.relu())
        return found.reshape(states.shape[:-1]).float()

    def mixture(self, scores: Tensor) -> Tensor:
        """(K, ...) scores -> (K, ...) weights of the experts: softmax over the first axis, summing to 1."""
        return torch.softmax(scores / self.temperature, dim=0)

    def trust(self, scores: Tensor, experts: Sequence[int]) -> Tensor:
        """(K, ...) scores -> (K, ...) in [0, 1]: each expert's own confidence, without a look at the others."""
        shape, pick = (-1, *[1] * (scores.dim() - 1)), _pick(experts)
        slope, offset = self.slope[pick].view(shape), self.offset[pick].view(shape)
        return torch.sigmoid(torch.addcmul(offset, scores, slope))

    def complement(self, states: Tensor, chosen: Tensor) -> Tensor:
        """(M, N, H) states of all experts, (N,) the chosen one of each row -> (N, H), to add to the chosen one's state.

        Through the chosen expert's output matrix W it becomes W c: logits over the vocabulary that complement the
        expert's own, made from what all of them read.  States of an expert that is not there are zeros.
        """
        inner = torch.einsum("mnh,mrh->nr", states.to(self.fusion_down.dtype), self.fusion_down)
        found: Tensor = torch.bmm(self.fusion_up[chosen], nn.functional.gelu(inner)[:, :, None])[:, :, 0]
        return found.to(states.dtype)


def _uniform(count: int, outward: int, inward: int) -> nn.Parameter:
    """(count, outward, inward), as nn.Linear draws its weight."""
    return nn.Parameter(torch.empty(count, outward, inward).uniform_(-(inward**-0.5), inward**-0.5))


def _normal(values: Tensor) -> Tensor:
    return torch.nn.functional.layer_norm(values, values.shape[-1:], eps=_EPSILON)


def _pick(experts: Sequence[int]) -> slice | list[int]:
    """Index of these experts; where they stand side by side one that copies nothing."""
    first, last = experts[0], experts[-1] + 1
    return slice(first, last) if [*experts] == [*range(first, last)] else [*experts]
