"""`mend eval conflict`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mendgraph.config import Config
from mendgraph.evaluation.conflict.measure import Measured, Progress, Sizes, measure
from mendgraph.evaluation.conflict.opening import open_parts
from mendgraph.evaluation.conflict.ways import Settings
from mendgraph.evaluation.report import Report

__all__ = ["CLAIMS_DIR", "evaluate"]

CLAIMS_DIR = Path("data/processed/conflict")


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
    claims: Path = CLAIMS_DIR,
) -> Report:
    """
    Args:
        data_dir: folder with RAMDocs, FEVER Symmetric and Breaking NLI.
        only: of `measure.PARTS`; empty for all.
        claims: what `mend data conflict` wrote.

    Raises:
        UnknownNameError: a name in `only` is no part.
        ArtifactError: the configured reader is refused.
        DataError: a file is missing or malformed.
    """
    opened = open_parts(config, echo=echo)
    spec, sizes = opened.spec, sizes or Sizes()
    found = Measured(
        opened.parts,
        opened.vectors,
        Settings(spec.samples, spec.temperature, spec.sure, sizes.seed),
        {
            "weights": opened.weights,
            "tiers": {name: tier.model_dump(mode="json") for name, tier in spec.tiers.items()},
            "verify": spec.verify,
            "policy": spec.policy,
        },
    )
    with opened.graph:
        report = measure(
            found, claims, data_dir, sizes, only=only, plots=plots_dir, echo=echo, progress=progress
        )
    if json_path is not None:
        report.write_json(json_path)
        echo(f"figures written to {json_path}")
    return report
