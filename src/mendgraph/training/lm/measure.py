"""What the saved weights reach on dev, written down beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import nn

from mendgraph.adapters.device import choose_device
from mendgraph.training.lm.bits import bits_per_byte
from mendgraph.training.lm.fit import LOG, Streams
from mendgraph.training.lm.model import load_base
from mendgraph.training.lm.packing import windows
from mendgraph.training.lm.spec import RunSpec
from mendgraph.training.lm.trainer import Echo

METRICS = "metrics.json"


def record(
    folder: Path,
    saved: nn.Module,
    streams: Streams,
    spec: RunSpec,
    logs: Sequence[Path],
    done: Mapping[str, Any],
    *,
    context: int,
    device: str,
    echo: Echo,
) -> None:
    """Measures `saved` in fp32 and writes `METRICS` and the logs of its runs, as one, into `folder`.

    On a GPU over all of dev; on a CPU, where that takes an hour, over the windows that chose the weights.
    """
    place = choose_device(device)
    gpu = place.type == "cuda"
    model = saved.to(place)
    scores: dict[str, float] = {}
    counts: dict[str, int] = {}
    for name, stream in streams.dev.items():
        part = windows(stream, context)
        part = part if gpu else part.every(spec.eval_blocks)
        counts[name] = len(part.inputs)
        scores[name] = bits_per_byte(model, part, streams.byte_lengths, rows=32 if gpu else 4, device=place)
    story = ", ".join(f"{name} {score:.4f}" for name, score in scores.items())
    echo(f"{folder.name}: dev bits per byte of the saved weights: {story}")
    metrics = {
        "dev_bits_per_byte": scores,
        "dev_windows": counts,
        "run": dict(done),
        "spec": asdict(spec),
        "context": context,
        "data": streams.digest,
        "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers", "peft")},
    }
    (folder / METRICS).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    (folder / LOG).write_bytes(b"".join(log.read_bytes() for log in logs))


def load_adapter(base: Path, folder: Path) -> nn.Module:
    """The base model with the adapter of `folder`, in fp32."""
    from peft import PeftModel  # three seconds to import

    adapted: nn.Module = PeftModel.from_pretrained(load_base(base), str(folder))
    return adapted
