"""Whether a router reads the prompt at all, or has become a fixed ranking of the LLMs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torch import Tensor

from mendgraph.core.arrays import FloatArray
from mendgraph.training.prompt_routing.comparisons import Comparisons

__all__ = ["Collapse", "concordance", "measure_collapse"]

Z95 = 1.96
"""Two-sided 95 % of the normal distribution."""

SHUFFLES = 20


@dataclass(frozen=True, slots=True)
class Collapse:
    """Of held-out comparisons, ties left out.  Pairwise accuracy counts a tie in the scores half.

    Attributes:
        accuracy: of the router.
        shuffled: with every prompt's vector replaced by another's.
        mean_prompt: with every prompt's vector replaced by their mean.
        gain: `accuracy` less `mean_prompt`.
        error: half the width of the gain's 95 % interval, prompts taken as what was drawn.
        concordance: see the function; it also sees a prompt that changes by how much the better LLM leads, and hardly
            ever which one it is.
        chance: half the width of the 95 % interval of `concordance` around 1/2 when prompts are shuffled.
    """

    accuracy: float
    shuffled: float
    mean_prompt: float
    gain: float
    error: float
    concordance: float
    chance: float

    @property
    def collapsed(self) -> bool:
        """The prompt makes no difference that the held-out data could tell from none."""
        return not (self.gain > self.error or self.concordance - 0.5 > self.chance)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "collapsed": self.collapsed}

    def lines(self) -> list[str]:
        """What a person is told, the warning last where there is one."""
        found = [
            f"pairwise accuracy on held-out prompts: {self.accuracy:.4f}; prompts shuffled {self.shuffled:.4f}; "
            f"mean prompt {self.mean_prompt:.4f}; the prompt gains {self.gain:+.4f} ± {self.error:.4f}; "
            f"orders prompts rightly {self.concordance:.4f}, by chance 0.5 ± {self.chance:.4f}"
        ]
        if self.collapsed:
            found.append(
                "WARNING: the prompt does not matter: this router is a fixed ranking of the LLMs. Give it more "
                "data, other layers, a smaller learning rate or a stronger penalty, or use the prompt-blind tier"
            )
        return found


def measure_collapse(
    logits: Callable[[Tensor], FloatArray], vectors: Tensor, compared: Comparisons, *, seed: int = 0
) -> Collapse:
    """
    Args:
        logits: (N, D) vectors to (N, M).
        vectors: of the prompts of `compared`, in order.
    """
    decisive = compared.decisive()
    if not len(decisive):
        return Collapse(*[float("nan")] * 7)
    random = np.random.default_rng(seed)
    own = logits(vectors)
    orders = [random.permutation(len(vectors)) for _ in range(SHUFFLES)]
    blind = logits(vectors.mean(0, keepdim=True).expand_as(vectors))
    right = [_right(found, decisive) for found in (own, own[orders[0]], blind)]
    accuracy, shuffled, mean = (float(np.average(each, weights=decisive.weight)) for each in right)
    by_chance = np.array([concordance(own[order], decisive) for order in orders])
    return Collapse(
        accuracy,
        shuffled,
        mean,
        accuracy - mean,
        _error(right[0] - right[2], decisive),
        concordance(own, decisive),
        float(Z95 * np.sqrt(((by_chance - 0.5) ** 2).mean())),
    )


def concordance(logits: FloatArray, compared: Comparisons) -> float:
    """Of two prompts on which the same two LLMs were compared with different winners: how often the lead of the first
    LLM is greater on the one that it won; 1/2 for any ranking without a look at the prompt.

    The area under the ROC curve of every two LLMs, averaged by the inverse of its variance under chance.
    """
    low, high = np.minimum(compared.first, compared.second), np.maximum(compared.first, compared.second)
    lead = logits[compared.rows, low] - logits[compared.rows, high]
    won = (compared.outcome > 0.5) == (compared.first < compared.second)
    key = low * logits.shape[1] + high
    total = weight = 0.0
    for number in np.unique(key):
        here = key == number
        wins, losses = int(won[here].sum()), int((~won[here]).sum())
        if wins and losses:
            _, place, count = np.unique(lead[here], return_inverse=True, return_counts=True)
            ranks = (np.cumsum(count) - (count - 1) / 2)[place]  # equal leads share their mean rank
            area = (ranks[won[here]].sum() - wins * (wins + 1) / 2) / (wins * losses)
            mass = wins * losses / (wins + losses + 1)
            total, weight = total + mass * float(area), weight + mass
    return total / weight if weight else 0.5


def _right(logits: FloatArray, compared: Comparisons) -> FloatArray:
    """(K,) 1 where the winner has the higher logit, .5 where both have the same."""
    lead = logits[compared.rows, compared.first] - logits[compared.rows, compared.second]
    return np.asarray(0.5 + 0.5 * np.sign(lead) * np.sign(compared.outcome - 0.5), dtype=np.float64)


def _error(gain: FloatArray, compared: Comparisons) -> float:
    """Cluster-robust: comparisons on one prompt are not independent of each other."""
    residual = compared.weight * (gain - np.average(gain, weights=compared.weight))
    by_prompt = np.bincount(compared.rows, residual)
    return float(Z95 * np.sqrt((by_prompt**2).sum()) / compared.weight.sum())
