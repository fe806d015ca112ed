"""Trains the reflection scorer that the graph uses, and writes its artefact folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mendgraph.adapters.device import choose_device
from mendgraph.adapters.hub import EMBEDDED_SHA256, locate, weights_hash
from mendgraph.config import ReflectionTrainingSpec
from mendgraph.errors import ConfigError
from mendgraph.training.emotion.model import parameter_counts
from mendgraph.training.reflection.corpus import leak_free
from mendgraph.training.reflection.fit import fit
from mendgraph.training.reflection.save import Trained, save
from mendgraph.training.reflection.sources import read_pair
from mendgraph.training.reflection.states import LowerStates


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a finished training run reports; `config_line` is the YAML that puts the model into the graph."""

    folder: Path
    fingerprint: str
    metrics: Mapping[str, Any]
    config_line: str


def train(
    settings: ReflectionTrainingSpec,
    data_dir: Path,
    out_dir: Path,
    *,
    device: str = "auto",
    echo: Callable[[str], None] = lambda line: None,
) -> TrainResult:
    """Trains on ``pair_train.parquet``; ``pair_dev.parquet`` picks the epoch and fits levels and calibration.

    Args:
        data_dir: what `mend data reflection` wrote, or the data set's own files.

    Raises:
        DataError: a file is missing or malformed.
        ConfigError: the settings do not fit the encoder, or make no adapter.
        ArtifactError, HubUnavailable: the encoder cannot be had.
        OutOfMemory: with the setting to change.
    """
    if settings.blind:
        raise ConfigError(
            "only a scorer that sees the prompt can be put into the graph",
            hint="leave `blind` alone; it is for comparisons in the cross-validation",
        )
    folder = locate(settings.model)
    train_groups, dev, shared = leak_free(read_pair(data_dir, "train"), read_pair(data_dir, "dev"))
    echo(f"{len(train_groups)} prompts to train on, {len(dev)} held out; {shared} dropped, variants of those")
    states = LowerStates(folder, settings, choose_device(device))
    fitted = fit(states, train_groups, dev, settings, echo=echo)
    trainable, parameters = parameter_counts(fitted.model)
    echo(f"trainable parameters: {trainable:,} of {parameters:,} ({trainable / parameters:.2%})")
    # a copy of the embedded encoder under another path is still the embedded encoder
    name = "embedded" if weights_hash(folder) == EMBEDDED_SHA256 else settings.model
    trained = Trained(fitted, name, folder, train_groups, dev)
    artifact, metrics = save(trained, out_dir)
    line = f"reflection: {{tiers: {{primary: {{path: {out_dir}}}}}}}"
    echo(f"written to {out_dir}; to use it: {line}")
    return TrainResult(out_dir, artifact.fingerprint, metrics, line)
