"""`mend train conflict --part reader`: a causal language model that answers from documents."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from mendgraph.adapters.artifacts import Artifact, BaseModelRef, DataSource, resolve, write_artifact
from mendgraph.adapters.backbone import positions
from mendgraph.adapters.hub import quiet, weights_hash
from mendgraph.adapters.reader.codec import Codec
from mendgraph.adapters.reader.reader import Reader
from mendgraph.training.conflict.claims.attribute import SPLITS
from mendgraph.training.conflict.reader_answers import answer_all, figures
from mendgraph.training.conflict.reader_fit import LOG, Done, fit_reader
from mendgraph.training.conflict.reader_spec import ReaderSpec
from mendgraph.training.conflict.split import read_split
from mendgraph.training.lm.model import load_base, save_adapter, save_base, with_adapter
from mendgraph.training.lm.spec import AdapterSpec, Limit

__all__ = ["READER", "train_reader"]

READER = "reader"
TASK = "conflict"
METRICS = "metrics.json"
_MEASURED = 500  # sets of a split
_KEPT = 100.0  # seconds of the time given that the last measurement may take

Echo = Callable[[str], None]


def train_reader(
    data: Path,
    out: Path,
    spec: ReaderSpec,
    *,
    base: str = "embedded:lm/base",
    minutes: float | None = None,
    steps: int | None = None,
    resume: bool = False,
    compiled: bool | None = None,
    device: str = "auto",
    echo: Echo = lambda line: None,
) -> Artifact:
    """Fine-tunes `base` on claim sets into ``out/reader``; state and log lie in ``out/reader.checkpoints``.

    Args:
        base: ``embedded:lm/base``, or the folder of a causal language model.
        minutes: wall-clock limit, the last measurement included.

    Raises:
        DataError: no claim sets, or no model.
        ConfigError: no end is given, or a checkpoint was made with other settings.
    """
    deadline = None if minutes is None else time.monotonic() + max(minutes * 60 - _KEPT, 30.0)
    source, folder = resolve(base), out / READER
    train, dev = read_split(data, "train"), read_split(data, "dev")
    torch.manual_seed(spec.seed)
    with quiet():
        network = load_base(source)
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(source, local_files_only=True)
        model: nn.Module = network
        if not spec.full:
            model = with_adapter(network, AdapterSpec(spec.rank, 2 * spec.rank), spec.seed)
    trained = sum(part.numel() for part in model.parameters() if part.requires_grad)
    echo(f"reader: {trained:,} parameters are trained on {len(train):,} claim sets")

    def save() -> None:
        with quiet():
            if spec.full:
                save_base(network, tokenizer, folder)
            else:
                save_adapter(model, folder)

    done = fit_reader(
        model, network, Codec(tokenizer, str(source)), train, dev, spec, Limit(steps=steps, deadline=deadline),
        out / f"{READER}.checkpoints", room=positions(network.config), save=save, resume=resume,
        compiled=compiled, device=device, echo=echo,
    )  # fmt: skip
    shutil.copy(out / f"{READER}.checkpoints" / LOG, folder / LOG)
    where = (str(folder), None) if spec.full else (str(source), str(folder))
    reader = Reader.open(where[0], adapter=where[1], device=device)
    scores: dict[str, dict[str, float]] = {}
    for split in SPLITS[1:]:
        sets = read_split(data, split, _MEASURED)
        scores[split] = {"sets": len(sets), **figures(sets, answer_all(reader, sets))}
        echo(f"{split}: {scores[split]['answer']:.3f} of {len(sets)} answers right")
    return _record(folder, source, base, spec, done, scores, len(train))


def _record(
    folder: Path,
    source: Path,
    base: str,
    spec: ReaderSpec,
    done: Done,
    scores: Mapping[str, Mapping[str, float]],
    rows: int,
) -> Artifact:
    metrics: dict[str, Any] = {"run": asdict(done), **scores}
    (folder / METRICS).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_card(spec, done, scores, base, rows), encoding="utf-8")
    beside = {METRICS, LOG, "README.md", "manifest.json"}
    return write_artifact(
        folder,
        name=f"{TASK}/{READER}",
        kind=READER,
        task=TASK,
        files=[file.name for file in folder.iterdir() if file.is_file() and file.name not in beside],
        base_model=BaseModelRef(name=base, sha256=weights_hash(source)),
        settings={"adapter": not spec.full},
        training={"settings": asdict(spec), **asdict(done)},
        data=[
            DataSource(
                name="claim sets", licence="made by this project", rows=rows, source="mend data conflict"
            )
        ],
        versions={name: version(name) for name in ("torch", "transformers", "tokenizers")},
        metrics={split: found["answer"] for split, found in scores.items()},
    )


def _card(
    spec: ReaderSpec, done: Done, scores: Mapping[str, Mapping[str, float]], base: str, rows: int
) -> str:
    shown = [name for name in scores["test"] if name not in ("sets",)]
    lines = [
        "# Reader for the conflict graph",
        "",
        f"`{base}`, fine-tuned ({'all weights' if spec.full else 'LoRA'}) to answer a question from documents on "
        f"{rows:,} claim sets: {done.steps:,} steps of {spec.batch_sets}, {done.tokens / 1e6:.1f} M tokens, "
        f"{done.seconds / 60:.0f} minutes.",
        "",
        "An answer counts as right when it is the one the stated rule picks, in any of the ways documents write it. "
        "Entities and wordings of test occur in neither train nor dev.",
        "",
        f"| | dev ({scores['dev']['sets']:.0f} sets) | test ({scores['test']['sets']:.0f} sets) |",
        "|---|---|---|",
        *(f"| {name} | {scores['dev'].get(name, 0):.3f} | {scores['test'][name]:.3f} |" for name in shown),
        "",
        "It copies values from documents of the kind it was trained on. It knows no facts, and on other text it reads "
        "badly: for real questions configure a larger model.",
        "",
    ]
    return "\n".join(lines)
