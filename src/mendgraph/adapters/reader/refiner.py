"""A refinement on disk and at work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.reader.midway import Midway
from mendgraph.adapters.reader.part import WEIGHTS, open_part, reference_of, save_part
from mendgraph.errors import BadOutput, ShapeMismatch
from mendgraph.modules.refinement import Refined, Refinement, RefinementSpec

__all__ = ["REFINEMENT_KIND", "Refiner", "load_refinement", "save_refinement"]

REFINEMENT_KIND = "conflict_refinement"


@dataclass(frozen=True, slots=True)
class Refiner:
    """
    Attributes:
        layer: whose states it refines, counted from 0.
        reader: fingerprint of the reader it was trained through; "" when unknown.
        fingerprint: of its weights.
        reference: ``states`` (1, T, H) and what they were ``refined`` to where it was trained; empty when none were
            stored.
    """

    module: Refinement
    layer: int
    reader: str = ""
    fingerprint: str = ""
    reference: Mapping[str, Tensor] = field(default_factory=dict)

    def refine(self, midway: Midway) -> Refined:
        """States to finish the pass with, and how far they were moved.

        Raises:
            ShapeMismatch: the rows were stopped after another layer, or have another width.
            BadOutput: not finite.
        """
        if midway.border != self.layer or midway.states.shape[-1] != self.module.hidden_size:
            raise ShapeMismatch(
                f"the refinement is for layer {self.layer} and {self.module.hidden_size} numbers, the rows were "
                f"stopped after layer {midway.border} and have {midway.states.shape[-1]}",
                hint="open the reader with the refinement's layer, or train one for this reader",
            )
        with torch.inference_mode():
            refined = self.module(midway.states.float(), midway.seen.mask)
        if not bool(torch.isfinite(refined.states).all()):
            raise BadOutput("refined states are not finite", hint="load the reader with precision fp32")
        return Refined(refined.states.to(midway.states.dtype), refined.lengths, refined.taken)


def save_refinement(
    refiner: Refiner, folder: Path, *, files: tuple[str, ...] = (), **fields: Any
) -> Artifact:
    """As `save_part`."""
    module = refiner.module
    settings = {
        "layer": refiner.layer,
        "hidden_size": module.hidden_size,
        "shape": {**asdict(module.spec), "bottleneck": module.bottleneck},
        "reader": refiner.reader,
    }
    return save_part(
        module,
        folder,
        kind=REFINEMENT_KIND,
        settings=settings,
        reference=refiner.reference,
        files=files,
        **fields,
    )


def load_refinement(folder: str | Path, *, reader: str = "", device: str | torch.device = "cpu") -> Refiner:
    """As `open_part`.

    Raises:
        ArtifactError: the folder is damaged, holds something else, or belongs to another reader.
    """
    artifact = open_part(folder, REFINEMENT_KIND, reader=reader)
    settings = artifact.manifest.settings
    with renamed(f"load the refinement in {str(folder)!r}", loading=True):
        module = Refinement(int(settings["hidden_size"]), RefinementSpec(**settings["shape"]))
        module.load_state_dict(artifact.tensors(WEIGHTS))
        return Refiner(
            module.to(device).eval().requires_grad_(False),
            int(settings["layer"]),
            str(settings["reader"]),
            artifact.fingerprint,
            reference_of(artifact),
        )
