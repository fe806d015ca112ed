from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mendgraph.adapters.hub import locate
from mendgraph.training.prompt_routing.pooling import detect_pooling


def write(folder: Path, name: str, content: Any) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"1_Pooling/config.json": {"pooling_mode_mean_tokens": True}}, "mean"),
        (
            {"1_Pooling/config.json": {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}},
            "cls",
        ),
        ({"1_Pooling/config.json": {"pooling_mode_lasttoken": True}}, "last"),
        ({"1_Pooling/config.json": {"pooling_mode": "lasttoken"}}, "last"),
        (
            {
                "modules.json": [{"path": "pool", "type": "sentence_transformers.models.Pooling"}],
                "pool/config.json": {"pooling_mode_max_tokens": True},
            },
            "max",
        ),
        ({"config.json": {"architectures": ["Qwen2ForCausalLM"]}}, "last"),
        ({"config.json": {"architectures": ["BertForSequenceClassification"]}}, "cls"),
        ({"config.json": {"architectures": ["BertModel"]}}, "mean"),
        ({"config.json": "{broken", "modules.json": '"text"'}, "mean"),
        ({}, "mean"),
    ],
)
def test_it_is_read_from_the_models_own_files(tmp_path: Path, files: dict[str, Any], wanted: str) -> None:
    for name, content in files.items():
        write(tmp_path, name, content)
    assert detect_pooling(tmp_path) == wanted


def test_the_pooling_layer_outranks_the_architecture(tmp_path: Path) -> None:
    write(tmp_path, "config.json", {"architectures": ["Qwen2ForCausalLM"]})
    write(tmp_path, "1_Pooling/config.json", {"pooling_mode_mean_tokens": True})
    assert detect_pooling(tmp_path) == "mean"


def test_of_the_embedded_encoder() -> None:
    assert detect_pooling(locate("embedded")) == "mean"
