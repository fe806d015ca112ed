"""`mend eval reflection`: cross-validation, controls of shortcuts, real sessions, in one report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.app import MendGraph
from mendgraph.assembly import load
from mendgraph.config import Config
from mendgraph.core.reflection import spoken
from mendgraph.core.tier import Tier
from mendgraph.errors import UnknownNameError
from mendgraph.evaluation.emotion.about import about
from mendgraph.evaluation.emotion.cost import cost_section, measure_rates
from mendgraph.evaluation.emotion.targets import targets_section
from mendgraph.evaluation.reflection.baselines import feature_leads, rule_leads
from mendgraph.evaluation.reflection.crossvalidation import (
    ablation_section,
    quality_section,
    read_cross_validation,
)
from mendgraph.evaluation.reflection.levels import levels_section
from mendgraph.evaluation.reflection.plots import write_plots
from mendgraph.evaluation.reflection.targets import q5
from mendgraph.evaluation.reflection.transfer import Heard, transfer_section
from mendgraph.evaluation.report import Report, Section
from mendgraph.runtime.journal import NullJournal
from mendgraph.training.reflection.corpus import gather, leak_free
from mendgraph.training.reflection.recipes import SHIPPED
from mendgraph.training.reflection.sources import SPLITS, read_pair

Echo = Callable[[str], None]

SETS = ("pair", "annomi")
SEED = 0
ENOUGH = 20
"""Prompts whose halves a policy can be fitted on."""


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
    """Reads the cross-validation, and measures the configured tiers on the sessions in `data_dir`.

    Args:
        data_dir: folder with ``pair_train``, ``pair_dev`` and, where there are, ``annomi_train`` and ``annomi_dev``.
        echo: gets the story, line by line.
        json_path: where every figure goes.
        plots_dir: where the charts go.
        only: of `SETS`; empty for both.
        resamples: bootstrap resamples of every interval.

    Raises:
        UnknownNameError: a name in `only` is no test set.
        DataError: PAIR or its cross-validation is missing, or a file is malformed.
    """
    for name in only:
        if name not in SETS:
            raise UnknownNameError("test set", name, SETS)
    wanted = frozenset(only or SETS)
    sections: list[Section] = []
    files: tuple[Path, ...] = ()
    every, like = {}, {}
    targets = []
    if "pair" in wanted:
        groups = gather([row for split in SPLITS for row in read_pair(data_dir, split)])
        validation = read_cross_validation(config.reflection_training.folds, groups)
        echo(
            f"{len(groups)} prompts; {len(validation.runs[SHIPPED])} cross-validations of the shipped recipe"
        )
        echo("second tier: training it outside each fold of seed 0")
        spec = config.reflection
        vectors = SentenceVectors(
            SharedEncoder.open(
                spec.encoder, device=spec.device, precision=spec.precision, max_length=spec.max_length
            )
        )
        baselines = {
            "features": feature_leads(groups, validation.runs[SHIPPED][0], vectors),
            **rule_leads(groups, SEED),
        }
        quality, reached = quality_section(validation, baselines, resamples)
        sections += [quality, ablation_section(validation, resamples)]
        every, like = quality.figures["all"], quality.figures["like_length"]
        targets = q5(reached)
    with load("reflection", config=config, journal=NullJournal()) as graph:
        heard: dict[str, Heard] = {}
        tiers = _up(graph, echo)
        if "pair" in wanted:
            echo("timing every tier; levels, one tier against the cascade")
            texts = [spoken(group.prompt, text) for group in groups for text, _ in group.responses]
            rates = measure_rates(graph, texts)
            _, dev, _ = leak_free(read_pair(data_dir, "train"), read_pair(data_dir, "dev"))
            if len(dev) < ENOUGH:
                echo(f"fewer than {ENOUGH} prompts in dev: no levels")
            else:
                levels = levels_section(graph, dev, resamples)
                sections += [levels, cost_section(rates, levels.figures["cascade"]["tiers"])]
        if "annomi" in wanted:
            echo("real sessions: AnnoMI")
            section, heard = transfer_section(tiers, data_dir, resamples)
            if section is None:
                echo("no annomi_train and annomi_dev in the folder: real sessions skipped")
            else:
                sections.append(section)
        facts = {**about(graph, config), "seed": SEED, "resamples": resamples}
    if targets:
        sections.append(targets_section(targets))
    if plots_dir is not None and every:
        files = write_plots(plots_dir, every, like, heard)
        echo(f"{len(files)} charts written to {plots_dir}")
    report = Report(tuple(sections), facts, files)
    if json_path is not None:
        report.write_json(json_path)
        echo(f"figures written to {json_path}")
    return report


def _up(graph: MendGraph, echo: Echo) -> dict[str, Tier]:
    """The graph's tiers that answer; the others are told."""
    health = graph.health()
    for name, state in health.items():
        if state["error"]:
            echo(f"tier {name} is down: {state['error']}")
    return {name: tier for name, tier in graph.context.tiers.items() if not health[name]["error"]}
