"""Does the prompt matter?  What is left of a router when every prompt gets another prompt's prediction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import FloatArray
from mendgraph.evaluation.prompt_routing.choices import chosen
from mendgraph.evaluation.prompt_routing.recovery import recovered
from mendgraph.evaluation.prompt_routing.strong_calls import signal
from mendgraph.evaluation.prompt_routing.trials import Trials
from mendgraph.evaluation.report import Section, Table, number

Measure = Callable[[FloatArray], float]
"""Predictions (D, N, M) to one number."""


@dataclass(frozen=True, slots=True)
class Shuffled:
    """A measure with prompts in their places, and out of them.

    Attributes:
        shuffled: mean over permutations of the prompts.
        interval: holds 95 % of the permutations.
        mean_prompt: with every prediction replaced by the mean prediction: a fixed ranking of models.
        p: share of permutations, the true one among them, that do as well.
    """

    measured: float
    shuffled: float
    interval: tuple[float, float]
    mean_prompt: float
    p: float


def shuffle_test(
    predicted: FloatArray, measure: Measure, *, permutations: int = 200, seed: int = 0
) -> Shuffled:
    """Permutes rows of `predicted` (D, N, M), in each draw by itself."""
    generator = np.random.default_rng(seed)
    rows = predicted.shape[1]
    measured = measure(predicted)
    values = np.array(
        [
            measure(np.stack([draw[generator.permutation(rows)] for draw in predicted]))
            for _ in range(permutations)
        ]
    )
    blind = np.broadcast_to(predicted.mean(axis=1, keepdims=True), predicted.shape)
    low, high = np.quantile(values, [0.025, 0.975])
    return Shuffled(
        measured=measured,
        shuffled=float(values.mean()),
        interval=(float(low), float(high)),
        mean_prompt=measure(np.asarray(blind)),
        p=float((1 + (values >= measured).sum()) / (1 + permutations)),
    )


def mean_apgr(trials: Trials, weak: str, strong: str) -> Measure:
    """APGR, mean over draws."""
    low, high = (trials.test.models.index(name) for name in (weak, strong))
    gain = trials.test.scores[:, high] - trials.test.scores[:, low]
    once = np.ones((1, len(gain)))

    def measure(predicted: FloatArray) -> float:
        signals = signal(predicted, trials.folds, low, high)
        return float(np.mean([recovered(row, gain, once).apgr[0] for row in signals]))

    return measure


def mean_score(trials: Trials) -> Measure:
    """Mean score of the chosen models."""
    scores = trials.test.scores
    rows = np.arange(len(scores))[None]
    return lambda predicted: float(scores[rows, chosen(predicted)].mean())


def shuffle_section(found: Sequence[tuple[str, str, Shuffled]]) -> Section:
    """Lines of (data, measure, result)."""
    table = Table(
        "Does the prompt matter?",
        ("", "measure", "prompts in place", "prompts shuffled [95 %]", "mean prompt", "p"),
        tuple(
            (
                data,
                measure,
                number(line.measured),
                f"{number(line.shuffled)} [{number(line.interval[0])}, {number(line.interval[1])}]",
                number(line.mean_prompt),
                number(line.p),
            )
            for data, measure, line in found
        ),
        "A collapsed router does as well with shuffled prompts. p: share of permutations that do as well as the truth.",
    )
    return Section("shuffle", (table,), {data: line for data, _, line in found})
