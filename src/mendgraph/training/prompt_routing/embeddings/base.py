"""Vectors of LLMs, saved and loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from mendgraph.adapters.artifacts import Artifact, open_artifact, write_artifact
from mendgraph.errors import ArtifactError, DataError

__all__ = ["FILE", "KIND", "Echo", "LLMEmbeddings"]

KIND = "llm_embeddings"
FILE = "llm_embeddings.safetensors"

Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class LLMEmbeddings:
    """
    Attributes:
        models: M names.
        vectors: (M, E) float32.
        spec: the embedding spec that made them, as plain values.
        history: one mapping per epoch of their training; empty where there was none.
    """

    models: tuple[str, ...]
    vectors: Tensor
    spec: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Mapping[str, float], ...] = ()

    def of(self, models: Sequence[str]) -> Tensor:
        """(len(models), E), in this order.

        Raises:
            DataError: one of them has no embedding.
        """
        missing = [name for name in models if name not in self.models]
        if missing:
            raise DataError(
                f"no embedding for {missing[0]!r} ({len(missing)} of {len(models)} LLMs have none)",
                hint="train embeddings on data that have it, or leave it out with min_model_comparisons",
            )
        return self.vectors[[self.models.index(name) for name in models]]

    def save(self, folder: Path, name: str = KIND) -> Artifact:
        """As an artefact folder of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"vectors": self.vectors.contiguous()}, folder / FILE, metadata={"format": "pt"})
        (folder / FILE).chmod(0o644)  # safetensors writes for the owner alone
        return write_artifact(
            folder,
            name=name,
            kind=KIND,
            task="prompt_routing",
            files=[FILE],
            labels=self.models,
            training={"embedding_spec": dict(self.spec), "history": [dict(epoch) for epoch in self.history]},
        )

    @classmethod
    def load(cls, folder: Path) -> LLMEmbeddings:
        """From its own folder, or from that of a router that was saved with them.

        Raises:
            ArtifactError: there are none, or they do not fit their names.
        """
        inside = folder / KIND
        artifact = open_artifact(inside if inside.is_dir() else folder)
        if artifact.manifest.kind != KIND:
            raise ArtifactError(
                f"{str(folder)!r} holds {artifact.manifest.kind!r}, not embeddings of LLMs",
                hint=f"give a folder that has {KIND} in it",
            )
        vectors = artifact.tensors(FILE)["vectors"]
        if vectors.dim() != 2 or len(vectors) != len(artifact.manifest.labels):
            raise ArtifactError(
                f"{len(artifact.manifest.labels)} names for embeddings of shape {tuple(vectors.shape)}"
            )
        made = artifact.manifest.training
        return cls(
            artifact.manifest.labels,
            vectors.to(torch.float32),
            made.get("embedding_spec", {}),
            tuple(made.get("history", ())),
        )
