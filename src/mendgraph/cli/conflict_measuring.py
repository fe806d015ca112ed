"""What only `mend eval conflict` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mendgraph.cli.conflict_options import PANEL
from mendgraph.cli.opening import late

__all__ = ["Claims", "Sets", "measuring"]

Claims = Annotated[
    Path | None,
    typer.Option(
        "--claims",
        help="What `mend data conflict` wrote.",
        metavar="DIR",
        file_okay=False,
        show_default="data/processed/conflict",
        rich_help_panel=PANEL,
    ),
]
Sets = Annotated[
    int | None,
    typer.Option("--sets", help="Claim sets of test.", min=1, show_default="500", rich_help_panel=PANEL),
]


def measuring(options: Mapping[str, Any], tell: Callable[[str], None]) -> dict[str, Any]:
    """What `mendgraph.evaluation.conflict.evaluate` takes beside what every evaluation does."""
    sizes = {name: options[name] for name in ("sets", "seed") if name in options}

    def progress(stage: str, done: int, total: int) -> None:
        tell(f"{stage}: {done:,} of {total:,}")

    return {
        **({"claims": options["claims"]} if "claims" in options else {}),
        "sizes": late("mendgraph.evaluation.conflict.measure", "Sizes", extra="train")(**sizes),
        "progress": progress,
    }
