"""The model card, written from the manifest so that it cannot say anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mendgraph.adapters.artifacts import Manifest

_SCORES = {
    "H>M": "complex above simple reflection",
    "M>L": "simple reflection above none",
    "H>L": "complex reflection above none",
    "swap": "reflection above itself under a wrong prompt",
    "swap, same topic": "the same, wrong prompt of the same topic",
    "accuracy": "level, accuracy",
    "macro_f1": "level, macro-F1",
    "ece": "level, ECE before calibration, 15 bins",
}


def _made(manifest: Manifest) -> str:
    settings = manifest.training["settings"]
    head = (
        f"Two towers of {settings['head_width']} hidden units on the mean states of both turns at the encoder's upper "
        f"{settings['layers']} layers"
    )
    if not manifest.training["best_epoch"]:
        return f"{head}, which are those of the base model"
    adapter = f"LoRA adapter (r {settings['r']}, alpha {settings['lora_alpha']}, upper {settings['top_layers']} layers)"
    return f"{adapter} and {head.lower()}"


def model_card(manifest: Manifest, metrics: Mapping[str, Any]) -> str:
    """Markdown."""
    settings = manifest.training["settings"]
    base = manifest.base_model
    low, high = metrics["thresholds"]
    return "\n".join(
        [
            f"# {manifest.name}",
            "",
            f"{_made(manifest)}: a client's turn and a counsellor's response in, one score in [0, 1] out. About 1 is a "
            "complex reflection, .5 a simple one, 0 none.",
            "",
            f"- Levels, in order: {', '.join(manifest.labels)}, from the head's own probabilities. Where there is "
            f"nothing but the score, its borders between levels are {low:.3f} and {high:.3f}, fitted on dev.",
            f"- Base model: {base.name if base else 'none'}, SHA-256 `{base.sha256 if base else ''}`.",
            f"- Input: up to {manifest.settings['max_length']} tokens of both texts together.",
            f"- Loss: margins of Min et al. (EMNLP 2022) over all pairs of a prompt's responses, and "
            f"{settings['mismatches']} reflections of other prompts per prompt and step.",
            f"- {settings['head_epochs']} epochs of the head and {manifest.training['best_epoch']} of adapters; seed "
            f"{settings['seed']}. All settings: `manifest.json`.",
            "",
            "## Figures",
            "",
            "On dev, which chose the epoch and fitted levels and calibration, so these are optimistic; "
            "`mend eval reflection` cross-validates.",
            "",
            "| | dev |",
            "|---|---|",
            *(
                f"| {name} | {metrics['dev'][key]:.3f} |"
                for key, name in _SCORES.items()
                if key in metrics["dev"]
            ),
            "",
            "## Training data",
            "",
            "| source | rows | licence | from |",
            "|---|---|---|---|",
            *(f"| {d.name} | {d.rows:,} | {d.licence} | {d.source} |" for d in manifest.data),
            "",
            "## Limits",
            "",
            "Trained on single written responses to short written prompts about health and habits, in American "
            "English, most low ones by crowd workers. Spoken sessions differ: calibrate on your own before you "
            "trust the levels. The level is read from the response alone and multiplied with the probability that it "
            "answers this prompt: length and phrasing go far on this data, and the prompt-swap control shows the rest. "
            "For training and review of counsellors, not for decisions about people.",
            "",
        ]
    )
