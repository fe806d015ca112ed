"""A refinement on disk and at work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from mendgraph.adapters.artifacts import Artifact, open_artifact, write_artifact
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.reader.midway import Midway
from mendgraph.errors import ArtifactError, BadOutput, ShapeMismatch
from mendgraph.modules.refinement import Refined, Refinement, RefinementSpec

__all__ = ["REFINEMENT_KIND", "Refiner", "load_refinement", "save_refinement"]

REFINEMENT_KIND = "conflict_refinement"
TASK = "conflict"
WEIGHTS = "refinement.safetensors"
REFERENCE = "reference.safetensors"


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
    """
    Args:
        files: other files of the folder that the manifest is to vouch for.
        fields: of the manifest: training, data, versions, metrics.
    """
    folder.mkdir(parents=True, exist_ok=True)
    module = refiner.module
    save_file(
        {name: p.detach().cpu().contiguous() for name, p in module.state_dict().items()}, folder / WEIGHTS
    )
    (folder / WEIGHTS).chmod(0o644)  # safetensors writes for the owner alone
    named = [WEIGHTS, *files]
    if refiner.reference:
        save_file(dict(refiner.reference), folder / REFERENCE)
        (folder / REFERENCE).chmod(0o644)
        named.append(REFERENCE)
    settings = {
        "layer": refiner.layer,
        "hidden_size": module.hidden_size,
        "shape": {**asdict(module.spec), "bottleneck": module.bottleneck},
        "reader": refiner.reader,
    }
    return write_artifact(
        folder,
        name=f"{TASK}/{folder.name}",
        kind=REFINEMENT_KIND,
        task=TASK,
        files=named,
        settings=settings,
        **fields,
    )


def load_refinement(folder: str | Path, *, reader: str = "", device: str | torch.device = "cpu") -> Refiner:
    """
    Args:
        reader: fingerprint of the reader it is to work with; "" does not ask.

    Raises:
        ArtifactError: the folder is damaged, holds something else, or belongs to another reader.
    """
    artifact = open_artifact(folder)
    settings = artifact.manifest.settings
    if artifact.manifest.kind != REFINEMENT_KIND:
        raise ArtifactError(
            f"{str(folder)!r} holds a {artifact.manifest.kind}, not a {REFINEMENT_KIND}",
            hint="give another folder",
        )
    if reader and settings["reader"] and settings["reader"] != reader:
        raise ShapeMismatch(
            f"the refinement in {str(folder)!r} was trained through reader {settings['reader']}, this is {reader}",
            hint="train a refinement for this reader",
        )
    with renamed(f"load the refinement in {str(folder)!r}", loading=True):
        module = Refinement(int(settings["hidden_size"]), RefinementSpec(**settings["shape"]))
        module.load_state_dict(artifact.tensors(WEIGHTS))
        return Refiner(
            module.to(device).eval().requires_grad_(False),
            int(settings["layer"]),
            str(settings["reader"]),
            artifact.fingerprint,
            artifact.tensors(REFERENCE) if REFERENCE in artifact.manifest.files else {},
        )
