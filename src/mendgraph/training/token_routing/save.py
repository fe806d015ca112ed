"""Writes trained heads as an artefact folder: weights, log, figures, card, manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from mendgraph.adapters.artifacts import Artifact, write_artifact
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.heads_file import HEADS, SavedHeads, save_heads
from mendgraph.modules.sequence_head import SequenceHead
from mendgraph.training.token_routing.fit import Fitted

TASK = "token_routing"
HEADS_KIND = "expert_heads"
SEQUENCE_KIND = "sequence_head"
SEQUENCE = "sequence_head.safetensors"
METRICS = "metrics.json"


def save_fitted(
    fitted: Fitted, ensemble: Ensemble, folder: Path, *, data: str, counts: Mapping[str, int]
) -> Artifact:
    """
    Args:
        data: digest of the passages that it was trained on.
        counts: split -> tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mode = fitted.spec.mode
    save_heads(SavedHeads(fitted.heads, mode, fitted.doubt), folder / HEADS)
    metrics = {
        "best_epoch": fitted.best_epoch,
        "dev_bits_per_byte": list(fitted.history),
        "temperature": float(fitted.heads.temperature),
        "doubt": fitted.doubt,
        "tokens": dict(counts),
    }
    _write_json(folder / METRICS, metrics)
    best = fitted.history[fitted.best_epoch - 1]
    artifact = write_artifact(
        folder,
        name=f"{TASK}/{folder.name}",
        kind=HEADS_KIND,
        task=TASK,
        files=[HEADS],
        settings={"mode": mode, "experts": list(ensemble.names), "ensemble": ensemble.fingerprint},
        training={"settings": asdict(fitted.spec), "data": data, "best_epoch": fitted.best_epoch},
        versions=_versions(),
        metrics={"dev_bits_per_byte": best},
    )
    (folder / "README.md").write_text(_card(fitted, ensemble, best), encoding="utf-8")
    return artifact


def save_sequence(head: SequenceHead, ensemble: Ensemble, folder: Path, *, data: str) -> Artifact:
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in head.state_dict().items()}
    save_file(tensors, folder / SEQUENCE)
    (folder / SEQUENCE).chmod(0o644)
    return write_artifact(
        folder,
        name=f"{TASK}/{folder.name}",
        kind=SEQUENCE_KIND,
        task=TASK,
        files=[SEQUENCE],
        settings={
            "experts": list(head.experts),
            "ensemble": ensemble.fingerprint,
            "hidden_size": ensemble.hidden_size,
            "prompt_tokens": head.prompt_tokens,
        },
        training={"data": data},
        versions=_versions(),
    )


def load_sequence(folder: Path, experts: Sequence[str], hidden_size: int) -> SequenceHead:
    """The router that `save_sequence` wrote for these experts."""
    settings = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["settings"]
    head = SequenceHead(experts, hidden_size, prompt_tokens=int(settings["prompt_tokens"]))
    head.load_state_dict(load_file(folder / SEQUENCE))
    return head.eval()


def _card(fitted: Fitted, ensemble: Ensemble, best: Mapping[str, float]) -> str:
    spec = fitted.spec
    heads = "-".join(map(str, (ensemble.hidden_size, *fitted.heads.hidden_dims, 1)))
    lines = [
        f"# Router heads for token routing, mode {spec.mode}",
        "",
        f"One scalar head ({heads}, LayerNorm) per expert, on the hidden state that predicts the next token. "
        f"Experts: {', '.join(ensemble.names)}, frozen (weights {ensemble.fingerprint}).",
        "",
        f"Trained for `{spec.mode}` decoding over {spec.num_epochs} epochs; epoch {fitted.best_epoch} was best on dev.",
        "",
        f"| {' | '.join(best)} |",
        "|---" * len(best) + "|",
        f"| {' | '.join(f'{value:.4f}' for value in best.values())} |",
        "",
        "Dev bits per byte, by kind of passage. Test figures and baselines: `mend eval token_routing`.",
        "",
        "The heads choose between experts; they add no knowledge. What the experts cannot do, they cannot either.",
        "",
    ]
    return "\n".join(lines)


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("torch", "transformers", "tokenizers")}


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
