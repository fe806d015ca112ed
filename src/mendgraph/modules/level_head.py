"""From a pair's vectors to one logit, through the probabilities of three levels and of a mismatch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name every torch user reads

from mendgraph.core.reflection import LABELS
from mendgraph.errors import ShapeMismatch

__all__ = ["CLASSES", "LevelHead", "level_chances", "level_scores", "match_logits", "score_logits"]

CLASSES: Final = (*LABELS, "mismatch")
"""Order of the head's outputs; a mismatch is a reflection of something else."""


class LevelHead(nn.Module):
    """Two towers: which level a response has, read alone, and whether it answers this prompt, read with it.

    Apart, because a level is a matter of how a response is put: read with the prompt, a few hundred prompts are
    learned by heart instead.  Each tower is two layers with a GELU between; `mean` and `scale` standardise their
    inputs and are folded away by `plain`.

    Args:
        widths: `input_widths` of the encoder.
        hidden: units of each tower.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, widths: tuple[int, int], hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.width, alone = widths
        self.register_buffer("mean", torch.zeros(sum(widths)))
        self.register_buffer("scale", torch.ones(sum(widths)))
        self.match_first = nn.Linear(self.width, hidden)
        self.match_second = nn.Linear(hidden, 1)
        self.level_first = nn.Linear(alone, hidden)
        self.level_second = nn.Linear(hidden, 3)
        self.dropout = nn.Dropout(dropout)

    def standardise(self, vectors: Tensor) -> None:
        """Take mean and spread of these inputs."""
        self.mean.copy_(vectors.mean(0))
        self.scale.copy_(vectors.std(0) + 1e-6)

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, 4) logarithms of the classes' probabilities.

        Args:
            vectors: (B, sum of the widths), see `head_inputs`.
        """
        inputs = self.dropout((vectors - self.mean) / self.scale)
        match = self.dropout(F.gelu(self.match_first(inputs[:, : self.width])))
        level = self.dropout(F.gelu(self.level_first(inputs[:, self.width :])))
        fits = self.match_second(match).float()
        known = self.level_second(level).float().log_softmax(-1) + F.logsigmoid(fits)
        return torch.cat([known, F.logsigmoid(-fits)], dim=-1)

    @torch.no_grad()
    def rescale_match(self, slope: float, shift: float) -> None:
        """Make every match logit z into ``slope * z + shift``."""
        self.match_second.weight.mul_(slope)
        self.match_second.bias.mul_(slope).add_(shift)

    def load_plain(self, state: Mapping[str, Tensor]) -> None:
        """Take what `plain` gave.

        Raises:
            ShapeMismatch: other names, or shapes of another width.
        """
        wanted = {name: tuple(part.shape) for name, part in self.named_parameters()}
        given = {name: tuple(part.shape) for name, part in state.items()}
        if wanted != given:
            raise ShapeMismatch(
                f"the head has {given}, this encoder needs {wanted}",
                hint="use the encoder and the settings that the head was trained with",
            )
        with torch.no_grad():
            for name, part in self.named_parameters():
                part.copy_(state[name])
        self.mean.zero_()
        self.scale.fill_(1.0)

    def plain(self) -> dict[str, Tensor]:
        """The parameters of a head that gives the same for inputs as they come; see `load_plain`."""
        found = {name: part.detach() for name, part in self.named_parameters()}
        for name, part in (("match_first", slice(self.width)), ("level_first", slice(self.width, None))):
            weight = found[f"{name}.weight"] / self.scale[part]
            found[f"{name}.bias"] = found[f"{name}.bias"] - weight @ self.mean[part]
            found[f"{name}.weight"] = weight
        return {name: tensor.float().cpu().clone() for name, tensor in found.items()}


def score_logits(logits: Tensor) -> Tensor:
    """(B, 4) class logits -> (B,): the logit of the score, ``p(complex) + p(simple) / 2``."""
    chances = logits.float().log_softmax(-1)
    half = chances[:, 1] - torch.log(torch.tensor(2.0))
    more = torch.logaddexp(chances[:, 2], half)  # log score
    less = torch.logaddexp(torch.logaddexp(chances[:, 0], chances[:, 3]), half)  # log (1 - score)
    return more - less


def level_scores(logits: Tensor) -> Tensor:
    """(B, 4) class logits -> (B,) scores in [0, 1] of the responses by themselves, whatever the prompt."""
    chances = logits[:, :3].float().softmax(-1)
    return chances[:, 2] + chances[:, 1] / 2


def match_logits(logits: Tensor) -> Tensor:
    """(B, 4) class logits -> (B,): the logit of the probability that a response answers its prompt."""
    found = logits.float()
    return found[:, :3].logsumexp(-1) - found[:, 3]


def level_chances(logits: Tensor) -> Tensor:
    """(B, 4) class logits -> (B, 3) float64 probabilities of the levels: a mismatch reflects nothing."""
    chances = logits.double().softmax(-1)
    found = torch.stack([chances[:, 0] + chances[:, 3], chances[:, 1], chances[:, 2]], dim=1)
    return found / found.sum(1, keepdim=True)  # a sum of two may end a bit above 1
