"""Q8: are conflicts found, and is their kind known; the types classifier beside baselines, on generated and real text.

    python -m benchmarks.conflict_types --claims data/processed/conflict --data-dir downloads/

It needs no language model: the detector on a reader's hidden states is measured by `mend eval conflict`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from rich.console import Console

from mendgraph.adapters.artifacts import open_artifact, resolve
from mendgraph.adapters.conflict_types import ConflictTypesTier
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.cli.tables import figures_table
from mendgraph.evaluation.conflict.measure_types import CLAIM_SETS, measure_types
from mendgraph.evaluation.report import Report


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--claims", type=Path, required=True, help="what `mend data conflict` wrote")
    parser.add_argument("--data-dir", type=Path, required=True, help="Breaking NLI, FEVER Symmetric, RAMDocs")
    parser.add_argument("--model", default="embedded:conflict/types", help="artefact folder")
    parser.add_argument("--json", type=Path, help="write every figure to FILE")
    parser.add_argument("--test-sets", type=int, help="at most so many claim sets of test")
    parser.add_argument(
        "--train-sets", type=int, default=CLAIM_SETS, help="claim sets the baselines learn from"
    )
    given = parser.parse_args(arguments)
    artifact = open_artifact(resolve(given.model))
    encoder = SharedEncoder.open("embedded", max_length=256, batch_size=16)
    sections = measure_types(
        ConflictTypesTier("types", encoder, artifact),
        SentenceVectors(encoder),
        given.claims,
        given.data_dir,
        test_sets=given.test_sets,
        train_sets=given.train_sets,
        echo=lambda line: print(line, file=sys.stderr),
    )
    about = {"model": artifact.manifest.name, "fingerprint": artifact.fingerprint, "torch": torch.__version__}
    report = Report(sections, about)
    console = Console(width=None if sys.stdout.isatty() else 200)
    for table in report.tables():
        console.print(figures_table(table))
    if given.json is not None:
        report.write_json(given.json)


if __name__ == "__main__":
    main()
