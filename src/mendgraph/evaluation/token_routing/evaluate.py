"""`mend eval token_routing`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mendgraph.config import Config
from mendgraph.evaluation.report import Report
from mendgraph.evaluation.token_routing.measure import Sizes, measure
from mendgraph.evaluation.token_routing.opening import open_router
from mendgraph.training.token_routing.states import Progress

PASSAGES = Path("data/processed/token_routing")


def evaluate(
    config: Config,
    data_dir: Path,
    *,
    echo: Callable[[str], None] = lambda line: None,
    progress: Progress = lambda stage, done, total: None,
    json_path: Path | None = None,
    plots_dir: Path | None = None,
    only: Sequence[str] = (),
    sizes: Sizes | None = None,
    passages: Path = PASSAGES,
    weights: Path | None = None,
    examples: Path | None = None,
) -> Report:
    """
    Args:
        data_dir: folder with the benchmarks' own files.
        only: of `measure.SETS`; empty for all.
        passages: what `mend data token_routing` wrote.
        weights: heads of one mode instead of the configured ones.
        examples: folder for written answers.

    Raises:
        UnknownNameError: a name in `only` is no set.
        ArtifactError: the configured experts or heads are refused.
        DataError: there are no held-out passages.
    """
    router = open_router(config.token_routing, weights=weights, echo=echo)
    report = measure(
        router,
        passages,
        data_dir,
        sizes or Sizes(),
        only=only,
        plots=plots_dir,
        examples=examples,
        echo=echo,
        progress=progress,
    )
    if json_path is not None:
        report.write_json(json_path)
        echo(f"figures written to {json_path}")
    return report
