"""Where an interrupted training run goes on, and whether it may."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers.trainer_utils import get_last_checkpoint

from mendgraph.config import Config
from mendgraph.errors import ConfigError
from mendgraph.training.emotion.corpus import Corpus

RUN = "run.json"


def run_settings(config: Config, corpus: Corpus) -> dict[str, Any]:
    """What must stay for a checkpoint to be usable: ``section.key`` -> value, and a digest of the data."""
    parts = {name: getattr(config, name).model_dump(mode="json") for name in ("model", "lora", "training")}
    settings = {f"{part}.{key}": value for part, values in parts.items() for key, value in values.items()}
    return {**settings, "data": corpus.digest()}


def prepare_checkpoints(folder: Path, run: Mapping[str, Any], *, resume: bool) -> str | None:
    """The checkpoint to go on from; without `resume`, or without one, `folder` is cleared for a new run.

    Raises:
        ConfigError: settings or data differ from those of the checkpoint.
    """
    last: str | None = None
    if folder.is_dir():
        last = get_last_checkpoint(str(folder))
    record = folder / RUN
    if resume and last is not None and record.is_file():
        before = json.loads(record.read_text(encoding="utf-8"))
        changed = sorted(key for key in run if before.get(key) != run[key])
        if changed:
            story = ", ".join(f"{key} was {before.get(key)!r} and is {run[key]!r}" for key in changed)
            raise ConfigError(f"resume: {story}", hint="restore them, or start again without --resume")
        return last
    if folder.is_dir():
        for old in folder.glob("checkpoint-*"):
            shutil.rmtree(old)
    folder.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")
    return None
