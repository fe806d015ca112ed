"""Keeps a router that further LLMs have joined."""

from __future__ import annotations

import shutil
from pathlib import Path

from safetensors.torch import save_file

from mendgraph.adapters.artifacts import Artifact, write_artifact
from mendgraph.adapters.router_model import HEAD, ROWS, RouterModel
from mendgraph.errors import DataError
from mendgraph.training.prompt_routing.card import model_card

__all__ = ["save_joined"]


def save_joined(router: RouterModel, artifact: Artifact, folder: Path) -> Artifact:
    """Writes the artefact again with the LLMs that `router` knows beside its own; may be its own folder.

    Raises:
        DataError: `router` did not come from this artefact.
    """
    known = artifact.manifest.labels
    if router.models[: len(known)] != known:
        raise DataError(f"the router knows {', '.join(router.models)}, the artefact {', '.join(known)}")
    tensors = artifact.tensors(HEAD)
    tensors[ROWS] = router.network.rows().detach().cpu().to(tensors[ROWS].dtype).contiguous()
    if folder.resolve() != artifact.folder.resolve():
        folder.mkdir(parents=True, exist_ok=True)
        for name in artifact.manifest.files:
            shutil.copyfile(artifact.path(name), folder / name)
    save_file(tensors, folder / HEAD, metadata={"format": "pt"})
    (folder / HEAD).chmod(0o644)  # safetensors writes for the owner alone
    manifest = artifact.manifest
    joined = [*manifest.training.get("joined", ()), *router.models[len(known) :]]
    fields = manifest.model_dump(exclude={"format", "name", "kind", "task", "files", "labels", "training"})
    written = write_artifact(
        folder,
        name=manifest.name,
        kind=manifest.kind,
        task=manifest.task,
        files=[*manifest.files],
        labels=router.models,
        training={**manifest.training, "joined": joined},
        **fields,
    )
    (folder / "README.md").write_text(model_card(written.manifest), encoding="utf-8")
    return written
