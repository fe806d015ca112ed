"""Trains what the cascade falls back on: lexical model, neighbour index, descriptions, emoji table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from mendgraph.adapters.artifacts import Artifact, BaseModelRef, DataSource, write_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.config import Config
from mendgraph.core.lexical import LexicalModel
from mendgraph.modules.neighbours import NeighbourIndex
from mendgraph.training.emotion.corpus import UNKNOWN, Row, read_corpus
from mendgraph.training.emotion.emoji_priors import fit_emoji_tier
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.lexical import fit_lexical, int8
from mendgraph.training.emotion.save import versions
from mendgraph.training.emotion.similarity import DESCRIPTIONS, fit_neighbours
from mendgraph.training.emotion.sources import PROVENANCE
from mendgraph.training.emotion.tables import read_table

FEATURES = 30_000
"""Lexical features kept, the most telling first; it bounds the size of the file."""

DESCRIPTION_TEMPERATURE = 0.05


def train_backups(
    config: Config, data_dir: Path, out_dir: Path, *, echo: Callable[[str], None] = lambda line: None
) -> dict[str, Artifact]:
    """Writes the folders ``lexical``, ``neighbours``, ``descriptions`` and ``emoji`` under `out_dir`.

    All learn from the training rows of the processed folder `data_dir` that have one of the eight labels.

    Raises:
        DataError: the processed folder is incomplete or malformed.
    """
    rows = [row for row in read_corpus(data_dir, seed=config.training.seed).train if row.emotion != UNKNOWN]
    texts = [row.text for row in rows]
    classes = np.array([row.emotion for row in rows], dtype=np.int64)
    written: dict[str, Artifact] = {}

    echo(f"lexical: logistic regression over n-grams of {len(rows):,} rows")
    lexical = fit_lexical(texts, classes, len(LABELS), keep=FEATURES)
    written["lexical"] = _write_lexical(lexical, out_dir / "lexical", rows)

    echo("neighbours: encoding the same rows")
    encoder = SharedEncoder.open(config.model.name, max_length=config.model.max_length)
    base = BaseModelRef(name=config.model.name, sha256=encoder.backbone.sha256)
    index = fit_neighbours(encoder.encode(texts), classes, len(LABELS))
    written["neighbours"] = write_neighbours(index, out_dir / "neighbours", base, provenance(rows))
    written["descriptions"] = _write_descriptions(out_dir / "descriptions", base)

    echo("emoji: counting")
    written["emoji"] = _write_emoji(data_dir, out_dir / "emoji")
    for name, artifact in written.items():
        size = sum(artifact.path(file).stat().st_size for file in artifact.manifest.files)
        echo(f"{name}: {size / 1e6:.2f} MB in {artifact.folder}")
    return written


def provenance(rows: Sequence[Row]) -> list[DataSource]:
    """Where training rows come from and under which licence."""
    names = [row.source for row in rows]
    unknown = ("not known to mendgraph", "unknown")
    return [
        DataSource(name=name, licence=licence, rows=names.count(name), source=citation)
        for name in dict.fromkeys(names)
        for citation, licence in [PROVENANCE.get(name, unknown)]
    ]


def write_neighbours(
    index: NeighbourIndex, folder: Path, base: BaseModelRef, data: Sequence[DataSource]
) -> Artifact:
    """The artefact folder of a neighbour index."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        "mean": index.mean,
        "projection": index.projection,
        "points": index.points,
        "classes": index.classes,
        "weights": index.weights,
    }
    save_file({key: t.contiguous() for key, t in tensors.items()}, folder / "neighbours.safetensors")
    return write_artifact(
        folder,
        name="emotion/neighbours",
        kind="neighbours",
        task="emotion",
        files=["neighbours.safetensors"],
        base_model=base,
        labels=LABELS,
        settings={"k": index.k, "temperature": index.temperature},
        data=list(data),
        versions=versions(),
    )


def _write_lexical(model: LexicalModel, folder: Path, rows: Sequence[Row]) -> Artifact:
    folder.mkdir(parents=True, exist_ok=True)
    weights, scale = int8(model.weights)
    tensors = {
        "keys": torch.from_numpy(model.keys.astype(np.int64)),
        "idf": torch.from_numpy(model.idf.astype(np.float16)),
        "weights": torch.from_numpy(weights),
        "scale": torch.from_numpy(scale),
        "bias": torch.from_numpy(model.bias),
    }
    save_file(tensors, folder / "lexical.safetensors")
    return write_artifact(
        folder,
        name="emotion/lexical",
        kind="lexical",
        task="emotion",
        files=["lexical.safetensors"],
        labels=LABELS,
        data=provenance(rows),
        versions=versions(),
    )


def _write_descriptions(folder: Path, base: BaseModelRef) -> Artifact:
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "descriptions.json", DESCRIPTIONS)
    return write_artifact(
        folder,
        name="emotion/descriptions",
        kind="descriptions",
        task="emotion",
        files=["descriptions.json"],
        base_model=base,
        labels=LABELS,
        settings={"temperature": DESCRIPTION_TEMPERATURE},
        versions=versions(),
    )


def _write_emoji(data_dir: Path, folder: Path) -> Artifact:
    """From the raw texts: prepared ones have words in place of their emoji."""
    folder.mkdir(parents=True, exist_ok=True)
    table = read_table(data_dir / "train.parquet", ("text", "label8", "source"))
    labelled = [(t, y) for t, y in zip(table["text"], table["label8"], strict=True) if y is not None]
    fitted = fit_emoji_tier([text for text, _ in labelled], [label for _, label in labelled])
    _write_json(folder / "emoji.json", fitted)
    sources = [
        DataSource(name=name, licence=PROVENANCE[name][1], rows=len(labelled), source=PROVENANCE[name][0])
        for name in sorted(set(table["source"]))
        if name in PROVENANCE
    ]
    return write_artifact(
        folder,
        name="emotion/emoji",
        kind="emoji",
        task="emotion",
        files=["emoji.json"],
        labels=LABELS,
        data=sources,
        versions=versions(),
    )


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
