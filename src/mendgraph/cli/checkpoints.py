"""`mend inspect` and `mend convert`: single checkpoint files, looked into and made safe to share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mendgraph.cli.console import answers_console, one_line, print_json, story, waiting
from mendgraph.errors import DataError

if TYPE_CHECKING:
    from mendgraph.adapters.checkpoint import Checkpoint
    from mendgraph.adapters.checkpoint_report import CheckpointReport


class Precision(StrEnum):
    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


Source = Annotated[
    str,
    typer.Argument(
        metavar="CHECKPOINT",
        help="A .pt or .safetensors file, or hf://OWNER/NAME/FILE on the hub.",
        show_default=False,
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        help="Folder to keep hub files in, instead of the hub's own.",
        metavar="DIR",
        file_okay=False,
    ),
]


def inspect(
    checkpoint: Source,
    cache: Cache = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="All of it as one JSON document on stdout.")
    ] = False,
) -> None:
    """Show what a checkpoint holds: keys, shapes, types, parameters, and what share is encoder and head.

    Only tensors and plain values are read: a file whose reading would run code is refused, with the reason.

    > mend inspect reflection_scorer_weight.pt

    > mend inspect hf://Khriis/PAIR/reflection_scorer_weight.pt --json
    """
    from mendgraph.adapters.checkpoint_report import inspect_checkpoint

    opened = _opened(checkpoint, cache)
    with waiting("looking at the numbers"):
        report = inspect_checkpoint(opened)
    if as_json:
        print_json(report.to_dict())
    else:
        _print(report)


def convert(
    checkpoint: Source,
    target: Annotated[
        Path,
        typer.Argument(
            metavar="TARGET", help="The .safetensors file to write.", dir_okay=False, show_default=False
        ),
    ],
    precision: Annotated[
        Precision | None, typer.Option("--precision", help="Write all weights in this type.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace TARGET if it is there.")] = False,
    cache: Cache = None,
) -> None:
    """Write a checkpoint as safetensors: same keys, same numbers, and nothing in it that could run.

    > mend convert reflection_scorer_weight.pt reflection_scorer.safetensors
    """
    from mendgraph.adapters.checkpoint import write_safetensors

    if target.exists() and not force:
        raise DataError(f"{target} is already there", hint="choose another name, or --force")
    opened = _opened(checkpoint, cache)
    with waiting(f"writing {target}"):
        write_safetensors(opened, target, precision=precision and precision.value)
    before, after = opened.path.stat().st_size / 1e6, target.stat().st_size / 1e6
    story(f"written to {target}: {len(opened.tensors)} tensors, {after:,.1f} MB (was {before:,.1f} MB)")


def _opened(checkpoint: str, cache: Path | None) -> Checkpoint:
    from mendgraph.adapters.checkpoint import read_checkpoint
    from mendgraph.adapters.hub import locate_file

    with waiting(f"reading {checkpoint}"):
        return read_checkpoint(locate_file(checkpoint, cache=cache))


def _print(report: CheckpointReport) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("key", overflow="fold")
    table.add_column("shape", no_wrap=True)
    table.add_column("type", style="dim", no_wrap=True)
    table.add_column("parameters", justify="right", no_wrap=True)
    for entry in report.entries:
        shape = " x ".join(map(str, entry.shape)) or "scalar"
        table.add_row(one_line(entry.key), shape, entry.dtype, f"{entry.numbers:,}")
    console = answers_console()
    console.print(table)
    console.print()
    for name, value in _facts(report):
        console.print(f"{name:<12}{one_line(value)}", soft_wrap=True)


def _facts(report: CheckpointReport) -> list[tuple[str, str]]:
    facts = [
        ("file", f"{report.path}, {report.form}, {report.bytes / 1e6:,.1f} MB"),
        ("SHA-256", report.sha256),
        ("parameters", f"{report.numbers:,} in {len(report.entries)} tensors"),
        *(
            (name, f"{count:,} ({count / max(report.numbers, 1):.2%})")
            for name, count in report.shares.items()
        ),
        ("layout", f"{report.system}, {report.layout}" if report.layout else "none this package loads"),
    ]
    if report.nested:
        facts.append(("nested", f"under {report.nested}, beside {', '.join(report.beside) or 'nothing'}"))
    if report.not_finite:
        facts.append(("not finite", ", ".join(report.not_finite)))
    return facts
