"""Trains the types classifier that the graph uses, and writes its artefact folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import torch

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.device import choose_device
from mendgraph.adapters.hub import EMBEDDED_SHA256, locate, weights_hash
from mendgraph.training.conflict.claims.files import claims_path, read_claims
from mendgraph.training.conflict.pair_fit import FittedPairs, fit_pairs
from mendgraph.training.conflict.pair_spec import PairSpec
from mendgraph.training.conflict.pairs import (
    BREAKING,
    LabelledPair,
    claim_pairs,
    pairs_path,
    read_breaking,
    read_pairs,
)
from mendgraph.training.conflict.types_compared import fit_compared, weigh
from mendgraph.training.conflict.types_model import TypesModel
from mendgraph.training.conflict.types_save import TrainedTypes, save_types
from mendgraph.training.conflict.types_start import read_as

__all__ = ["TYPES", "train_types"]

TYPES = "types"
DEV_SETS = 250
DEV_PAIRS = 400
"""Of each source; enough to choose an epoch by."""


def train_types(
    data: Path,
    out: Path,
    spec: PairSpec | None = None,
    *,
    device: str = "auto",
    echo: Callable[[str], None] = lambda line: None,
) -> Artifact:
    """Trains on claim sets and, where the folder has them, on changed real text and Breaking NLI; into ``out/types``.

    Args:
        data: what `mend data conflict` wrote.

    Raises:
        DataError: a file is missing or malformed.
        ConfigError: the settings do not fit the encoder.
        ArtifactError, HubUnavailable: the encoder cannot be had.
        OutOfMemory: with the setting to change.
    """
    spec = spec or PairSpec()
    folder = locate(spec.model)
    train, compared = _read_pairs(data, spec), _compared_pairs(data, spec)
    sets = read_claims(claims_path(data, "dev"))
    dev = list(claim_pairs(sets))[:DEV_PAIRS]
    for more in (_breaking(data, "dev"), _perturbed(data, "dev")):
        dev += more[:DEV_PAIRS]
    for name in (BREAKING, pairs_path(data, "train").name):
        if not (data / name).is_file():
            echo(f"no {name} in {data}: less to learn from; mend data conflict --data-dir DIR")
    echo(f"{len(train):,} pairs to read, {len(compared):,} to compare, {len(dev):,} held out")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        model = TypesModel(spec, folder, choose_device(device))
        if spec.start is None:
            fitted = fit_pairs(model, train, dev, echo=echo)
        else:
            read_as(spec.start, model)
            fitted = FittedPairs(model, (), 0)
        fit_compared(model, compared)
        best = weigh(model, dev, echo)
    fitted = replace(fitted, history=(*fitted.history, best))
    # a copy of the embedded encoder under another path is still the embedded encoder
    name = "embedded" if weights_hash(folder) == EMBEDDED_SHA256 else spec.model
    trained = TrainedTypes(fitted, name, folder, list({*train, *compared}), dev, sets[:DEV_SETS])
    artifact, _ = save_types(trained, out / TYPES)
    echo(f"written to {artifact.folder}")
    return artifact


def _read_pairs(data: Path, spec: PairSpec) -> list[LabelledPair]:
    sets = read_claims(claims_path(data, "train"))[: spec.claim_sets]
    return [*claim_pairs(sets), *_breaking(data, "train")]


def _compared_pairs(data: Path, spec: PairSpec) -> list[LabelledPair]:
    sets = read_claims(claims_path(data, "train"))
    drawn = Random(spec.seed).sample(sets, min(spec.compared_sets, len(sets)))
    return [*claim_pairs(drawn, spec.seed), *_breaking(data, "train"), *_perturbed(data, "train")]


def _breaking(data: Path, split: str) -> list[LabelledPair]:
    return read_breaking(data, split) if (data / BREAKING).is_file() else []


def _perturbed(data: Path, split: str) -> list[LabelledPair]:
    path = pairs_path(data, split)
    return read_pairs(path) if path.is_file() else []
