"""Trains the types classifier that the graph uses, and writes its artefact folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.device import choose_device
from mendgraph.adapters.hub import EMBEDDED_SHA256, locate, weights_hash
from mendgraph.training.conflict.claims.files import claims_path, read_claims
from mendgraph.training.conflict.pairs import BREAKING, LabelledPair, claim_pairs, read_breaking
from mendgraph.training.conflict.types_fit import fit_types
from mendgraph.training.conflict.types_model import TypesModel
from mendgraph.training.conflict.types_save import TrainedTypes, save_types
from mendgraph.training.conflict.types_spec import TypesSpec

__all__ = ["TYPES", "train_types"]

TYPES = "types"
DEV_SETS = 250
DEV_PAIRS = 700
"""Of each source; enough to choose an epoch by."""


def train_types(
    data: Path,
    out: Path,
    spec: TypesSpec | None = None,
    *,
    device: str = "auto",
    echo: Callable[[str], None] = lambda line: None,
) -> Artifact:
    """Trains on claim sets and, where the folder has it, on Breaking NLI; into ``out/types``.

    Args:
        data: what `mend data conflict` wrote.

    Raises:
        DataError: a file is missing or malformed.
        ConfigError: the settings do not fit the encoder.
        ArtifactError, HubUnavailable: the encoder cannot be had.
        OutOfMemory: with the setting to change.
    """
    spec = spec or TypesSpec()
    folder = locate(spec.model)
    train = _pairs(data, "train", spec.claim_sets)
    sets = read_claims(claims_path(data, "dev"))
    dev = list(claim_pairs(sets))[:DEV_PAIRS]
    if (data / BREAKING).is_file():
        dev += read_breaking(data, "dev")[:DEV_PAIRS]
    else:
        echo(f"no {BREAKING} in {data}: conflicts of single words are learned from claim sets alone")
    echo(f"{len(train):,} pairs to train on, {len(dev):,} held out")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        model = TypesModel(spec, folder, choose_device(device))
        fitted = fit_types(model, train, dev, echo=echo)
    # a copy of the embedded encoder under another path is still the embedded encoder
    name = "embedded" if weights_hash(folder) == EMBEDDED_SHA256 else spec.model
    trained = TrainedTypes(fitted, name, folder, train, dev, sets[:DEV_SETS])
    artifact, _ = save_types(trained, out / TYPES)
    echo(f"written to {artifact.folder}")
    return artifact


def _pairs(data: Path, split: str, most: int) -> list[LabelledPair]:
    sets = read_claims(claims_path(data, "train"))[:most]
    found = list(claim_pairs(sets))
    return found + read_breaking(data, split) if (data / BREAKING).is_file() else found
