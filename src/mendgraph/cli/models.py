"""`mend models`: which weights are here, and whether they are what they claim to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

import mendgraph
from mendgraph.cli.console import answers_console, one_line, print_json, story, waiting
from mendgraph.errors import ArtifactError
from mendgraph.home import home

MAIN_METRICS = ("macro_f1", "accuracy", "auroc", "ece")
"""Which figure of a manifest is shown: the first of these it has, else its first one."""


@dataclass(frozen=True, slots=True)
class Found:
    """One artefact folder; `error` says why it was refused."""

    where: str
    path: Path
    megabytes: float
    name: str = ""
    kind: str = ""
    base: str = ""
    fingerprint: str = ""
    metric: str = ""
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "path"} | {
            "path": str(self.path)
        }


def models(
    as_json: Annotated[bool, typer.Option("--json", help="One artefact per line as JSON on stdout.")] = False,
) -> None:
    """List the embedded models and your own, with every file's hash checked against its manifest."""
    with waiting("checking hashes"):
        found = list(artefacts())
    if as_json:
        for one in found:
            print_json(one.to_dict())
        return
    if not found:
        story(f"no models found; your own go to {home() / 'models'}")
        return
    _print(found)


def artefacts() -> Iterator[Found]:
    """Every folder with a manifest: in the package, in the home folder, under ./models/fine_tuned."""
    from mendgraph.adapters.artifacts import MANIFEST

    package = Path(next(iter(mendgraph.__path__))) / "weights"
    places = (("embedded", package), ("home", home() / "models"), ("here", Path("models/fine_tuned")))
    seen: set[Path] = set()
    for where, root in places:
        # The package's folder may be a link (an editable install): look behind it.
        for manifest in sorted(root.resolve().rglob(MANIFEST)):
            if manifest not in seen:
                seen.add(manifest)
                yield _found(where, manifest.parent)


def _found(where: str, folder: Path) -> Found:
    from mendgraph.adapters.artifacts import open_artifact

    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    try:
        artefact = open_artifact(folder)
    except ArtifactError as error:
        return Found(where, folder, size, name=folder.name, error=error.message)
    manifest = artefact.manifest
    base = f"{manifest.base_model.name} {manifest.base_model.sha256[:8]}" if manifest.base_model else ""
    return Found(
        where,
        folder,
        size,
        manifest.name,
        manifest.kind,
        base,
        artefact.fingerprint,
        main_metric(manifest.metrics),
    )


def main_metric(metrics: Mapping[str, Any]) -> str:
    figures = dict(_figures(metrics))
    for wanted in MAIN_METRICS:
        for name, value in figures.items():
            if name.rpartition(".")[2].endswith(wanted):
                return f"{name} {value:.3f}"
    return next((f"{name} {value:.3f}" for name, value in figures.items()), "")


def _figures(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from _figures(value, f"{prefix}{name}.")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)


def _print(found: list[Found]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("where", "name", "kind"):
        table.add_column(column, no_wrap=True)
    table.add_column("MB", justify="right", no_wrap=True)
    table.add_column("hashes", no_wrap=True)
    table.add_column("base model", style="dim")
    table.add_column("main figure", style="dim")
    for one in found:
        state = Text("refused", "red") if one.error else Text("ok", "green")
        size = f"{one.megabytes:.1f}"
        note = Text(one_line(one.error), "red") if one.error else one.metric
        table.add_row(one.where, one_line(one.name), one.kind, size, state, one_line(one.base), note)
    answers_console().print(table)
