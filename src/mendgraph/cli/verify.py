"""`mend verify`: does the model do at all what it is for?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mendgraph.cli.options import ConfigFile, GraphName, Overrides
from mendgraph.errors import ConfigError

FAILED = 1
PAIRS, SETS = "reflection", "conflict"


def verify(
    graph: GraphName,
    tier: Annotated[
        str | None,
        typer.Option(
            "--tier", help="reflection: which tier; primary by default, or the first.", metavar="NAME"
        ),
    ] = None,
    checkpoints: Annotated[
        Path | None,
        typer.Option(
            "--checkpoints",
            help="conflict: only detector/ and refinement/ in this folder, of `mend train conflict` or as LCR "
            "publishes them.",
            metavar="DIR",
            file_okay=False,
            exists=True,
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="conflict: a hundredth of the usual drift is too much, and so is a machine that does not fit.",
        ),
    ] = False,
    least: Annotated[
        float | None,
        typer.Option(
            "--least",
            help="Share that must be right.",
            min=0.0,
            max=1.0,
            show_default="reflection: 0.9 of the pairs; conflict: 0.8 of the sets, and of the accepted answers",
        ),
    ] = None,
    show: Annotated[int, typer.Option("--show", help="How many of the worst to list.", min=0)] = 10,
    as_json: Annotated[
        bool, typer.Option("--json", help="All of it as one JSON document on stdout.")
    ] = False,
    config: ConfigFile = None,
    overrides: Overrides = None,
) -> None:
    """Check that a model does what it is for, on examples that come with the package and were never trained on.

    reflection: a good response outranks a bad one of the same length, by one tier. conflict: files are what their
    manifests say, detector and refinement compute what they computed when they were made, and the graph tells documents
    that contradict each other from documents that only look like it. Exit code 0 when enough is right, 1 when not.

    > mend verify reflection --tier features --show 20

    > mend verify conflict

    > mend verify conflict --checkpoints lcr-checkpoints/ --strict
    """
    if graph not in (PAIRS, SETS):
        raise ConfigError(
            f"there is nothing to verify graph {graph!r} with", hint=f"there is for: {SETS}, {PAIRS}"
        )
    if graph == PAIRS:
        for option, given in (("--checkpoints", checkpoints), ("--strict", strict or None)):
            if given is not None:
                raise typer.BadParameter(f"{option} belongs to {SETS}, not to {graph}")
        from mendgraph.cli.verify_pairs import verify_pairs

        passed = verify_pairs(tier, least, show, config, overrides, as_json=as_json)
    else:
        if tier is not None:
            raise typer.BadParameter(f"--tier belongs to {PAIRS}: the tiers of {graph} are verified together")
        from mendgraph.cli.verify_sets import verify_sets

        passed = verify_sets(checkpoints, least, show, config, overrides, strict=strict, as_json=as_json)
    if not passed:
        raise typer.Exit(FAILED)
