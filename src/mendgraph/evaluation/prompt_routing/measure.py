"""`mend eval prompt_routing`: the recipe trained again on draws and folds, and the shipped graph as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mendgraph.config import Config
from mendgraph.errors import UnknownNameError
from mendgraph.evaluation.emotion.targets import Target, targets_section
from mendgraph.evaluation.prompt_routing.ablation import ablation_section
from mendgraph.evaluation.prompt_routing.answers import Effort, answers_section, read_alpacaeval
from mendgraph.evaluation.prompt_routing.baselines import told
from mendgraph.evaluation.prompt_routing.datasets import Table, read_tables
from mendgraph.evaluation.prompt_routing.kit import Kit, open_kit
from mendgraph.evaluation.prompt_routing.many_models import many_models
from mendgraph.evaluation.prompt_routing.money import money_section, write_frontier
from mendgraph.evaluation.prompt_routing.plots import recovery_chart
from mendgraph.evaluation.prompt_routing.shipped import shipped_section
from mendgraph.evaluation.prompt_routing.shuffle import (
    Shuffled,
    mean_apgr,
    mean_score,
    shuffle_section,
    shuffle_test,
)
from mendgraph.evaluation.prompt_routing.strong_calls import NGRAM
from mendgraph.evaluation.prompt_routing.targets import q6_known, q6_unseen, q7
from mendgraph.evaluation.prompt_routing.trials import Step, Trials
from mendgraph.evaluation.prompt_routing.two_models import (
    ROUTER,
    STRONG,
    WEAK,
    Plan,
    known_subjects,
    subjects_section,
    unseen_subjects,
)
from mendgraph.evaluation.report import Report, Section
from mendgraph.training.prompt_routing.data_specs import TrainingSpec
from mendgraph.training.prompt_routing.shipped import POOLS

Echo = Callable[[str], None]

SETS = ("mmlu", "gsm8k", "llmrouter", "graph", "ablation", "alpacaeval")
"""``graph`` is the shipped graph with its own weights; the others train anew."""

SEED = 0

CHOSEN_DRAWS = 3
"""Of the many rows that the recipe was chosen on, whose figure flatters it."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is drawn and trained; smaller only where a test needs it.

    Attributes:
        mmlu, gsm8k: labels per draw.
        folds: of every cross-validation.
        judged: share of LLMRouter's training prompts that the ablation is judged on.
    """

    mmlu: int = 1500
    gsm8k: int = 600
    draws: int = 10
    folds: int = 5
    repeats: int = 1
    resamples: int = 1000
    permutations: int = 200
    judged: float = 0.3
    ablation_epochs: int = 8
    effort: Effort = field(default_factory=Effort)


@dataclass(slots=True)
class _Run:
    """What has been found so far."""

    nine: Kit
    pair: Kit
    tables: Mapping[str, Table]
    size: Size
    echo: Echo
    sections: list[Section] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    shuffled: list[tuple[str, str, Shuffled]] = field(default_factory=list)
    recovery: dict[str, Trials] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)

    def plan(self, labels: int) -> Plan:
        return Plan(labels, self.size.draws, self.size.resamples, folds=self.size.folds)

    def step(self, what: str) -> Step:
        """Tells every tenth of the way."""

        def tell(done: int, of: int) -> None:
            if done * 10 // of > (done - 1) * 10 // of:
                self.echo(f"{what}: {done} of {of}")

        return tell

    def read(self, name: str, kit: Kit) -> Table:
        """The table, with all its prompts encoded before anything is trained on them."""
        table = self.tables[name]
        kit.sentences.of([*table.train.prompts, *table.test.prompts])
        return table


def evaluate(
    config: Config,
    data_dir: Path,
    *,
    echo: Echo = lambda line: None,
    json_path: Path | None = None,
    plots_dir: Path | None = None,
    only: Sequence[str] = (),
    recipes: Mapping[str, TrainingSpec] = POOLS,
    size: Size = Size(),
) -> Report:
    """Measures the recipe and the graph on the outcomes in `data_dir`.

    Args:
        data_dir: folder with the files that `mend data prompt_routing` reads, and AlpacaEval's where it is wanted.
        echo: gets the story, line by line.
        json_path: where every figure goes.
        plots_dir: where the charts go.
        only: of `SETS`; empty for all.
        recipes: how the routers of the nine LLMs and of the pair are trained, named as in `POOLS`.

    Raises:
        UnknownNameError: a name in `only` is no part of the evaluation.
        DataError: a file is missing or malformed.
    """
    for name in only:
        if name not in SETS:
            raise UnknownNameError("part of the evaluation", name, SETS)
    wanted = tuple(name for name in SETS if name in (only or SETS))
    echo("reading the data, and looking for near duplicates")
    tables = read_tables(data_dir)
    told_of: list[int] = []

    def encoding(done: int, of: int) -> None:
        if not told_of or done == of or done - told_of[-1] >= 1024:
            told_of.append(done)
            echo(f"prompts encoded: {done:,} of {of:,}")

    nine, pair = (open_kit(config, recipes[name].model, encoding) for name in ("router", "router_pair"))
    run = _Run(nine, pair, tables, size, echo)
    if "mmlu" in wanted:
        _mmlu(run)
    if "gsm8k" in wanted:
        _gsm8k(run)
    if "llmrouter" in wanted:
        _llmrouter(run, config, plots_dir)
    if run.shuffled:
        run.sections.append(shuffle_section(run.shuffled))
    facts: dict[str, Any] = {}
    if "graph" in wanted:
        section, facts = shipped_section(config, tables, resamples=size.resamples, echo=echo)
        run.sections += [section] if section else []
    if "ablation" in wanted:
        run.sections.append(
            ablation_section(
                tables["llmrouter"],
                run.nine,
                share=size.judged,
                epochs=size.ablation_epochs,
                resamples=size.resamples,
                echo=echo,
            )
        )
    if "alpacaeval" in wanted:
        _alpacaeval(run, config, data_dir)
    if run.targets:
        run.sections.append(targets_section(run.targets))
    if plots_dir is not None and run.recovery:
        names = (ROUTER, NGRAM, "nearest neighbours")
        run.files.append(
            recovery_chart(run.recovery, names, WEAK, STRONG, plots_dir / "routing_recovery.png")
        )
    report = Report(
        tuple(run.sections),
        {
            **facts,
            "recipes": {name: spec.model.model_dump(mode="json") for name, spec in recipes.items()},
            "seed": SEED,
            "size": size,
        },
        tuple(run.files),
    )
    if json_path is not None:
        report.write_json(json_path)
        echo(f"figures written to {json_path}")
    return report


def _mmlu(run: _Run) -> None:
    table, size = run.read("mmlu", run.pair), run.size
    plan, fits = run.plan(size.mmlu), run.pair.fits()
    title = f"RouteLLM MMLU, {size.mmlu:,} labels, known subjects"
    seen = known_subjects(
        "mmlu_known", title, table, {**fits, "subject told": told(table.groups)}, plan, run.step(title)
    )
    apart_title = f"RouteLLM MMLU, {size.mmlu:,} labels, unseen subjects"
    section, apart, line = unseen_subjects(
        "mmlu_unseen", apart_title, table.train, table.test, fits, plan, run.step(apart_title)
    )
    chosen_title = f"{apart_title}, on the training rows that the recipe was chosen on"
    few = {name: fits[name] for name in (ROUTER, NGRAM)}
    less = replace(plan, draws=min(plan.draws, CHOSEN_DRAWS))
    chosen, _, _ = unseen_subjects(
        "mmlu_unseen_train", chosen_title, table.train, table.train, few, less, run.step(chosen_title)
    )
    trials = seen.trials[title]
    run.sections += [*seen.sections, section, chosen, subjects_section(trials, apart)]
    run.targets += [q6_known(seen.known, size.mmlu), q6_unseen(line, size.mmlu)]
    run.recovery |= {"known subjects": trials, "unseen subjects": apart}
    for name, found in (("MMLU, known subjects", trials), ("MMLU, unseen subjects", apart)):
        measure = mean_apgr(found, WEAK, STRONG)
        shuffled = shuffle_test(found.predicted[ROUTER], measure, permutations=size.permutations)
        run.shuffled.append((name, "APGR", shuffled))


def _gsm8k(run: _Run) -> None:
    table, plan = run.read("gsm8k", run.pair), run.plan(run.size.gsm8k)
    title = f"RouteLLM GSM8K, {run.size.gsm8k:,} labels"
    found = known_subjects("gsm8k", title, table, run.pair.fits(), plan, run.step(title))
    run.sections += found.sections
    trials = found.trials[title]
    run.recovery["GSM8K"] = trials
    shuffled = shuffle_test(
        trials.predicted[ROUTER], mean_apgr(trials, WEAK, STRONG), permutations=run.size.permutations
    )
    run.shuffled.append(("GSM8K", "APGR", shuffled))


def _llmrouter(run: _Run, config: Config, plots_dir: Path | None) -> None:
    table, size = run.read("llmrouter", run.nine), run.size
    found = many_models(
        table,
        {**run.nine.fits(), "task told": told(table.groups)},
        folds=size.folds,
        repeats=size.repeats,
        resamples=size.resamples,
        step=run.step("LLMRouter"),
    )
    money, frontier = money_section(config, found.folds, resamples=size.resamples)
    run.sections += [*found.sections, money]
    run.targets += [
        q7(found.measured["test"][ROUTER], "LLMRouter clean test"),
        q7(found.measured["crossvalidated"][ROUTER], "LLMRouter cross-validation"),
    ]
    for name, trials in (("LLMRouter, test", found.test), ("LLMRouter, cross-validation", found.folds)):
        shuffled = shuffle_test(trials.predicted[ROUTER], mean_score(trials), permutations=size.permutations)
        run.shuffled.append((name, "mean score", shuffled))
    if plots_dir is not None:
        run.files.append(write_frontier(frontier, plots_dir))


def _alpacaeval(run: _Run, config: Config, data_dir: Path) -> None:
    preferences = read_alpacaeval(data_dir)
    if preferences is None:
        run.echo("no files of AlpacaEval in the folder: left out")
        return
    run.sections.append(
        answers_section(
            preferences,
            effort=run.size.effort,
            resamples=run.size.resamples,
            encoder=config.prompt_routing.encoder,
            echo=run.echo,
        )
    )
