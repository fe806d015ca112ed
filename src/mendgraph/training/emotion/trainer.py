"""transformers' `Trainer` with this project's loss, batches, checkpoints and progress bar."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import Dataset, Sampler
from tqdm import tqdm
from transformers import (
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from mendgraph.core.arrays import sigmoid, softmax
from mendgraph.errors import ShapeMismatch
from mendgraph.training.emotion.collate import Collate, Encoded, LengthBuckets
from mendgraph.training.emotion.losses import MultiTaskLoss
from mendgraph.training.emotion.measure import emotion_metrics, irony_metrics
from mendgraph.training.emotion.model import EmotionModel

HEADS_LEARN_AT_LEAST = 1e-3
"""Heads start from random numbers and want larger steps than a pretrained encoder."""

CHECKPOINT_STEPS = 500
"""Optimizer steps between checkpoints within an epoch; each epoch ends with one as well."""

WEIGHTS = "model.safetensors"


class EmotionTrainer(Trainer):
    """Trains an `EmotionModel`; checkpoints hold only what is trained."""

    def __init__(
        self,
        model: EmotionModel,
        arguments: TrainingArguments,
        *,
        objective: MultiTaskLoss,
        train: Encoded,
        dev: Encoded,
        collate: Collate,
        callbacks: Sequence[TrainerCallback],
    ) -> None:
        super().__init__(
            model=model,
            args=arguments,
            data_collator=collate,
            train_dataset=train,
            eval_dataset=dev,
            compute_metrics=dev_metrics,
            optimizers=(_optimizer(model, arguments), None),
            callbacks=list(callbacks),
        )
        self.network = model
        self.rows = train
        self.objective: MultiTaskLoss = objective
        self.remove_callback(PrinterCallback)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        logits = model(inputs["input_ids"], inputs["attention_mask"])
        loss = self.objective(logits, inputs)
        return (loss, {name: logits[name] for name in ("emotion", "irony")}) if return_outputs else loss

    def _get_train_sampler(self, train_dataset: Dataset[Any] | None = None) -> Sampler[int]:
        return LengthBuckets(self.rows.lengths, self.args.train_batch_size, self.args.seed)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        state = {name: tensor.cpu().contiguous() for name, tensor in self.network.trained_state().items()}
        save_file(state, folder / WEIGHTS, metadata={"format": "pt"})

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        lost = set(load_result.missing_keys) & set(self.network.trained_state())
        if lost or load_result.unexpected_keys:
            raise ShapeMismatch(
                f"checkpoint lacks {sorted(lost)[:3]}, has unexpected {load_result.unexpected_keys[:3]}",
                hint="start again without --resume",
            )


class Progress(TrainerCallback):
    """A bar on stderr where that is a terminal, and one line per epoch to `echo`."""

    def __init__(self, echo: Callable[[str], None]) -> None:
        self.echo = echo
        self.bar: tqdm[Any] | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.bar = tqdm(
            total=state.max_steps, initial=state.global_step, disable=None, unit="step", dynamic_ncols=True
        )

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if self.bar is not None and logs and "loss" in logs:
            self.bar.set_postfix(loss=f"{logs['loss']:.3f}", lr=f"{logs['learning_rate']:.1e}")

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if metrics:
            self.echo(
                f"epoch {round(state.epoch or 0)}/{args.num_train_epochs:g}: " + summary(metrics, "eval_")
            )

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self.bar is not None:
            self.bar.close()


class Checkpoints(TrainerCallback):
    """Asks for a checkpoint every `every` optimizer steps, so that an interrupted epoch is not lost.

    Not at an epoch's last step: a run resumed from there would leave out that epoch's evaluation.  Its end
    saves one anyway, after it.
    """

    def __init__(self, every: int) -> None:
        self.every = every

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        last = state.global_step % (state.max_steps // state.num_train_epochs) == 0
        control.should_save = control.should_save or (not last and state.global_step % self.every == 0)
        return control


def dev_metrics(prediction: EvalPrediction) -> dict[str, float]:
    """Scores of dev, whose rows have an emotion or an irony label."""
    emotion_logits, irony_logits = (np.asarray(part, dtype=np.float64) for part in prediction.predictions)
    emotion, irony = (np.asarray(part, dtype=np.int64) for part in prediction.label_ids)
    rows, ironic = emotion >= 0, irony >= 0
    found = emotion_metrics(softmax(emotion_logits[rows]), emotion[rows])
    return found | irony_metrics(sigmoid(irony_logits[ironic]), irony[ironic])


def summary(metrics: dict[str, float], prefix: str = "") -> str:
    """One line of the scores that the reference document names."""
    names = {
        "loss": "loss",
        "accuracy": "accuracy",
        "weighted_precision": "precision",
        "weighted_recall": "recall",
        "weighted_f1": "F1",
        "macro_f1": "macro-F1",
        "irony_auroc": "irony AUROC",
    }
    return ", ".join(
        f"{word} {metrics[prefix + key]:.4f}" for key, word in names.items() if prefix + key in metrics
    )


@contextmanager
def own_seeds() -> Iterator[None]:
    """Puts the global generators of Python, numpy and torch back as they were: `Trainer` seeds all three."""
    python, numpy_state = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count())
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy_state)


def _optimizer(model: EmotionModel, arguments: TrainingArguments) -> torch.optim.Optimizer:
    rate = arguments.learning_rate
    groups = [
        {"params": [p for p in model.encoder.parameters() if p.requires_grad], "lr": rate},
        {"params": list(model.heads.parameters()), "lr": max(rate, HEADS_LEARN_AT_LEAST)},
    ]
    return torch.optim.AdamW(groups, weight_decay=arguments.weight_decay)
