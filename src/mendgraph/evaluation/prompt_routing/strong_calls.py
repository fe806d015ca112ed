"""Two models: APGR and CPT of routers over draws, with intervals, and subject by subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.evaluation.prompt_routing.recovery import WANTED, Recovered, recovered
from mendgraph.evaluation.prompt_routing.resampling import Estimate, estimate, resampled
from mendgraph.evaluation.prompt_routing.trials import Trials
from mendgraph.evaluation.report import Table, percent

NGRAM = "n-gram ridge"
"""The baseline that the others are compared with, prompt by prompt."""


@dataclass(frozen=True, slots=True)
class StrongCalls:
    """One router over all draws.

    Attributes:
        apgr: .5 is random.
        cpt50, cpt80: least share of strong calls that recovers 50 % or 80 % of the gap.
        over_random: `apgr` minus .5.
        over_ngrams: `apgr` minus that of the n-gram ridge on the same training rows; None without it.
    """

    apgr: Estimate
    cpt50: Estimate
    cpt80: Estimate
    over_random: Estimate
    over_ngrams: Estimate | None


def signal(predicted: FloatArray, folds: IntArray, weak: int, strong: int) -> FloatArray:
    """(D, N) what the strong model is expected to add, as the share of its fold's rows that expect less.

    Rows of different folds met different routers: each router ranks only the rows that it serves.
    """
    raw = predicted[..., strong] - predicted[..., weak]
    ranks = np.empty_like(raw)
    for draw in range(len(raw)):
        for fold in np.unique(folds[draw]):
            rows = folds[draw] == fold
            ranks[draw, rows] = _midranks(raw[draw, rows])
    return ranks


def strong_calls(
    trials: Trials,
    weak: str,
    strong: str,
    clusters: Sequence[str],
    *,
    resamples: int,
    seed: int = 0,
) -> dict[str, StrongCalls]:
    """Router -> its measures.

    Args:
        clusters: N names; the intervals draw whole clusters (prompts, or subjects).
    """
    low, high = (trials.test.models.index(name) for name in (weak, strong))
    gain = trials.test.scores[:, high] - trials.test.scores[:, low]
    weights = resampled(clusters, resamples, seed)
    every = {
        name: [recovered(row, gain, weights) for row in signal(predicted, trials.folds, low, high)]
        for name, predicted in trials.predicted.items()
    }
    base = _apgr(every[NGRAM]) if NGRAM in every else None
    found = {}
    for name, runs in every.items():
        apgr = _apgr(runs)
        cpt = np.stack([run.cpt for run in runs])  # (D, 1 + B, 2)
        found[name] = StrongCalls(
            apgr=estimate(apgr, seed),
            cpt50=estimate(cpt[..., 0], seed),
            cpt80=estimate(cpt[..., 1], seed),
            over_random=estimate(apgr - 0.5, seed),
            over_ngrams=None if base is None or name == NGRAM else estimate(apgr - base, seed),
        )
    return found


def oracle_calls(trials: Trials, weak: str, strong: str) -> Recovered:
    """Of calls to the strong model exactly where it is better: nobody can do more."""
    low, high = (trials.test.models.index(name) for name in (weak, strong))
    gain = trials.test.scores[:, high] - trials.test.scores[:, low]
    return recovered(gain, gain, np.ones((1, len(gain))))


def calls_table(title: str, found: Mapping[str, StrongCalls], oracle: Recovered, note: str) -> Table:
    rows = [
        (
            name,
            line.apgr.text(),
            share(line.cpt50),
            share(line.cpt80),
            "yes" if line.over_random.interval[0] > 0 else "no",
            "-" if line.over_ngrams is None else line.over_ngrams.text(),
        )
        for name, line in found.items()
    ]
    random = ("random calls", "0.500", *(percent(wanted) for wanted in WANTED), "-", "-")
    best = ("oracle", f"{oracle.apgr[0]:.3f}", *(percent(value) for value in oracle.cpt[0]), "-", "-")
    return Table(title, HEADER, (best, *rows, random), note)


HEADER = ("", "APGR", "CPT50", "CPT80", "above random", "APGR over n-gram ridge")


def subject_lines(
    trials: Trials, name: str, weak: str, strong: str, part: float = 0.5
) -> dict[str, dict[str, float]]:
    """Group -> what the router does when it calls the strong model for `part` of all prompts.

    Keys: ``rows``; ``weak``, ``strong``: their mean scores; ``calls``: the group's share of strong calls;
    ``routed``: mean score; ``random``: mean score if as many calls were spread over the group at random.
    """
    low, high = (trials.test.models.index(model) for model in (weak, strong))
    scores, groups = trials.test.scores, np.array(trials.test.groups)
    ranks = signal(trials.predicted[name], trials.folds, low, high)
    called = (ranks > 1 - part).astype(np.float64)  # (D, N)
    routed = scores[:, low] + called * (scores[:, high] - scores[:, low])
    found = {}
    for group in sorted(set(groups.tolist())):
        rows = groups == group
        bad, good = float(scores[rows, low].mean()), float(scores[rows, high].mean())
        calls = float(called[:, rows].mean())
        found[group] = {
            "rows": float(rows.sum()),
            "weak": bad,
            "strong": good,
            "calls": calls,
            "routed": float(routed[:, rows].mean()),
            "random": bad + calls * (good - bad),
        }
    return found


def _apgr(runs: Sequence[Recovered]) -> FloatArray:
    return np.stack([run.apgr for run in runs])


def share(found: Estimate) -> str:
    """A share with its interval, in percent."""
    low, high = found.interval
    return f"{percent(found.value)} [{100 * low:.1f}, {100 * high:.1f}]"


def _midranks(values: FloatArray) -> FloatArray:
    """In (0, 1): the share of values below, ties sharing their mean rank; 0.5 for all where all are equal."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: FloatArray = (counts.cumsum() - counts / 2)[where] / len(values)
    return ranks
