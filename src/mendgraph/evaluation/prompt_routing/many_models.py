"""Q7: nine models; how much of what the oracle is above the best single model a router recovers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import FloatArray
from mendgraph.evaluation.prompt_routing.choices import BEST_SINGLE, Choice, choice_table, choices, rewards
from mendgraph.evaluation.prompt_routing.datasets import Table
from mendgraph.evaluation.prompt_routing.trials import Fit, Step, Trials, crossvalidated, known
from mendgraph.evaluation.prompt_routing.two_models import ROUTER
from mendgraph.evaluation.report import Section, number
from mendgraph.evaluation.report import Table as Printed


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    sections: tuple[Section, ...]
    test: Trials
    folds: Trials
    measured: Mapping[str, Mapping[str, Choice]]


def many_models(
    table: Table, fits: Mapping[str, Fit], *, folds: int, repeats: int, resamples: int, step: Step
) -> Found:
    """Clean test rows, cross-validation over families of prompts, and cross-validation over tasks."""
    test = known(table.train, table.test, fits, step=step)
    inside = crossvalidated(table.train, table.families, fits, folds=folds, repeats=repeats, step=step)
    tasks = crossvalidated(table.train, table.train.groups, fits, folds=folds, repeats=repeats, step=step)
    measured = {
        "test": choices(test, table.test.prompts, resamples=resamples),
        "crossvalidated": choices(inside, table.families, resamples=resamples),
        "unseen_tasks": choices(tasks, table.train.groups, resamples=resamples),
    }
    dropped = f"{table.dropped} training prompts that a test set has, or nearly, dropped"
    count = len(set(table.train.groups))
    printed = (
        choice_table(
            "LLMRouter, nine models: clean test prompts",
            measured["test"],
            test,
            f"{len(table.test)} prompts, trained on {len(table.train):,} ({dropped}). 95 % intervals over prompts.",
        ),
        choice_table(
            "LLMRouter, nine models: cross-validation",
            measured["crossvalidated"],
            inside,
            f"{len(table.train):,} prompts, {repeats} times {folds} folds that keep near duplicates together. 95 % "
            "intervals over families of prompts.",
        ),
        choice_table(
            "LLMRouter, nine models: unseen tasks",
            measured["unseen_tasks"],
            tasks,
            f"{count} tasks in {folds} folds, {repeats} times; no prompt of the task in training. 95 % intervals over "
            "tasks, of which there are few.",
        ),
        task_table(inside),
    )
    return Found((Section("nine_models", printed, measured),), test, inside, measured)


def task_table(trials: Trials) -> Printed:
    """Task by task, mean over repeats."""
    got, single = rewards(trials, ROUTER).mean(axis=0), rewards(trials, BEST_SINGLE).mean(axis=0)
    scores, groups = trials.test.scores, np.array(trials.test.groups)
    rows = []
    for group in sorted(set(groups.tolist())):
        here = groups == group
        means = scores[here].mean(axis=0)
        rows.append(
            (
                group.rpartition("/")[2],
                str(int(here.sum())),
                _mean(single[here]),
                _mean(got[here]),
                f"{number(float(means.max()))} {trials.test.models[int(means.argmax())]}",
                _mean(scores[here].max(axis=1)),
            )
        )
    header = ("", "prompts", "best single", "router", "best model of the task, in hindsight", "oracle")
    return Printed("LLMRouter by task, cross-validation", header, tuple(rows))


def _mean(values: FloatArray) -> str:
    return number(float(values.mean()))
