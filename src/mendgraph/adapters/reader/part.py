"""Folders of what was trained on a reader's states: detector and refinement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from safetensors.torch import save_file
from torch import Tensor, nn

from mendgraph.adapters.artifacts import Artifact, open_artifact, write_artifact
from mendgraph.errors import ArtifactError, ShapeMismatch

__all__ = ["REFERENCE", "WEIGHTS", "open_part", "reference_of", "save_part"]

WEIGHTS: Final = "weights.safetensors"
REFERENCE: Final = "reference.safetensors"
TASK: Final = "conflict"


def save_part(
    module: nn.Module,
    folder: Path,
    *,
    kind: str,
    settings: Mapping[str, Any],
    reference: Mapping[str, Tensor],
    files: Sequence[str] = (),
    **fields: Any,
) -> Artifact:
    """
    Args:
        reference: tensors that tell later whether the part still computes what it did; none is written when empty.
        files: other files of the folder that the manifest is to vouch for.
        fields: of the manifest: training, data, versions, metrics.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: part.detach().cpu().contiguous() for name, part in module.state_dict().items()}
    written = {WEIGHTS: weights, **({REFERENCE: dict(reference)} if reference else {})}
    for name, tensors in written.items():
        save_file(tensors, folder / name)
        (folder / name).chmod(0o644)  # safetensors writes for the owner alone
    return write_artifact(
        folder,
        name=f"{TASK}/{folder.name}",
        kind=kind,
        task=TASK,
        files=[*written, *files],
        settings=dict(settings),
        **fields,
    )


def open_part(folder: str | Path, kind: str, *, reader: str = "") -> Artifact:
    """
    Args:
        reader: fingerprint of the reader it is to work with; "" does not ask.

    Raises:
        ArtifactError: the folder is damaged, holds something else, or belongs to another reader.
    """
    artifact = open_artifact(folder)
    if artifact.manifest.kind != kind:
        raise ArtifactError(
            f"{str(folder)!r} holds a {artifact.manifest.kind}, not a {kind}", hint="give another folder"
        )
    noun = kind.removeprefix(f"{TASK}_")
    trained_on = artifact.manifest.settings["reader"]
    if reader and trained_on and trained_on != reader:
        raise ShapeMismatch(
            f"the {noun} in {str(folder)!r} was trained on states of reader {trained_on}, this is {reader}",
            hint=f"train a {noun} for this reader",
        )
    return artifact


def reference_of(artifact: Artifact) -> Mapping[str, Tensor]:
    """What `save_part` was given; empty when nothing was."""
    return artifact.tensors(REFERENCE) if REFERENCE in artifact.manifest.files else {}
