"""transformers' `Trainer` on packed windows, measured in bits per byte."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import fmean
from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Dataset, Sampler, SequentialSampler
from tqdm import tqdm
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from mendgraph.errors import ConfigError
from mendgraph.training.lm.bits import bits_per_byte
from mendgraph.training.lm.model import Precision
from mendgraph.training.lm.packing import Mixture, Windows, as_batch
from mendgraph.training.lm.schedule import Trapezoid
from mendgraph.training.lm.twin import Twin

EVAL = "eval_"
MEAN = "mean"
Echo = Callable[[str], None]
Loss = Callable[[Tensor, Tensor], Tensor]


def next_token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats; logits (B, L, V), targets (B, L)."""
    return functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


class LanguageTrainer(Trainer):
    """Trains on a `Mixture`; `evaluate` gives bits per byte of each domain and their mean."""

    def __init__(
        self,
        model: nn.Module,
        arguments: TrainingArguments,
        *,
        mixture: Mixture,
        dev: Mapping[str, Windows],
        byte_lengths: Tensor,
        schedule: Trapezoid,
        precision: Precision,
        twin: Twin | None,
        loss: Loss,
        optimizer: Optimizer,
        callbacks: Sequence[TrainerCallback],
    ) -> None:
        super().__init__(
            model=model,
            args=arguments,
            data_collator=_collate,
            train_dataset=mixture,
            optimizers=(optimizer, None),
            callbacks=list(callbacks),
        )
        self._network = model if twin is None else twin.network
        self._twin = twin
        self._taken = -1  # step whose weights the twin has
        self._rows = len(mixture)
        self._dev = dev
        self._byte_lengths = byte_lengths
        self._schedule = schedule
        self._precision = precision
        self._loss = loss
        with suppress(ValueError):
            self.remove_callback(PrinterCallback)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        rows = inputs["input_ids"]  # (B, L+1)
        if self._twin is not None and self._taken != self.state.global_step:
            self._twin.take_weights()
            self._taken = self.state.global_step
        with self._precision():
            output = (model if self._twin is None else self._twin.network)(
                input_ids=rows[:, :-1], use_cache=False
            )
            loss = self._loss(output.logits, rows[:, 1:])
        return (loss, output) if return_outputs else loss

    def training_step(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        loss = super().training_step(model, inputs, num_items_in_batch)
        if self._twin is not None:
            self._twin.give_gradients()
        return loss

    def create_scheduler(self, num_training_steps: int, optimizer: Optimizer | None = None) -> LambdaLR:
        chosen = optimizer or self.optimizer
        if chosen is None:
            raise ConfigError("the schedule needs an optimizer")
        scheduler = LambdaLR(chosen, self._schedule)
        self.lr_scheduler = scheduler
        return scheduler

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        rows = self.args.per_device_train_batch_size
        if self._twin is not None:
            self._twin.take_weights()
        scores = {
            name: bits_per_byte(
                self._network,
                part,
                self._byte_lengths,
                rows=rows,
                device=self.args.device,
                precision=self._precision,
            )
            for name, part in self._dev.items()
        }
        metrics = {EVAL + name: score for name, score in (scores | {MEAN: fmean(scores.values())}).items()}
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _get_train_sampler(self, train_dataset: Dataset[Any] | None = None) -> Sampler[int]:
        return SequentialSampler(range(self._rows))  # a `Mixture` is shuffled already


def _collate(rows: Any) -> dict[str, Any]:
    return as_batch(rows)  # `Mixture.__getitems__` gives a batch at once


class Keeper(TrainerCallback):
    """Saves the weights whenever `metric`, in bits per byte, is the lowest so far."""

    def __init__(self, metric: str, save: Callable[[], None], record: Path, *, resumed: bool) -> None:
        self._metric = EVAL + metric
        self._save = save
        self._record = record
        known = resumed and record.is_file()
        self.best: float = json.loads(record.read_text(encoding="utf-8"))["best"] if known else float("inf")

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        score = (metrics or {})[self._metric]
        if score < self.best:
            self.best = score
            self._save()
            self._record.write_text(
                json.dumps({"best": score, "step": state.global_step}) + "\n", encoding="utf-8"
            )


class Log(TrainerCallback):
    """One JSON line per report to a file, one short line to `echo`, and a bar where stderr is a terminal."""

    def __init__(self, path: Path, echo: Echo, schedule: Trapezoid, tokens_per_step: int) -> None:
        self._path = path
        self._echo = echo
        self._schedule = schedule
        self._tokens = tokens_per_step
        self._began = self._last_time = time.monotonic()
        self._last_step = 0
        self._bar: tqdm[Any] | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._began = self._last_time = time.monotonic()
        self._last_step = state.global_step
        self._bar = tqdm(total=1.0, disable=None, dynamic_ncols=True, bar_format="{l_bar}{bar}| {elapsed}")

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._bar is not None:
            self._bar.update(self._schedule.fraction - self._bar.n)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if not logs or "loss" not in logs:
            return
        now = time.monotonic()
        speed = (state.global_step - self._last_step) * self._tokens / max(now - self._last_time, 1e-9)
        self._last_time, self._last_step = now, state.global_step
        row = {key: logs[key] for key in ("loss", "grad_norm", "learning_rate") if key in logs}
        self._write(state, now, row | {"tokens_per_second": round(speed)})
        self._echo(
            f"{self._schedule.fraction:4.0%}  step {state.global_step:,}  "
            f"{state.global_step * self._tokens / 1e6:,.0f} M tokens  loss {logs['loss']:.3f}  {speed:,.0f} tokens/s"
        )

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        scores = {key.removeprefix(EVAL): round(value, 5) for key, value in (metrics or {}).items()}
        self._write(state, time.monotonic(), {"dev_bits_per_byte": scores})
        self._echo("dev bits per byte: " + ", ".join(f"{name} {score:.4f}" for name, score in scores.items()))

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def _write(self, state: TrainerState, now: float, row: Mapping[str, Any]) -> None:
        head = {
            "step": state.global_step,
            "tokens": state.global_step * self._tokens,
            "seconds": round(now - self._began, 1),
            "fraction": round(self._schedule.fraction, 4),
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(head | dict(row)) + "\n")
