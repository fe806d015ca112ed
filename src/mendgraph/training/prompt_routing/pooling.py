"""Which pooling an encoder was made for, read from its own files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["FALLBACK", "detect_pooling"]

FALLBACK = "mean"

_SENTENCE_TRANSFORMERS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean",
    "pooling_mode_weightedmean_tokens": "mean",
}
"""Switches of ``1_Pooling/config.json``; the lengths and weights of the last two are left to the head."""

_NEWER = {"cls": "cls", "lasttoken": "last", "max": "max", "mean": "mean"}
"""Values of ``pooling_mode`` in the files of newer versions."""


def detect_pooling(folder: Path) -> str:
    """``mean``, ``max``, ``cls`` or ``last``.

    In this order: the pooling layer that sentence-transformers wrote, a decoder's architecture (``last``), a
    classifier's (``cls``), and `FALLBACK`.  Files that cannot be read count as absent.
    """
    return _layer(folder) or _architecture(_read(folder / "config.json")) or FALLBACK


def _layer(folder: Path) -> str | None:
    modules = _read(folder / "modules.json")
    listed = [part for part in modules if isinstance(part, dict)] if isinstance(modules, list) else []
    paths = [str(part.get("path")) for part in listed if str(part.get("type", "")).endswith("Pooling")]
    for path in [*paths, "1_Pooling"]:
        config = _read(folder / path / "config.json")
        if not isinstance(config, dict):
            continue
        for switch, name in _SENTENCE_TRANSFORMERS.items():
            if config.get(switch) is True:
                return name
        if config.get("pooling_mode") in _NEWER:
            return _NEWER[config["pooling_mode"]]
    return None


def _architecture(config: Any) -> str | None:
    if not isinstance(config, dict):
        return None
    names = [str(name) for name in config.get("architectures") or ()]
    if config.get("is_decoder") or any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in names):
        return "last"
    return "cls" if any(name.endswith("ForSequenceClassification") for name in names) else None


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
