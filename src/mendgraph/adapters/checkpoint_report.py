"""What a checkpoint holds: its tensors, and how its parameters are shared between encoder and head."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mendgraph.adapters.checkpoint import Checkpoint
from mendgraph.adapters.hashing import sha256_of
from mendgraph.adapters.lcr.published import published_detector, published_refinement
from mendgraph.errors import ShapeMismatch
from mendgraph.modules.cross_scorer import layout_of

__all__ = ["CheckpointReport", "Entry", "inspect_checkpoint"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor."""

    key: str
    shape: tuple[int, ...]
    dtype: str
    numbers: int
    bytes: int


@dataclass(frozen=True, slots=True)
class CheckpointReport:
    """A checkpoint in figures.

    Attributes:
        system: what it is a part of, ``reflection scorer`` or ``conflict system``; "" when it is of neither.
        layout: ``cross_encoder`` or ``roberta``; ``detector`` or ``refinement`` with its widths; "" as `system`.
        shares: part -> its numbers: ``encoder`` and ``head`` where the layout is known, else the first words of keys.
        not_finite: keys of tensors with NaN or infinity in them.
    """

    path: str
    form: str
    bytes: int
    sha256: str
    nested: str
    beside: tuple[str, ...]
    system: str
    layout: str
    entries: tuple[Entry, ...]
    shares: Mapping[str, int]
    not_finite: tuple[str, ...]

    @property
    def numbers(self) -> int:
        return sum(entry.numbers for entry in self.entries)

    def to_dict(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "format": self.form,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "nested": self.nested,
            "beside": list(self.beside),
            "system": self.system,
            "layout": self.layout,
            "parameters": self.numbers,
            "shares": dict(self.shares),
            "not_finite": list(self.not_finite),
            "tensors": [
                {"key": e.key, "shape": list(e.shape), "dtype": e.dtype, "parameters": e.numbers}
                for e in self.entries
            ],
        }


def inspect_checkpoint(checkpoint: Checkpoint) -> CheckpointReport:
    """Entries in the file's order."""
    entries = tuple(
        Entry(
            key, tuple(t.shape), str(t.dtype).removeprefix("torch."), t.numel(), t.numel() * t.element_size()
        )
        for key, t in checkpoint.tensors.items()
    )
    try:
        layout = layout_of(checkpoint.tensors.keys())
    except ShapeMismatch:
        name, shares = _conflict_part(checkpoint.tensors), _by_first_word(entries)
        system = "conflict system" if name else ""
    else:
        system, name = "reflection scorer", layout.name
        encoder = sum(e.numbers for e in entries if e.key.startswith(f"{layout.encoder}."))
        head = sum(e.numbers for e in entries if e.key in layout.head)
        shares = {"encoder": encoder, "head": head}
        if other := sum(e.numbers for e in entries) - encoder - head:
            shares["other"] = other
    return CheckpointReport(
        path=str(checkpoint.path),
        form=checkpoint.form,
        bytes=checkpoint.path.stat().st_size,
        sha256=sha256_of(checkpoint.path),
        nested=checkpoint.nested,
        beside=checkpoint.beside,
        system=system,
        layout=name,
        entries=entries,
        shares=shares,
        not_finite=tuple(
            key for key, t in checkpoint.tensors.items() if t.is_floating_point() and not t.isfinite().all()
        ),
    )


def _conflict_part(tensors: Mapping[str, Tensor]) -> str:
    """A detector's or a refinement's name and widths, as LCR publishes them; "" for anything else."""
    found: dict[str, str] = {}
    with suppress(ShapeMismatch):
        detector = published_detector(tensors)
        found["detector"] = f"{detector.inputs}-{detector.inner.out_features}-1"
    with suppress(ShapeMismatch):
        refinement = published_refinement(tensors, {})
        hidden, narrow = refinement.up.in_features, refinement.up.out_features
        found["refinement"] = f"{hidden}-{narrow}-{hidden}"
    return next((f"{part} {widths}" for part, widths in found.items()), "")


def _by_first_word(entries: tuple[Entry, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in entries:
        part = entry.key.partition(".")[0]
        found[part] = found.get(part, 0) + entry.numbers
    return found
