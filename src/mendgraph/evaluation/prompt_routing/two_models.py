"""Q6: a weak and a strong model, few labels; prompts of known subjects and of subjects never met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mendgraph.evaluation.prompt_routing.datasets import Table, short
from mendgraph.evaluation.prompt_routing.strong_calls import (
    StrongCalls,
    calls_table,
    oracle_calls,
    strong_calls,
    subject_lines,
)
from mendgraph.evaluation.prompt_routing.thresholds import threshold_lines, threshold_table
from mendgraph.evaluation.prompt_routing.trials import Fit, Step, Trials, known, unseen
from mendgraph.evaluation.report import Section, number, percent
from mendgraph.evaluation.report import Table as Printed
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.readers import ROUTELLM

WEAK, STRONG = ROUTELLM
ROUTER = "router"
"""Name of the fit that is measured; the others are what it has to beat."""

SUBJECTS = 15
"""Lines of the printed table; all are in the figures."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is drawn.

    Attributes:
        labels: training rows per draw.
        held: rows per draw that place a threshold.
    """

    labels: int
    draws: int
    resamples: int
    held: int = 500
    folds: int = 6


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What the other sections and the charts go on with."""

    sections: tuple[Section, ...]
    trials: Mapping[str, Trials]
    known: StrongCalls
    unseen: StrongCalls | None = None


def known_subjects(
    name: str, title: str, table: Table, fits: Mapping[str, Fit], plan: Plan, step: Step
) -> Found:
    """Draws of `plan.labels` training rows, all test rows judged; and where to draw the line."""
    trials = known(table.train, table.test, fits, labels=plan.labels, draws=plan.draws, step=step)
    measured = strong_calls(trials, WEAK, STRONG, table.test.prompts, resamples=plan.resamples)
    low, high = table.test.scores.mean(axis=0)
    note = (
        f"{plan.draws} draws of {plan.labels:,} of {len(table.train):,} training prompts; {len(table.test):,} test "
        f"prompts ({WEAK} {low:.3f}, {STRONG} {high:.3f}), none of them in training, near duplicates neither "
        f"({table.dropped} dropped). 95 % intervals over prompts and draws. CPT50: least share of strong calls that "
        "recovers half of the gap."
    )
    lines = threshold_lines(
        fits[ROUTER], table.train, table.test, WEAK, STRONG,
        labels=plan.labels, held=min(plan.held, len(table.train) - plan.labels), draws=plan.draws,
    )  # fmt: skip
    held = min(plan.held, len(table.train) - plan.labels)
    section = Section(
        name,
        (
            calls_table(title, measured, oracle_calls(trials, WEAK, STRONG), note),
            threshold_table(
                f"Thresholds: {title}",
                *lines,
                f"Placed on {held} other training prompts per draw, tried on test.",
            ),
        ),
        {"routers": measured, "thresholds": {"calls": lines[0], "quality": lines[1]}, "plan": plan},
    )
    return Found((section,), {title: trials}, measured[ROUTER])


def unseen_subjects(
    name: str, title: str, train: Outcomes, test: Outcomes, fits: Mapping[str, Fit], plan: Plan, step: Step
) -> tuple[Section, Trials, StrongCalls]:
    """Each test prompt judged by a router that has met no prompt of its subject."""
    trials = unseen(train, test, fits, labels=plan.labels, draws=plan.draws, folds=plan.folds, step=step)
    measured = strong_calls(trials, WEAK, STRONG, test.groups, resamples=plan.resamples)
    subjects = len(set(test.groups))
    note = (
        f"{plan.draws} draws, in each {subjects} subjects in {plan.folds} folds dealt anew; {plan.labels:,} labels of "
        f"the subjects outside the fold; {len(test):,} prompts judged, each router ranking those of its fold. 95 % "
        "intervals over subjects and draws."
    )
    table = calls_table(title, measured, oracle_calls(trials, WEAK, STRONG), note)
    return Section(name, (table,), {"routers": measured, "plan": plan}), trials, measured[ROUTER]


def subjects_section(seen: Trials, apart: Trials) -> Section:
    """Subject by subject: half of all prompts go to the strong model."""
    every = {
        title: short(subject_lines(trials, ROUTER, WEAK, STRONG))
        for title, trials in (("known", seen), ("unseen", apart))
    }
    largest = sorted(every["known"], key=lambda name: -every["known"][name]["rows"])[:SUBJECTS]
    rows = []
    for name in largest:
        line, other = every["known"][name], every["unseen"][name]
        rows.append(
            (
                name, f"{line['rows']:.0f}", number(line["weak"]), number(line["strong"]), percent(line["calls"]),
                number(line["routed"]), number(line["random"]), percent(other["calls"]), number(other["routed"]),
                number(other["random"]),
            )
        )  # fmt: skip
    better = {
        title: sum(line["routed"] > line["random"] for line in lines.values())
        for title, lines in every.items()
    }
    header = (
        "", "prompts", "weak", "strong", "strong calls", "routed", "random", "unseen: calls", "routed", "random",
    )  # fmt: skip
    note = (
        f"Half of all prompts go to the strong model. random: as many calls spread over the subject at random. The "
        f"router does better in {better['known']} of {len(every['known'])} subjects, {better['unseen']} when unseen. "
        f"The {len(largest)} largest of {len(every['known'])} subjects; all are in the figures."
    )
    return Section("subjects", (Printed("MMLU by subject", header, tuple(rows), note),), every)
