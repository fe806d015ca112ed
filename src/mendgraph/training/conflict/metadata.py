"""The metadata file beside a trained part: where, with what and how it was trained, and what it must reach again."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mendgraph.adapters.device import compute_threads

__all__ = ["CONFIG", "METADATA", "metadata_of", "versions", "write_json"]

CONFIG = "config.json"
METADATA = "metadata.json"


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("torch", "transformers", "tokenizers", "numpy")}


def metadata_of(
    *,
    seed: int,
    training: Mapping[str, Any],
    curves: Sequence[Mapping[str, float]],
    expected: Mapping[str, float],
    device: torch.device,
) -> dict[str, Any]:
    """
    Args:
        expected: what validation reached, by name.
    """
    cuda = device.type == "cuda"
    return {
        "framework": {
            "python_version": platform.python_version(),
            "pytorch_version": torch.__version__,
            "transformers_version": version("transformers"),
            "numpy_version": np.__version__,
            "cuda_version": torch.version.cuda,
        },
        "hardware": {
            "device": device.type,
            "device_name": torch.cuda.get_device_name(device)
            if cuda
            else platform.processor() or platform.machine(),
            "compute_threads": compute_threads(),
        },
        "reproducibility": {"seed": seed, "cudnn_deterministic": torch.backends.cudnn.deterministic},
        "training": dict(training),
        "curves": [dict(row) for row in curves],
        "validation": {f"expected_{name}": value for name, value in expected.items()},
    }


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
