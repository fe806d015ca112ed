"""What `mend learn emotion` found: the report for people, and the artefacts it writes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import save_file

from mendgraph.adapters.artifacts import MANIFEST, Artifact, DataSource, write_artifact
from mendgraph.adapters.neighbours import FILE, NeighbourTier
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.values import Input
from mendgraph.errors import DataError
from mendgraph.modules.neighbours import NeighbourIndex
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.walk import Figures

CORRECTIONS = "corrections"


class Labelled(Protocol):
    """A prepared text and its class number."""

    @property
    def input(self) -> Input: ...
    @property
    def label(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Extended:
    """A neighbour index with corrections in it.

    Attributes:
        base: the artefact it grew from.
        points: neighbours that came from training, not from corrections.
    """

    base: Artifact
    index: NeighbourIndex
    points: int
    corrections: int


@dataclass(frozen=True, slots=True)
class Learned:
    """All that is written: the policy, and the extended index of each neighbour tier."""

    policy: HealingPolicy
    indexes: Mapping[str, Extended]


@dataclass(frozen=True, slots=True)
class LearnReport:
    """What would change, and how to make it so.

    Attributes:
        corrections: read from the store; `neighbours` of them go into the index.
        risk: share of the accepted rows that may be wrong.
        dev, held_out: (as it is, as it would be), the latter cross-fitted; None without rows.
        thresholds: (as they are, as they would be).
        out: the folder that `write` writes to.
    """

    corrections: int
    neighbours: int
    risk: float
    dev: tuple[Figures | None, Figures | None]
    held_out: tuple[Figures | None, Figures | None]
    thresholds: tuple[Mapping[str, float], Mapping[str, float]]
    learned: Learned
    out: Path

    def lines(self) -> list[str]:
        """For a person: figures before and after, thresholds, and the configuration that uses the result."""
        return [
            f"{self.corrections} corrections, {self.neighbours} of them new neighbours",
            *_compared("dev", self.dev, self.risk),
            *_compared("corrections held out of the index", self.held_out, self.risk),
            "(as it is -> as it would be; the latter cross-fitted, both without the irony check)",
            "thresholds:",
            *(f"  {name}: {_change(self.thresholds, name)}" for name in self.thresholds[1]),
            "to use it, put this into your configuration:",
            *self.config_lines(),
        ]

    def config_lines(self) -> list[str]:
        """YAML that puts the learned parts to use."""
        lines = ["emotion:", f"  policy: {json.dumps(str(self.out / 'policy'))}"]
        if self.learned.indexes:
            lines.append("  tiers:")
        return [
            *lines,
            *(
                f"    {name}: {{kind: neighbours, path: {json.dumps(str(self.out / name))}}}"
                for name in self.learned.indexes
            ),
        ]

    def write(self) -> None:
        """Writes the artefacts, each taking the place of an earlier one at once.

        Raises:
            DataError: the folder cannot be written, or holds something else under the same name.
        """
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.out, prefix=".learning-") as staging:
                for name, new in self.learned.indexes.items():
                    write_neighbours(Path(staging) / name, new)
                write_policy(Path(staging) / "policy", self.learned.policy, self.corrections)
                for name in (*self.learned.indexes, "policy"):
                    _take_place(Path(staging), name, self.out)
        except OSError as error:
            raise DataError(
                f"cannot write {self.out}: {error.strerror}", hint="choose another folder with --out"
            ) from error


def extended(base: Artifact, tier: NeighbourTier, rows: Sequence[Labelled]) -> Extended:
    """The index of `tier` with `rows` in it; corrections that an earlier run put there are taken out first."""
    points = int(base.manifest.training.get("points", len(tier.index.points)))
    trained = replace(tier.index, points=tier.index.points[:points], classes=tier.index.classes[:points])
    labels = base.manifest.labels
    classes = torch.tensor([labels.index(LABELS[row.label]) for row in rows])
    with torch.inference_mode():
        index = trained.extended(tier.vectors.of([row.input.text for row in rows]), classes)
    return Extended(base, index, points, len(rows))


def write_neighbours(folder: Path, new: Extended) -> Artifact:
    """As the base artefact, with more points; everything else is stored as it was."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = new.base.manifest
    tensors = {**new.base.tensors(FILE), "points": new.index.points, "classes": new.index.classes}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / FILE)
    sources = [source for source in manifest.data if source.name != CORRECTIONS]
    return write_artifact(
        folder,
        name=manifest.name,
        kind=manifest.kind,
        task=manifest.task,
        files=[FILE],
        base_model=manifest.base_model,
        labels=manifest.labels,
        settings=manifest.settings,
        training={**manifest.training, "points": new.points, CORRECTIONS: new.corrections},
        data=[*sources, DataSource(name=CORRECTIONS, licence="the user's own", rows=new.corrections)],
        versions=manifest.versions,
    )


def write_policy(folder: Path, policy: HealingPolicy, corrections: int) -> Artifact:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.json").write_text(json.dumps(policy.to_dict(), indent=2) + "\n", encoding="utf-8")
    return write_artifact(
        folder,
        name="policy",
        kind="policy",
        task="emotion",
        files=["policy.json"],
        labels=policy.labels,
        training={CORRECTIONS: corrections},
    )


def _take_place(staging: Path, name: str, out: Path) -> None:
    target = out / name
    if target.exists():
        if not (target / MANIFEST).is_file():
            raise DataError(f"{target} is there and is no artefact", hint="choose another folder with --out")
        target.rename(staging / f"{name}.old")
    (staging / name).rename(target)


def _compared(what: str, pair: tuple[Figures | None, Figures | None], risk: float) -> list[str]:
    before, after = pair
    if before is None or after is None:
        return [f"{what}: no rows"]
    return [
        f"{what}, {after.rows:,} rows:",
        f"  accuracy {before.accuracy:.3f} -> {after.accuracy:.3f}",
        f"  coverage at {risk:.0%} risk {before.coverage_at_risk:.3f} -> {after.coverage_at_risk:.3f}",
        f"  accepted {before.accepted:.3f} -> {after.accepted:.3f}, of it wrong "
        f"{before.accepted_risk:.3f} -> {after.accepted_risk:.3f}",
        f"  ECE {before.ece:.3f} -> {after.ece:.3f}",
    ]


def _change(pair: tuple[Mapping[str, float], Mapping[str, float]], name: str) -> str:
    before, after = pair
    was = f"{before[name]:.3f}" if name in before else "none"
    return f"{was} -> {after[name]:.3f}"
