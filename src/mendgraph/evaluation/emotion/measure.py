"""`mend eval emotion`: the whole evaluation, from the folder of test sets to the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mendgraph.app import MendGraph
from mendgraph.assembly import load
from mendgraph.config import Config
from mendgraph.evaluation.contrast import load_contrast
from mendgraph.evaluation.emotion.about import about, trained_on
from mendgraph.evaluation.emotion.answers import Echo, System
from mendgraph.evaluation.emotion.biased import biased
from mendgraph.evaluation.emotion.contrast import contrast_section
from mendgraph.evaluation.emotion.cost import Rate, cost_section, measure_rates, tiers_per_row
from mendgraph.evaluation.emotion.datasets import MAIN, Datasets, read_datasets, wanted_sets
from mendgraph.evaluation.emotion.irony import irony_section
from mendgraph.evaluation.emotion.plots import write_plots
from mendgraph.evaluation.emotion.sections import (
    DRAWS,
    SEED,
    data_section,
    healing_section,
    measure_sets,
    mixed,
    scores_section,
    selection_section,
)
from mendgraph.evaluation.emotion.targets import Target, targets_section
from mendgraph.evaluation.report import Report
from mendgraph.runtime.journal import NullJournal

ENOUGH = 100
"""Rows of dev that class biases can be fitted on."""


def evaluate(
    config: Config,
    data_dir: Path,
    *,
    echo: Echo = lambda line: None,
    json_path: Path | None = None,
    plots_dir: Path | None = None,
    only: Sequence[str] = (),
    resamples: int = 1000,
) -> Report:
    """Opens the configured graph and measures it on the raw test sets in `data_dir`.

    Args:
        echo: gets the story, line by line.
        json_path: where every figure goes.
        plots_dir: where the charts go; they are of GoEmotions test.
        only: names of test sets, of `datasets.SETS`; empty for all.
        resamples: bootstrap resamples of every interval.

    Raises:
        UnknownNameError: a name in `only` is no test set.
        DataError: GoEmotions test is missing, a file is malformed, or no tier answers.
    """
    wanted = wanted_sets(only)
    datasets = read_datasets(data_dir, wanted, echo)
    with load("emotion", config=config, journal=NullJournal()) as graph:
        report = report_on(
            graph, config, datasets, wanted, echo=echo, plots_dir=plots_dir, resamples=resamples
        )
    if json_path is not None:
        report.write_json(json_path)
        echo(f"figures written to {json_path}")
    return report


def own_biases(graph: MendGraph, datasets: Datasets, echo: Echo) -> tuple[System, ...]:
    if datasets.dev is None or len(datasets.dev.texts) < ENOUGH:
        echo(f"fewer than {ENOUGH} rows of GoEmotions dev: no single tiers with class biases to compare with")
        return ()
    return biased(graph, datasets.dev, datasets.sets[MAIN], echo)


def report_on(
    graph: MendGraph,
    config: Config,
    datasets: Datasets,
    wanted: frozenset[str],
    *,
    echo: Echo = lambda line: None,
    plots_dir: Path | None = None,
    resamples: int,
) -> Report:
    """The report on a graph that is open already; `config` only tells where its weights came from."""
    for name, health in graph.health().items():
        if health["error"]:
            echo(f"tier {name} is down: {health['error']}")
    rates: tuple[Rate, ...] = ()
    if MAIN in wanted:
        echo("timing every tier")
        rates = measure_rates(graph, datasets.sets[MAIN].texts)
    measured = measure_sets(graph, datasets, wanted, echo)
    mix = mixed(measured) if "balanced" in wanted else None
    sections = [data_section(datasets), scores_section(measured, mix, wanted, graph.labels, resamples)]
    targets: list[Target] = []
    files: tuple[Path, ...] = ()
    if MAIN in wanted and MAIN in measured:
        main = measured[MAIN]
        echo("calibration, selection and healing")
        for section, reached in (
            selection_section(main),
            healing_section(main, own_biases(graph, datasets, echo), graph.labels, resamples),
        ):
            sections.append(section)
            targets += reached
        if plots_dir is not None:
            files = write_plots(plots_dir, main.collected, main.data.labels, graph.labels)
            echo(f"{len(files)} charts written to {plots_dir}")
    if mix is not None:
        first = config.emotion.tiers.get("primary")
        targets.append(mix.target(trained_on(first) if first else []))
    if "contrast" in measured:
        sections.append(contrast_section(load_contrast(), measured["contrast"].collected))
    if datasets.irony:
        ironic = irony_section(graph, datasets.irony)
        if ironic is None:
            echo("the first tier that is up has no irony head: TweetEval irony skipped")
        else:
            sections.append(ironic)
    if rates:
        sections.append(cost_section(rates, tiers_per_row(graph, measured[MAIN].collected.answers)))
    if targets:
        sections.append(targets_section(sorted(targets, key=lambda target: target.id)))
    facts = {**about(graph, config), "seed": SEED, "draws": DRAWS, "resamples": resamples}
    return Report(tuple(sections), facts, files)
