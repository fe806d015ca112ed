"""One training run, whatever it trains: a base model, an adapter, or a copy of the base."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from mendgraph.adapters.device import choose_device
from mendgraph.errors import ConfigError
from mendgraph.training.lm.model import compile_layers, has_bf16, has_compiler, precision_for
from mendgraph.training.lm.optimizer import optimizer_for
from mendgraph.training.lm.packing import Mixture, windows
from mendgraph.training.lm.schedule import Pace, Trapezoid
from mendgraph.training.lm.spec import Limit, RunSpec
from mendgraph.training.lm.trainer import Echo, Keeper, LanguageTrainer, Log, next_token_loss
from mendgraph.training.lm.twin import Twin

LOG = "training_log.jsonl"
_RUN = "run.json"
_BEST = "best.json"
_ENDLESS = 1_000_000  # steps; a run limited by time ends long before
_TOKENS_AT_ONCE = {"cuda": 65_536, "mps": 8_192, "cpu": 1_024}  # in memory; on a CPU in its cache


@dataclass(frozen=True, slots=True)
class Streams:
    """The encoded corpus: domain -> token stream of each split, and what its tokens weigh in bytes."""

    train: Mapping[str, NDArray[Any]]
    dev: Mapping[str, NDArray[Any]]
    byte_lengths: Tensor
    digest: str


def checkpoints_of(folder: Path) -> Path:
    """Where a run keeps its state and its log: beside the folder of the model it makes."""
    return folder.with_name(folder.name + ".checkpoints")


def last_checkpoint(folder: Path) -> Path | None:
    found = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    return None if found is None else Path(found)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rsplit("-", 1)[1])


def fit(
    model: nn.Module,
    decoder: PreTrainedModel,
    streams: Streams,
    spec: RunSpec,
    limit: Limit,
    checkpoints: Path,
    *,
    context: int,
    metric: str,
    save: Callable[[], None] | None,
    earlier: Path | None,
    resume: bool,
    compiled: bool | None,
    device: str,
    echo: Echo,
) -> dict[str, Any]:
    """Trains `model`; `save`, where given, is called whenever dev's `metric` is the best so far.

    Args:
        decoder: the transformer inside `model` whose layers may be compiled; the same object without adapters.
        checkpoints: folder of this run's state and log; removed by nobody, so that it can go on.
        earlier: checkpoint of the run that this one continues.
        compiled: compile the layers and the loss; None does so where the device and a C++ compiler allow it.

    Returns:
        Steps, tokens, seconds and passes over each domain, those of the earlier run included; and its steps.

    Raises:
        ConfigError: neither a time nor a number of steps is given, or a checkpoint was made with other settings.
    """
    if limit.steps is None and limit.deadline is None:
        raise ConfigError("training: needs an end", hint="give --max-minutes or --steps")
    place = choose_device(device)
    last = _checkpoint(
        checkpoints, {**_learned(spec), "context": context, "data": streams.digest}, resume=resume
    )
    start = last or earlier
    window = spec.window or context
    at_once = max(1, min(_TOKENS_AT_ONCE[place.type], spec.batch_tokens) // window)
    accumulation = max(1, round(spec.batch_tokens / (at_once * window)))
    step_rows = at_once * accumulation
    origin = 0 if earlier is None else step_of(earlier)
    steps = origin + (limit.steps or _ENDLESS)
    mixture = Mixture(streams.train, spec.mix, context=window, rows=steps * step_rows, seed=spec.seed)
    dev = {name: windows(stream, window).every(spec.eval_blocks) for name, stream in streams.dev.items()}
    twin = None
    if place.type == "cpu" and has_bf16():
        copy, decoder = deepcopy((model, decoder))
        twin = Twin(model, copy)
    use_compiler = has_compiler(place) if compiled is None else compiled
    if use_compiler:
        compile_layers(decoder, place)
    warmup = spec.warmup_steps if limit.steps is None else min(spec.warmup_steps, limit.steps // 10)
    schedule = Trapezoid(warmup, decays=spec.decays, origin=origin)
    keepers = [Keeper(metric, save, checkpoints / _BEST, resumed=last is not None)] if save else []
    trainer = LanguageTrainer(
        model,
        _arguments(spec, checkpoints, steps=steps, rows=at_once, accumulation=accumulation, device=place),
        mixture=mixture,
        dev=dev,
        byte_lengths=streams.byte_lengths,
        schedule=schedule,
        precision=precision_for(place),
        twin=twin,
        loss=torch.compile(next_token_loss, dynamic=False) if use_compiler else next_token_loss,
        optimizer=optimizer_for(model, spec),
        callbacks=[
            Pace(
                schedule,
                limit,
                anew=last is None or not spec.decays,
                evaluations=spec.evaluations,
                checkpoint_minutes=spec.checkpoint_minutes,
            ),
            Log(checkpoints / LOG, echo, schedule, step_rows * window),
            *keepers,
        ],
    )
    trainer.train(resume_from_checkpoint=None if start is None else str(start))
    done = trainer.state.global_step
    domains = [name for name in streams.train if spec.mix.get(name, 0) > 0]
    named = zip(domains, mixture.passes(done * step_rows), strict=True)
    return {
        "steps": done,
        "steps_before": origin,
        "tokens": done * step_rows * window,
        "seconds": round(schedule.seconds, 1),
        "device": torch.cuda.get_device_name(place) if place.type == "cuda" else place.type,
        "passes": {name: round(count, 2) for name, count in named},
    }


def _arguments(
    spec: RunSpec, folder: Path, *, steps: int, rows: int, accumulation: int, device: torch.device
) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=rows,
        gradient_accumulation_steps=accumulation,
        max_grad_norm=1.0,
        # `Pace` says when to log, to measure and to save; the defaults of Trainer wait for the device each step.
        logging_strategy="no",
        logging_nan_inf_filter=False,
        eval_strategy="no",
        save_strategy="no",
        save_total_limit=2,
        seed=spec.seed,
        remove_unused_columns=False,
        dataloader_drop_last=True,
        disable_tqdm=True,
        report_to="none",
        use_cpu=device.type == "cpu",
    )


def _learned(spec: RunSpec) -> dict[str, Any]:
    """The settings that decide what is learned; how often a run is measured and saved may change."""
    measured = ("evaluations", "eval_blocks", "checkpoint_minutes")
    return {name: value for name, value in asdict(spec).items() if name not in measured}


def _checkpoint(folder: Path, settings: Mapping[str, Any], *, resume: bool) -> Path | None:
    """The checkpoint to go on from; without `resume`, or without one, the folder is cleared for a new run."""
    record = folder / _RUN
    wanted = json.loads(json.dumps(settings))
    last = last_checkpoint(folder) if resume and record.is_file() else None
    if last is not None:
        before = json.loads(record.read_text(encoding="utf-8"))
        changed = sorted(key for key in wanted if before.get(key) != wanted[key])
        if changed:
            story = ", ".join(f"{key} was {before.get(key)!r} and is {wanted[key]!r}" for key in changed)
            raise ConfigError(f"resume: {story}", hint="restore them, or start again without --resume")
        return last
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    record.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
    return None
