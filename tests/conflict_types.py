"""A small artefact of the kind of tier that tells levels of conflict apart."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from mendgraph.adapters.artifacts import Artifact, BaseModelRef, write_artifact
from mendgraph.adapters.hub import weights_hash
from mendgraph.core.conflict import LEVELS
from mendgraph.core.evidence import FEATURES
from mendgraph.modules.compared_head import ComparedHead
from tests import tiny

WIDTH = 6


def save_types(folder: Path, encoder: Path, *, seed: int = 0) -> Artifact:
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    head = ComparedHead(tiny.HIDDEN, len(FEATURES), WIDTH, len(LEVELS))
    save_file(
        {name: part.contiguous() for name, part in head.state_dict().items()}, folder / "head.safetensors"
    )
    state, config = tiny.lora(tiny.bert(), ["query", "value"])
    save_file(state, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return write_artifact(
        folder,
        name="conflict/types",
        kind="conflict_types",
        task="conflict",
        files=["head.safetensors", "adapter_model.safetensors", "adapter_config.json"],
        base_model=BaseModelRef(name="tiny", sha256=weights_hash(encoder)),
        labels=LEVELS,
        settings={"max_length": 60, "head_width": WIDTH, "features": list(FEATURES)},
    )
