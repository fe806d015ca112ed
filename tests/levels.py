"""Small artefacts of the two kinds of tier that score reflections."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from mendgraph.adapters.artifacts import Artifact, BaseModelRef, write_artifact
from mendgraph.adapters.hub import weights_hash
from mendgraph.adapters.reflection_features import FEATURES
from mendgraph.core.linear import LinearModel
from mendgraph.core.reflection import LABELS
from mendgraph.modules.layered import input_widths
from mendgraph.modules.level_head import LevelHead
from tests import tiny

LAYERS, HIDDEN = 2, 6


def save_cross_scorer(
    folder: Path,
    encoder: Path,
    *,
    adapter: bool = True,
    seed: int = 0,
    labels: tuple[str, ...] = LABELS,
    **settings: object,
) -> Artifact:
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    head = LevelHead(input_widths(tiny.HIDDEN, LAYERS), HIDDEN)
    save_file(head.plain(), folder / "head.safetensors")
    files = ["head.safetensors"]
    if adapter:
        state, config = tiny.lora(tiny.bert(), ["query", "value"])
        save_file(state, folder / "adapter_model.safetensors")
        (folder / "adapter_config.json").write_text(json.dumps(config))
        files += ["adapter_model.safetensors", "adapter_config.json"]
    return write_artifact(
        folder,
        name="reflection/primary",
        kind="cross_scorer",
        task="reflection",
        files=files,
        base_model=BaseModelRef(name="tiny", sha256=weights_hash(encoder)),
        labels=labels,
        settings={
            "max_length": 40,
            "layers": LAYERS,
            "head_width": HIDDEN,
            **settings,
        },
    )


def save_features(folder: Path, encoder: Path, *, seed: int = 0) -> Artifact:
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed)
    rows, labels = noise.normal(size=(60, len(FEATURES))), np.arange(60) % 3
    model = LinearModel.fit(rows, labels, FEATURES, 3)
    (folder / "features.json").write_text(json.dumps(model.to_dict()))
    return write_artifact(
        folder,
        name="reflection/features",
        kind="reflection_features",
        task="reflection",
        files=["features.json"],
        base_model=BaseModelRef(name="tiny", sha256=weights_hash(encoder)),
        labels=LABELS,
    )
