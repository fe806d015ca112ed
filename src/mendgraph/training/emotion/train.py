"""Trains the emotion model: encoder with LoRA, emotion head, irony head; writes an artefact folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import EarlyStoppingCallback, TrainingArguments, set_seed

from mendgraph.adapters.backbone import load_tokenizer
from mendgraph.adapters.device import choose_device, choose_dtype
from mendgraph.adapters.foreign import translate
from mendgraph.adapters.hub import locate
from mendgraph.adapters.tokens import TextTokenizer
from mendgraph.config import Config
from mendgraph.errors import ConfigError, OutOfMemory
from mendgraph.training.emotion.checkpoints import prepare_checkpoints, run_settings
from mendgraph.training.emotion.collate import Collate, Encoded
from mendgraph.training.emotion.corpus import Row, read_corpus
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.losses import LossWeights, MultiTaskLoss, class_weights
from mendgraph.training.emotion.model import build_model, parameter_counts
from mendgraph.training.emotion.predict import EVALUATION_BATCH, final_predictions
from mendgraph.training.emotion.save import Trained, save
from mendgraph.training.emotion.trainer import (
    CHECKPOINT_STEPS,
    Checkpoints,
    EmotionTrainer,
    Progress,
    own_seeds,
    summary,
)


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a finished training run reports.

    Attributes:
        folder: the artefact folder.
        fingerprint: of the weights in it.
        metrics: as in its ``metrics.json``: ``dev``, ``test``, ``calibration``, ...
        trainable, parameters: numbers of parameters.
        config_line: the line of YAML that puts the model into the graph.
    """

    folder: Path
    fingerprint: str
    metrics: Mapping[str, Any]
    trainable: int
    parameters: int
    config_line: str


def train(
    config: Config,
    data_dir: Path,
    out_dir: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    limit: int | None = None,
    echo: Callable[[str], None] = lambda line: None,
) -> TrainResult:
    """Trains on the processed folder `data_dir` and writes `out_dir`.

    Checkpoints lie in ``<out_dir>.checkpoints``; the epoch with the best macro-F1 on dev is kept.  Members of
    an ensemble differ by ``training.seed``, ``training.bootstrap`` or ``lora`` in `config`.

    Args:
        resume: go on from the last checkpoint; the result equals that of an uninterrupted run.
        limit: rows of each file to use, for a quick look.
        echo: gets the story, line by line.

    Raises:
        DataError: the processed folder is incomplete or malformed.
        ConfigError: settings that do not fit the model or each other, or changed since the checkpoint.
        ArtifactError, HubUnavailable: the base model cannot be had.
        OutOfMemory: with the settings to change.
    """
    _check(config)
    spec = config.training
    place = choose_device(device)
    precision = choose_precision(spec.precision, place)
    folder = locate(config.model.name)
    corpus = read_corpus(Path(data_dir), seed=spec.seed, limit=limit, bootstrap=spec.bootstrap)
    tokenizer = load_tokenizer(folder)
    checkpoints = out_dir.with_name(f"{out_dir.name}.checkpoints")
    last = prepare_checkpoints(checkpoints, run_settings(config, corpus), resume=resume)
    if resume:
        echo(f"resuming from {last}" if last else "no checkpoint found: starting from the beginning")
    with own_seeds():
        set_seed(spec.seed)
        model = build_model(folder, config.lora)
        trainable, parameters = parameter_counts(model)
        echo(f"trainable parameters: {trainable:,} of {parameters:,} ({trainable / parameters:.2%})")
        echo(f"training rows: {_listed(corpus.sources())}; {place.type}, {precision}")
        encoded = _encoded(corpus.train, tokenizer, config.model.max_length)
        dev = _encoded(corpus.dev, tokenizer, config.model.max_length).by_length()
        weights = class_weights(corpus.class_counts())
        objective = MultiTaskLoss(
            weights, LossWeights(fine=spec.aux_weight, irony=spec.irony_weight), spec.label_smoothing
        )
        trainer = EmotionTrainer(
            model,
            _arguments(config, checkpoints, place, precision),
            objective=objective,
            train=encoded,
            dev=dev,
            collate=Collate(tokenizer.pad_id),
            callbacks=[
                Progress(echo),
                Checkpoints(CHECKPOINT_STEPS),
                EarlyStoppingCallback(spec.early_stopping_patience),
            ],
        )
        try:
            trainer.train(resume_from_checkpoint=last)
            test = _encoded(corpus.test, tokenizer, config.model.max_length).by_length()
            dtype, on_dev, on_test = final_predictions(model, dev, test, tokenizer.pad_id, echo)
        except (RuntimeError, MemoryError) as error:
            advice = _out_of_memory(error, config)
            if advice is None:
                raise
            raise advice from error
        except KeyboardInterrupt:
            echo("interrupted: --resume goes on from the last checkpoint")
            raise
    artifact, metrics = save(
        Trained(
            config=config,
            base=folder,
            model=model,
            adapter_dtype=dtype,
            corpus=corpus,
            dev=on_dev,
            test=on_test,
            history=trainer.state.log_history,
            class_weights=dict(zip(LABELS, weights.tolist(), strict=True)),
            run={
                "device": place.type,
                "precision": precision,
                "limit": limit,
                "data_sha256": corpus.digest(),
            },
        ),
        out_dir,
    )
    line = config_line(out_dir)
    for split in ("dev", "test"):
        if split in metrics:
            echo(f"{split}: {summary(metrics[split])}")
    echo(f"saved to {out_dir}; the graph uses it with this line in your configuration:")
    echo(line)
    return TrainResult(out_dir, artifact.fingerprint, metrics, trainable, parameters, line)


def choose_precision(name: str, device: torch.device) -> str:
    """``auto`` becomes bf16 where the processor computes in it, else fp16 on CUDA, else fp32."""
    if name != "auto":
        choose_dtype(name, device)  # refuses what does not work there
        return name
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    # Without these instructions CPU bf16 is emulated and slower than float32.
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16" if device.type == "cpu" and fast else "fp32"


def config_line(out_dir: Path) -> str:
    """YAML that makes the graph use the trained model as its primary tier."""
    return f"emotion: {{tiers: {{primary: {{path: {out_dir}}}}}}}"


def _arguments(config: Config, folder: Path, place: torch.device, precision: str) -> TrainingArguments:
    spec = config.training
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=spec.num_epochs,
        per_device_train_batch_size=spec.batch_size,
        per_device_eval_batch_size=EVALUATION_BATCH,
        gradient_accumulation_steps=spec.gradient_accumulation_steps,
        learning_rate=spec.learning_rate,
        warmup_steps=spec.warmup_steps,
        weight_decay=spec.weight_decay,
        seed=spec.seed,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=place.type == "cpu",
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        logging_steps=50,
        disable_tqdm=True,
        report_to="none",
        remove_unused_columns=False,
        label_names=["emotion", "irony"],
        dataloader_pin_memory=place.type == "cuda",
    )


def _encoded(rows: Sequence[Row], tokenizer: TextTokenizer, max_length: int) -> Encoded:
    return Encoded(rows, tokenizer.texts([row.text for row in rows], max_length).ids if rows else [])


def _check(config: Config) -> None:
    if config.model.num_labels != len(LABELS):
        raise ConfigError(
            f"model.num_labels: emotion has {len(LABELS)} labels, got {config.model.num_labels}",
            hint=f"set it to {len(LABELS)}",
        )


def _out_of_memory(error: Exception, config: Config) -> OutOfMemory | None:
    """The failure with the settings to change; None where it is another one."""
    ours = translate(error, "train")
    if not isinstance(ours, OutOfMemory):
        return None
    size, steps = config.training.batch_size, config.training.gradient_accumulation_steps
    hint = (
        f"halve training.batch_size to {size // 2} and double training.gradient_accumulation_steps to "
        f"{2 * steps}: the same updates in less memory"
        if size > 1
        else "lower model.max_length, or train on another device"
    )
    return OutOfMemory(ours.message, hint=hint)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
