"""`mend eval`: how good the graph is, beside its baselines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mendgraph.cli import conflict_measuring as conflict
from mendgraph.cli import conflict_options
from mendgraph.cli import token_options as tokens
from mendgraph.cli.console import answers_console, story, waiting
from mendgraph.cli.opening import late
from mendgraph.cli.options import ConfigFile, GraphName, Overrides
from mendgraph.cli.own_options import given
from mendgraph.cli.tables import figures_table


def evaluate(
    graph: GraphName,
    data_dir: Annotated[
        Path, typer.Option("--data-dir", help="Folder with the test sets.", metavar="DIR", file_okay=False)
    ],
    json_path: Annotated[
        Path | None,
        typer.Option("--json", help="Write every figure to FILE.", metavar="FILE", dir_okay=False),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            "--plots",
            help="Write charts: reliability, risk and coverage, quality for money, whatever the graph has.",
            metavar="DIR",
            file_okay=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Only this part of the evaluation. Repeatable.", metavar="NAME"),
    ] = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    passages: tokens.Passages = None,
    sample_size: tokens.SampleSize = None,
    only_ensemble: tokens.OnlyEnsemble = False,
    max_new_tokens: tokens.MaxNewTokens = None,
    temperature: tokens.Temperature = None,
    model_weights: tokens.Weights = None,
    save_examples: tokens.Examples = None,
    num_examples: tokens.NumExamples = None,
    seed: tokens.Seed = None,
    debug: tokens.Debug = False,
    claims: conflict.Claims = None,
    sets: conflict.Sets = None,
) -> None:
    """Measure the graph on labelled data beside its baselines, with bootstrap intervals.

    emotion: macro-F1, calibration, risk and coverage, rows rescued and harmed by healing. reflection: pairs ranked
    right, by cross-validation. prompt_routing: what routers recover of the gap between LLMs (APGR, CPT, share of the
    oracle gap), by draws and folds; parts: mmlu, gsm8k, llmrouter, graph, ablation, alpacaeval. token_routing: bits per
    byte of held-out text beside single experts, fixed mixtures, a router per text and the per-token oracle; who speaks
    where; benchmarks; parts: text, gsm8k, medmcqa, mmlu_medical, medqa, pubmedqa, arc_easy, arc_challenge. conflict:
    answers per level beside the plain reader, votes and refinement, with what they cost; conflicts found and typed;
    real passages; parts: answers, detection, ramdocs.

    > mend eval emotion --data-dir data/test --json results.json --plots charts/

    > mend eval prompt_routing --data-dir data/routing --only mmlu

    > mend eval token_routing --data-dir downloads/ --only text --plots charts/

    > mend eval conflict --data-dir downloads/conflict --sets 200 --json conflict.json --plots charts/
    """
    own = {"claims": claims, "sets": sets}
    if graph == conflict_options.GRAPH and seed is not None:
        own["seed"], seed = seed, None
    own = given(own, graph, conflict_options.GRAPH)
    sizes = {
        "sample_size": sample_size,
        "only_ensemble": only_ensemble,
        "max_new_tokens": max_new_tokens,
        "temperature": temperature,
        "num_examples": num_examples,
        "seed": seed,
        "debug": debug,
    }
    places = {"passages": passages, "model_weights": model_weights, "save_examples": save_examples}
    wanted = given({**sizes, **places}, graph, tokens.GRAPH)
    from mendgraph.config import load_config

    settings = load_config(config, tuple(overrides or ()))
    measure = late(f"mendgraph.evaluation.{graph}", "evaluate", extra="train")
    with waiting("measuring") as tell:
        more = tokens.measuring(wanted, tell) if graph == tokens.GRAPH else {}
        if graph == conflict_options.GRAPH:
            more = conflict.measuring(own, tell)
        report = measure(
            settings,
            data_dir,
            echo=story,
            json_path=json_path,
            plots_dir=plots,
            only=tuple(only or ()),
            **more,
        )
    console = answers_console()
    for table in report.tables():
        console.print(figures_table(table))
