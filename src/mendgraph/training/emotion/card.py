"""The model card, written from the manifest so that it cannot say anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mendgraph.adapters.artifacts import Manifest

_SCORES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "weighted_precision": "precision (weighted)",
    "weighted_recall": "recall (weighted)",
    "weighted_f1": "F1 (weighted)",
    "macro_f1": "macro-F1",
    "ece": "ECE, raw, 15 bins",
    "irony_auroc": "irony AUROC",
    "irony_f1": "irony F1",
}


def model_card(manifest: Manifest, metrics: Mapping[str, Any]) -> str:
    """Markdown."""
    lora, training = manifest.training["lora"], manifest.training["training"]
    base = manifest.base_model
    splits = [split for split in ("dev", "test") if split in metrics]
    calibration = metrics["calibration"]
    return "\n".join(
        [
            f"# {manifest.name}",
            "",
            f"LoRA adapter (r {lora['r']}, alpha {lora['lora_alpha']}, on "
            f"{', '.join(lora['target_modules'])}) and linear heads on mean-pooled "
            "token states, for English texts of a sentence or a few.",
            "",
            f"- Labels, in order: {', '.join(manifest.labels)}.",
            f"- Base model: {base.name if base else 'none'}, SHA-256 `{base.sha256 if base else ''}`.",
            f"- Input: up to {manifest.settings['max_length']} tokens of a text that "
            "`mendgraph.core.preprocess.prepare` has cleaned.",
            f"- Trained for {metrics['epochs']} epochs, epoch {metrics['best_epoch']} kept; batch "
            f"{training['batch_size']} x {training['gradient_accumulation_steps']}, learning rate "
            f"{training['learning_rate']}, seed {training['seed']}. All settings: `training_config.json`.",
            "",
            "## Figures",
            "",
            "Dev chose the epoch and fitted the calibration; test did neither. More digits: `metrics.json`.",
            "",
            f"| | {' | '.join(splits)} |",
            f"|---|{'---|' * len(splits)}",
            *_score_rows(metrics, splits),
            "",
            f"Calibration: {calibration['kind']}; ECE on dev {calibration['ece']:.3f}, cross-fitted.",
            "",
            "| class, on dev | precision | recall | F1 | rows |",
            "|---|---|---|---|---|",
            *(_class_row(label, row) for label, row in metrics["dev_per_class"].items()),
            "",
            "![confusion matrix](confusion_matrix.png)",
            "![reliability diagram](reliability.png)",
            "![training curve](training_curve.png)",
            "",
            "## Training data",
            "",
            "| source | rows | licence | from |",
            "|---|---|---|---|",
            *(f"| {d.name} | {d.rows:,} | {d.licence} | {d.source} |" for d in manifest.data),
            "",
            "## Limits",
            "",
            "Labels are what readers of short, mostly American social-media texts saw in them, not what "
            "writers felt. Other registers and languages, long texts, and irony without context do worse. "
            "Not for decisions about people, their health or their employment.",
            "",
        ]
    )


def _class_row(label: str, row: Mapping[str, float]) -> str:
    scores = " | ".join(f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))
    return f"| {label} | {scores} | {row['rows']} |"


def _score_rows(metrics: Mapping[str, Any], splits: list[str]) -> list[str]:
    rows = []
    for key, name in _SCORES.items():
        cells = [f"{metrics[split][key]:.4f}" if key in metrics[split] else "" for split in splits]
        if any(cells):
            rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows
