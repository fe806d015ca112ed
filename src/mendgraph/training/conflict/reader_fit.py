"""Trains a causal language model to answer from documents; resumable, best weights on dev kept."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_
from transformers import PreTrainedModel

from mendgraph.adapters.device import choose_device
from mendgraph.adapters.reader.codec import Codec
from mendgraph.errors import ConfigError
from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.conflict.reader_checkpoint import Run, open_run, write_run
from mendgraph.training.conflict.reader_measure import Scores, measure, states_of
from mendgraph.training.conflict.reader_rows import Batch, Row, micro_batches, rows_of, shuffled
from mendgraph.training.conflict.reader_spec import ReaderSpec
from mendgraph.training.lm.model import compile_layers, has_bf16, has_compiler, precision_for
from mendgraph.training.lm.optimizer import optimizer_for
from mendgraph.training.lm.schedule import Trapezoid
from mendgraph.training.lm.spec import Limit, RunSpec
from mendgraph.training.lm.twin import Twin

__all__ = ["LOG", "Done", "fit_reader"]

LOG = "training_log.jsonl"
_AT_ONCE = {"cuda": 65_536, "mps": 8_192, "cpu": 1_280}  # tokens
_CLIP = 1.0
_LOG_SECONDS = 20.0
_UNTIMED = 2  # first steps compile
_NO_END = 1 << 30

Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Done:
    """What a run came to.

    Attributes:
        best: scores of the weights that were kept, on `eval_sets` sets of dev.
        seconds: of training, earlier runs included.
    """

    steps: int
    tokens: int
    seconds: float
    best_step: int
    best: Mapping[str, float]


def fit_reader(
    model: nn.Module,
    base: PreTrainedModel,
    codec: Codec,
    train: Sequence[ClaimSet],
    dev: Sequence[ClaimSet],
    spec: ReaderSpec,
    limit: Limit,
    folder: Path,
    *,
    room: int,
    save: Callable[[], None],
    resume: bool = False,
    compiled: bool | None = None,
    device: str = "auto",
    echo: Echo = lambda line: None,
) -> Done:
    """Trains `model`; `save` is called whenever dev's answers are the best so far.

    Args:
        base: the transformer inside `model`; the same object where there is no adapter.
        folder: of this run's state and log.
        room: tokens that the model reads.
        compiled: compile the layers; None does so where the device and a C++ compiler allow it.

    Raises:
        ConfigError: neither a time nor a number of steps is given, or a checkpoint was made with other settings.
    """
    if limit.steps is None and limit.deadline is None:
        raise ConfigError("training of a reader needs an end", hint="give --max-minutes or --steps")
    place = choose_device(device)
    model.to(place)
    optimizer = optimizer_for(model, _as_run(spec))
    run = open_run(folder, spec, model, optimizer, resume=resume)
    if limit.steps is not None:  # more steps than last time: their part of the schedule is open again
        run.fraction = min(run.fraction, run.step / limit.steps)
    if run.fraction >= 1:
        echo(f"finished before, after {run.step:,} steps")
        return _done(run)
    network, twin = base, None
    if spec.gradient_checkpointing:
        base.gradient_checkpointing_enable()
    if place.type == "cpu" and has_bf16():
        copy, network = deepcopy((model, base))
        twin = Twin(model, copy)
    if has_compiler(place) if compiled is None else compiled:
        torch._dynamo.config.recompile_limit = 32
        compile_layers(network, place)
    (twin.network if twin else model).train()
    schedule = Trapezoid(spec.warmup_steps, decays=True)
    schedule.fraction = run.fraction
    precision = precision_for(place)
    at_once = spec.tokens_at_once or _AT_ONCE[place.type]
    judged = dev[: spec.eval_sets]
    checked = [rows_of(claims, codec, room, asked=range(len(claims.documents))) for claims in judged]
    rates = [group["lr"] for group in optimizer.param_groups]
    before, began = run.fraction, time.monotonic()
    ticked = saved = logged = began
    losses: list[float] = []
    first, counted = run.step, run.tokens
    for rows in _batches(train, codec, spec, room, first=run.step):
        factor = schedule(run.step)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor
        if twin is not None:
            twin.take_weights()
        weight = sum(len(part.target) * part.weight for row in rows for part in row.parts)
        total = 0.0
        for batch in micro_batches(rows, at_once, codec.pad_id):
            with precision():
                loss = _loss(network, batch, place) / weight
            loss.backward()
            total += float(loss.detach())
            run.tokens += batch.ids.numel()
        if twin is not None:
            twin.give_gradients()
        clip_grad_norm_([w for w in model.parameters() if w.requires_grad], _CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        run.step += 1
        losses.append(total)
        now = time.monotonic()
        run.seconds, ticked = run.seconds + now - ticked, now
        if run.step - first == _UNTIMED:
            began = now
        reached, run.fraction = run.fraction, _fraction(limit, before, began, now, run)
        schedule.fraction = run.fraction
        over = run.fraction >= 1
        if now - logged >= _LOG_SECONDS or over:
            pace = (run.tokens - counted) / (now - logged)
            row = {"loss": round(sum(losses) / len(losses), 4), "tokens_per_second": round(pace)}
            _note(folder, run, row)
            echo(f"{run.fraction:4.0%}  step {run.step:,}  loss {row['loss']:.3f}  {pace:,.0f} tokens/s")
            losses, logged, counted = [], now, run.tokens
        if int(run.fraction * spec.evaluations) > int(reached * spec.evaluations) or over:
            scores = measure(base, checked, judged, codec.pad_id, place)
            _judge(folder, run, scores, save, echo)
        if over or now - saved >= spec.checkpoint_minutes * 60:
            write_run(folder, run, spec, model, optimizer)
            saved = time.monotonic()
        if over:
            break
    return _done(run)


def _loss(network: PreTrainedModel, batch: Batch, device: torch.device) -> Tensor:
    """Weighted sum of cross-entropies in nats.  The output matrix is applied only where something is learned."""
    states = states_of(network, batch, device)
    learned = batch.weights > 0
    chosen = states[learned.to(device)]
    logits = network.get_output_embeddings()(chosen)
    each = functional.cross_entropy(logits.float(), batch.targets[learned].to(device), reduction="none")
    return (each * batch.weights[learned].to(device)).sum()


def _batches(
    train: Sequence[ClaimSet], codec: Codec, spec: ReaderSpec, room: int, *, first: int
) -> Iterator[list[Row]]:
    """Endless; the batch of a step depends on the seed and the step alone."""
    per_pass = max(1, len(train) // spec.batch_sets)
    for step in range(first, _NO_END):
        epoch, place = divmod(step, per_pass)
        order = list(range(len(train)))
        random.Random(f"{spec.seed} {epoch}").shuffle(order)
        chance = random.Random(f"{spec.seed} {epoch} {place}")
        rows = []
        for index in order[place * spec.batch_sets : (place + 1) * spec.batch_sets]:
            claims = shuffled(train[index], chance)
            asked = chance.sample(range(len(claims.documents)), min(spec.alone, len(claims.documents)))
            rows += rows_of(claims, codec, room, asked=sorted(asked), weight=spec.alone_weight)
        yield rows


def _fraction(limit: Limit, before: float, began: float, now: float, run: Run) -> float:
    parts = [run.fraction]
    if limit.steps is not None:
        parts.append(run.step / limit.steps)
    if limit.deadline is not None:
        parts.append(before + (1 - before) * (now - began) / max(limit.deadline - began, 1e-9))
    return min(1.0, max(parts))


def _judge(folder: Path, run: Run, scores: Scores, save: Callable[[], None], echo: Echo) -> None:
    figures = scores.figures()
    _note(folder, run, {"dev": figures})
    echo("dev: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    reading = (scores.answer + scores.value) / 2  # of all documents at once, and of each by itself
    if reading > run.best:
        run.best, run.best_step, run.best_scores = reading, run.step, figures
        save()


def _done(run: Run) -> Done:
    return Done(run.step, run.tokens, round(run.seconds, 1), run.best_step, run.best_scores or {})


def _as_run(spec: ReaderSpec) -> RunSpec:
    return RunSpec(
        learning_rate=spec.learning_rate, muon=spec.muon and spec.full, weight_decay=spec.weight_decay
    )


def _note(folder: Path, run: Run, row: Mapping[str, Any]) -> None:
    head = {"step": run.step, "tokens": run.tokens, "seconds": round(run.seconds, 1)}
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(head | dict(row)) + "\n")
