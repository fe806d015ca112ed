"""Writes a trained router as an artefact folder: weights, embeddings of its LLMs, figures, card, manifest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from mendgraph.adapters.artifacts import Artifact, BaseModelRef, DataSource, write_artifact
from mendgraph.adapters.hub import EMBEDDED_SHA256, weights_hash
from mendgraph.adapters.router_model import ENCODER, HEAD
from mendgraph.modules.router import MixtureHead, StrengthHead
from mendgraph.training.emotion.save import MANIFEST, versions
from mendgraph.training.prompt_routing.card import model_card
from mendgraph.training.prompt_routing.embeddings.base import KIND
from mendgraph.training.prompt_routing.fit import Fitted
from mendgraph.training.prompt_routing.specs import EMBEDDED

__all__ = ["save"]

ADAPTER = ("adapter_model.safetensors", "adapter_config.json")
TASK = "prompt_routing"


def save(
    fitted: Fitted, folder: Path, *, name: str | None = None, sources: Sequence[DataSource] = ()
) -> Artifact:
    """Writes the folder, its manifest last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)  # until the end this is no artefact
    for old in (ENCODER, *ADAPTER):
        (folder / old).unlink(missing_ok=True)
    base = fitted.reader.encoder.folder
    sha256 = weights_hash(base)
    # a copy of the embedded encoder under another path is still the embedded encoder
    encoder = EMBEDDED if sha256 == EMBEDDED_SHA256 else fitted.spec.transformer_model_name
    files = _write_weights(fitted, encoder, folder)
    fitted.embeddings.save(folder / KIND, f"{name or folder.name}/{KIND}")
    router = fitted.router
    head = router.network.head
    groups = head.groups if isinstance(head, MixtureHead) else 0
    settings = {
        **router.vectors.inputs.to_dict(),
        "head": fitted.spec.head.kind,
        "hidden_dims": list(fitted.spec.dims),
        "rank": head.rank - groups if isinstance(head, StrengthHead) else 0,
        "groups": groups,
        "quality": {
            "link": router.link,
            "meaning": router.meaning,
            "slope": router.slope,
            "intercept": router.intercept,
        },
    }
    metrics: dict[str, Any] = {"held_out": fitted.collapse.to_dict(), "best_epoch": fitted.best_epoch}
    _write_json(folder / "metrics.json", {**metrics, "epochs": list(fitted.history)})
    artifact = write_artifact(
        folder,
        name=f"{TASK}/{name or folder.name}",
        kind="router",
        task=TASK,
        files=files,
        base_model=BaseModelRef(name=encoder, sha256=sha256),
        labels=router.models,
        settings=settings,
        training={"spec": fitted.spec.model_dump(mode="json"), "prompts": list(fitted.prompts)},
        data=list(sources),
        versions=versions(),
        metrics=metrics,
    )
    (folder / "README.md").write_text(model_card(artifact.manifest), encoding="utf-8")
    return artifact


def _write_weights(fitted: Fitted, encoder: str, folder: Path) -> list[str]:
    """Names of what it wrote."""
    _write_tensors(folder / HEAD, fitted.tensors)
    if not fitted.changed:
        return [HEAD]
    if fitted.spec.finetuning_spec.kind in ("lora", "qlora"):
        _write_tensors(folder / ADAPTER[0], fitted.changed)
        fitted.reader.encoder.adapter_config(encoder, folder)
        return [HEAD, *ADAPTER]
    _write_tensors(folder / ENCODER, fitted.changed)
    return [HEAD, ENCODER]


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    save_file({name: part.contiguous() for name, part in tensors.items()}, path, metadata={"format": "pt"})
    path.chmod(0o644)  # safetensors writes for the owner alone; a package's weights are for its users


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
