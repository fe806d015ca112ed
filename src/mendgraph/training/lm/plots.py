"""The picture of a training run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mendgraph.errors import MendError

CURVE = "training_curve.png"


def read_log(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_curve(log: list[dict[str, Any]], path: Path) -> None:
    """Training loss, and bits per byte of each domain on dev, over the tokens read."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MendError(
            "plots need matplotlib, which is not installed", hint="pip install 'mendgraph[train]'"
        ) from error
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    losses = [(row["tokens"] / 1e6, row["loss"]) for row in log if "loss" in row]
    left.plot(*zip(*losses, strict=True))
    left.set(xlabel="million tokens", ylabel="loss, nats per token", title="training")
    measured = [row for row in log if "dev_bits_per_byte" in row]
    for domain in measured[0]["dev_bits_per_byte"]:
        right.plot(
            [row["tokens"] / 1e6 for row in measured],
            [row["dev_bits_per_byte"][domain] for row in measured],
            label=domain,
            marker=".",
        )
    right.set(xlabel="million tokens", ylabel="bits per byte", title="dev")
    right.legend()
    figure.savefig(path, dpi=100)
