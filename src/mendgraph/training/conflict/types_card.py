"""The model card of the types classifier, written from the manifest so that it cannot say anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mendgraph.adapters.artifacts import Manifest


def types_card(manifest: Manifest, metrics: Mapping[str, Any]) -> str:
    """Markdown."""
    settings = manifest.training["settings"]
    base = manifest.base_model
    rows = [
        f"| {name} | {found['accuracy']:.3f} | {found['macro_f1']:.3f} |"
        for name, found in metrics["dev"].items()
    ]
    return "\n".join(
        [
            f"# {manifest.name}",
            "",
            f"LoRA adapter (r {settings['r']}, alpha {settings['lora_alpha']}, upper {settings['top_layers']} layers) "
            f"and a head of {settings['head_width']} hidden units: question and documents in, the level of their "
            "conflict out.",
            "",
            f"- Levels: {', '.join(manifest.labels)}.",
            "- Every two documents are read together, as `question [SEP] document [SEP] document`; the odds of a set "
            f"are the mean of its pairs' odds. The head also reads {len(manifest.settings['features'])} figures that "
            "need no model: which dates, quantities (units converted), names and words of the two documents agree, and "
            "what stands in the place of what.",
            "- Two parts whose logits add up: one reads (adapter, head), the other only compares those figures. They "
            f"are trained apart; the weight of reading, {metrics['epochs'][-1]['reading_weight']:g}, is best on dev.",
            f"- Base model: {base.name if base else 'none'}, SHA-256 `{base.sha256 if base else ''}`.",
            f"- Input: up to {manifest.settings['max_length']} tokens of a pair with its question.",
            f"- Epoch {manifest.training['best_epoch']} of {settings['epochs']}; seed {settings['seed']}. "
            "All settings: `manifest.json`."
            if settings["start"] is None
            else f"- No training of the encoder in this run: what reads is that of `{settings['start']}`, fingerprint "
            f"{manifest.training['start']}, trained on claim sets and Breaking NLI. Seed {settings['seed']}. "
            "All settings: `manifest.json`.",
            "",
            "## Figures",
            "",
            "On dev, which chose the epoch and fitted the calibration; `mend eval conflict --only detection` measures "
            "on test sets, and on RAMDocs and FEVER Symmetric, which no training has seen.",
            "",
            "| | accuracy | macro-F1 |",
            "|---|---|---|",
            *rows,
            "",
            f"ECE of claim sets {metrics['dev']['sets']['ece']:.3f} before calibration, "
            f"{metrics['calibration']['ece']:.3f} after it, cross-fitted.",
            "",
            "## Training data",
            "",
            "| source | pairs | licence | from |",
            "|---|---|---|---|",
            *(f"| {d.name} | {d.rows:,} | {d.licence} | {d.source} |" for d in manifest.data),
            "",
            "## Limits",
            "",
            "Claim sets are made up: short documents, one claim each, English. Breaking NLI changes one word of a "
            "caption and has no dates. Perturbed pairs are real sentences in which a program replaced a value, a name "
            "or a word, or reworded by rule; people contradict each other in more ways. On retrieved web passages "
            "expect much less, as the same command shows: there the claim stands among other facts, and two things of "
            "one name are easily taken for one. A level says what kind of value differs, not who is right.",
            "",
        ]
    )
