"""What the folder of an answerability classifier says of itself."""

from __future__ import annotations

from typing import Any, Final

from mendgraph.adapters.artifacts import Artifact
from mendgraph.training.conflict.answerability_model import PASSAGES

__all__ = ["ELSEWHERE", "answerability_card"]

ELSEWHERE: Final = ("breaking_nli", PASSAGES)
"""Sources beside claim sets that it is measured on."""


def answerability_card(artifact: Artifact, dev: int) -> str:
    """
    Args:
        dev: documents of claim sets that it was measured on.
    """
    manifest = artifact.manifest
    figures, spec = manifest.metrics["dev"], manifest.training["settings"]
    return "\n".join(
        [
            f"# {manifest.name}",
            "",
            f"LoRA adapter (r {spec['r']}, upper {spec['top_layers']} layers) and a head on the shared encoder: a "
            f"question and one document in; out, whether the document answers it ({', '.join(manifest.labels)}), and "
            "where in it the value stands.",
            "",
            f"On {dev:,} documents of dev claim sets, whose entities and wordings train does not have:",
            "",
            "| | claim sets | " + " | ".join(ELSEWHERE) + " |",
            "|---|---|" + "---|" * len(ELSEWHERE),
            *(
                f"| {name} | {value:.3f} | "
                + " | ".join(_cell(manifest.metrics, source, name) for source in ELSEWHERE)
                + " |"
                for name, value in figures.items()
            ),
            "",
            "`exact_values`, `same_values`: of the documents that have a value, those in which it is found to the "
            "letter, and as the same value otherwise written, whatever the label says. "
            f"`answers_auroc`: nothing against the rest. `commonest`: always saying the commonest label. ECE is "
            f"before calibration, {manifest.metrics['calibration']['ece']:.3f} after it, cross-fitted.",
            "",
            f"Trained in {len(manifest.training['rounds'])} round(s): "
            + "; ".join(
                f"{one['claim_sets']:,} claim sets at {one['learning_rate']:g}"
                for one in manifest.training["rounds"]
            )
            + ".",
            "",
            "| training data | rows | licence | from |",
            "|---|---|---|---|",
            *(f"| {d.name} | {d.rows:,} | {d.licence} | {d.source} |" for d in manifest.data),
            "",
            "Claim sets are made up: short documents of one claim. Questions about text are made from the text's own "
            "words. On questions that people ask of retrieved passages expect less.",
            "",
        ]
    )


def _cell(metrics: dict[str, Any], source: str, name: str) -> str:
    value = metrics[f"dev_{source}"].get(name)
    return "" if value is None else f"{value:.3f}"
