"""Benchmarks answered by likelihood: each expert, every mode, and what needs no model."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.heads_file import SavedHeads
from mendgraph.core.arrays import FloatArray
from mendgraph.core.metrics import bootstrap_interval
from mendgraph.evaluation.report import Section, Table, between, percent
from mendgraph.evaluation.token_routing.questions import (
    BENCHMARKS,
    DOMAINS,
    OPTION,
    Question,
    as_passages,
    read_questions,
)
from mendgraph.evaluation.token_routing.systems import ORACLE, UNIFORM, route
from mendgraph.training.token_routing.states import read_states, tokenize

RANDOM = "random"
LONGEST = "longest answer"

Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share answered right, and its 95 % interval.

    Attributes:
        value, interval: the option with the highest likelihood per byte.
        total: the option with the highest likelihood as a whole; the same for what has no likelihood.
        chance: whether the interval holds what random answers reach.
    """

    value: float
    interval: tuple[float, float]
    total: float
    chance: bool


def answer_by_likelihood(
    ensemble: Ensemble,
    heads: Mapping[str, SavedHeads],
    questions: Sequence[Question],
    *,
    only_ensemble: bool = False,
    seed: int = 0,
    resamples: int = 1000,
) -> dict[str, Accuracy]:
    """System -> accuracy."""
    tokens = tokenize(ensemble, as_passages(questions), DOMAINS)
    states = read_states(ensemble, tokens)
    systems = route(states, ensemble, heads, None).systems
    option = tokens.domain == DOMAINS.index(OPTION)
    sizes = np.maximum(tokens.bytes[:, DOMAINS.index(OPTION)], 1.0)
    counts = [len(question.options) for question in questions]
    edges = np.cumsum(counts)[:-1]
    truth = np.array([question.answer for question in questions])

    def picks(cost: FloatArray) -> FloatArray:
        chosen = np.array([part.argmin() for part in np.split(cost, edges)])
        return np.asarray(chosen == truth, dtype=np.float64)

    level = float(np.mean([1 / count for count in counts]))
    right: dict[str, tuple[FloatArray, FloatArray]] = {}
    for name, system in systems.items():
        if name == ORACLE or (only_ensemble and name not in (*heads, UNIFORM)):
            continue
        nats = np.add.reduceat(np.where(option, system.nats, 0.0), tokens.starts)
        right[name] = picks(nats / sizes), picks(nats)
    drawn = random.Random(seed)
    luck = np.array([drawn.randrange(count) for count in counts]) == truth
    right[RANDOM] = luck.astype(np.float64), luck.astype(np.float64)
    longest = picks(-sizes)
    right[LONGEST] = longest, longest
    found = {}
    for name, (each, whole) in right.items():
        interval = bootstrap_interval(lambda rows: float(rows.mean()), each, seed=seed, resamples=resamples)
        chance = interval[0] <= level <= interval[1]
        found[name] = Accuracy(float(each.mean()), interval, float(whole.mean()), chance)
    return found


def likelihood_section(
    ensemble: Ensemble,
    heads: Mapping[str, SavedHeads],
    data_dir: Path,
    names: Sequence[str],
    *,
    size: int,
    only_ensemble: bool,
    seed: int,
    resamples: int,
    echo: Echo,
) -> Section | None:
    """One table per benchmark whose file is in `data_dir`; None where there is none."""
    tables, figures = [], {}
    for name in names:
        questions = read_questions(data_dir, name, size, seed)
        if not questions:
            echo(f"{name}: none of {', '.join(BENCHMARKS[name].files)} in the folder; skipped")
            continue
        echo(f"{name}: {len(questions)} questions")
        found = answer_by_likelihood(
            ensemble, heads, questions, only_ensemble=only_ensemble, seed=seed, resamples=resamples
        )
        level = float(np.mean([1 / len(question.options) for question in questions]))
        tables.append(_table(name, questions, level, found))
        figures[name] = {"questions": len(questions), "chance": level, "accuracy": found}
    return Section("likelihood", tuple(tables), figures) if tables else None


def _table(name: str, questions: Sequence[Question], level: float, found: Mapping[str, Accuracy]) -> Table:
    best = [system for system, one in found.items() if not one.chance and one.interval[0] > level]
    return Table(
        f"{name}: accuracy by likelihood",
        ("system", "per byte [95 %]", "whole answer", ""),
        tuple(
            (
                system,
                between(one.value, one.interval),
                percent(one.total),
                "chance level" if one.chance else "",
            )
            for system, one in found.items()
        ),
        f"{len(questions)} questions; random answers reach {percent(level)}. "
        + (f"Above it: {', '.join(best)}." if best else "Nothing is above it."),
    )
