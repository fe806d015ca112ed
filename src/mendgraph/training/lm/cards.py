"""Manifests, cards and curves of trained models; run where pydantic is, after the weights came back."""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn
from transformers import PreTrainedTokenizerBase

from mendgraph.adapters.artifacts import Artifact, BaseModelRef, DataSource, write_artifact
from mendgraph.adapters.hub import weights_hash
from mendgraph.errors import ArtifactMissing
from mendgraph.training.lm.corpus import Contribution, read_contributions, read_texts
from mendgraph.training.lm.fit import LOG
from mendgraph.training.lm.measure import METRICS, load_adapter
from mendgraph.training.lm.model import ADAPTER_CONFIG, BASE_FOLDER, load_base
from mendgraph.training.lm.plots import CURVE, read_log, write_curve
from mendgraph.training.lm.recipe import FULL_PREFIX
from mendgraph.training.lm.samples import Sample, samples
from mendgraph.training.lm.sources import LEFT_OUT, REPEATS
from mendgraph.training.lm.spec import BASE, DOMAINS, OWN_SHARE
from mendgraph.training.lm.tokenizer import load_tokenizer
from mendgraph.training.lm.trainer import Echo

CAUSAL_LM = "causal_lm"
LM_ADAPTER = "lm_adapter"
_LOADED = ("*.safetensors", "*.index.json", "*config.json", "tokenizer.json")
_LIMITS = """\
A model of this size writes English that holds together within a sentence and keeps the style of its sources; it
loses the thread after a few sentences. It does not know facts: names, numbers, doses and dates in its text are
guesses. It does not do arithmetic beyond what it has seen. It follows no instructions and refuses nothing. It exists so
that experts, adapters and token routing can be tried, tested and measured offline; **nothing it writes about health,
money or people may be relied on**. For real answers configure a larger model: the same code takes any causal
language model."""


def write_cards(data: Path, out: Path, *, echo: Echo = lambda line: None) -> list[Artifact]:
    """Finishes the base model and every expert that is in `out`.

    Raises:
        ArtifactMissing: no base model in `out`.
    """
    base = out / BASE_FOLDER
    if not (base / METRICS).is_file():
        raise ArtifactMissing(f"no trained model in {str(base)!r}", hint="mend train lm --part base")
    contributions = read_contributions(data)
    references = {domain: xz_bits_per_byte(read_texts(data, domain, "dev")) for domain in DOMAINS}
    tokenizer = load_tokenizer(base)
    matrix = scores_of_all(out)
    done = []
    for name in matrix:
        echo(f"card of {name}")
        done.append(_finish(out / name, base, tokenizer, contributions, references, matrix))
    return done


def scores_of_all(out: Path) -> dict[str, dict[str, float]]:
    """Bits per byte on dev of every finished model in `out`: name -> domain -> score, the base first."""
    names = (BASE_FOLDER, *DOMAINS, *(f"{FULL_PREFIX}{domain}" for domain in DOMAINS))
    files = {name: out / name / METRICS for name in names}
    return {
        name: json.loads(file.read_text(encoding="utf-8"))["dev_bits_per_byte"]
        for name, file in files.items()
        if file.is_file()
    }


def matrix_table(matrix: Mapping[str, Mapping[str, float]]) -> str:
    """Markdown: a row per model, a column per domain, bits per byte."""
    head = ["| bits per byte | " + " | ".join(DOMAINS) + " |", "|---|" + "---|" * len(DOMAINS)]
    return "\n".join([*head, *(_row(name, scores) for name, scores in matrix.items())])


def xz_bits_per_byte(texts: Sequence[str]) -> float:
    """What a general compressor needs for the same text: the scale for a model's bits per byte."""
    raw = "\n\n".join(texts).encode()
    return 8 * len(lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME)) / len(raw)


def _finish(
    folder: Path,
    base: Path,
    tokenizer: PreTrainedTokenizerBase,
    contributions: Sequence[Contribution],
    references: Mapping[str, float],
    matrix: Mapping[str, Mapping[str, float]],
) -> Artifact:
    metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    is_adapter = (folder / ADAPTER_CONFIG).is_file()
    model: nn.Module = load_adapter(base, folder) if is_adapter else load_base(folder)
    write_curve(read_log(folder / LOG), folder / CURVE)
    scores = {"dev_bits_per_byte": metrics["dev_bits_per_byte"], "xz_bits_per_byte": dict(references)}
    artifact = write_artifact(
        folder,
        name=f"lm-{folder.name.replace('_', '-')}",
        kind=LM_ADAPTER if is_adapter else CAUSAL_LM,
        task="language",
        files=sorted({path.name for pattern in _LOADED for path in folder.glob(pattern)}),
        base_model=None
        if folder == base
        else BaseModelRef(name=f"lm-{BASE_FOLDER}", sha256=weights_hash(base)),
        settings={"context": metrics["context"], "vocab_size": len(tokenizer)},
        training={"spec": metrics["spec"], "run": metrics["run"], "data": metrics["data"]},
        data=[
            DataSource(
                name=f"{c.domain}/{c.source}", licence=c.licence, rows=c.train_documents, source=c.origin
            )
            for c in contributions
        ],
        versions=metrics["versions"],
        metrics=scores | {"dev_windows": metrics["dev_windows"]},
    )
    text = _card(artifact, model, samples(model, tokenizer), contributions, matrix)
    (folder / "README.md").write_text(text, encoding="utf-8")
    return artifact


def _card(
    artifact: Artifact,
    model: nn.Module,
    written: Sequence[Sample],
    contributions: Sequence[Contribution],
    matrix: Mapping[str, Mapping[str, float]],
) -> str:
    manifest = artifact.manifest
    run, spec, scores = manifest.training["run"], manifest.training["spec"], manifest.metrics
    total = sum(p.numel() for p in model.parameters())
    passes = ", ".join(f"{name} {count:g}" for name, count in run["passes"].items())
    windows = ", ".join(f"{name} {count:,}" for name, count in scores["dev_windows"].items())
    return "\n".join(
        [
            f"# {manifest.name}",
            "",
            _what(artifact, total),
            "",
            f"- Context {manifest.settings['context']:,} tokens; byte-level BPE of "
            f"{manifest.settings['vocab_size']:,} tokens, digits one by one.",
            f"- {run['steps']:,} steps, {run['tokens']:,} tokens in {run['seconds']:,.0f} s on {run['device']}; "
            f"passes over the training text: {passes}.",
            f"- {_schedule(run, spec)}; {spec['batch_tokens']:,} tokens a step. "
            "All settings: `manifest.json`; log: `training_log.jsonl`.",
            "",
            "## Held-out text",
            "",
            "Bits per byte of UTF-8 on the dev documents, of the weights in this folder in fp32 "
            f"(windows: {windows}; each begins without context). xz -9e on the same documents for scale.",
            "",
            "| | " + " | ".join(scores["dev_bits_per_byte"]) + " |",
            "|---|" + "---|" * len(scores["dev_bits_per_byte"]),
            _row("this model", scores["dev_bits_per_byte"]),
            _row("xz", scores["xz_bits_per_byte"]),
            *(_row(name, matrix[name]) for name in matrix if name != artifact.folder.name),
            "",
            f"![training curve]({CURVE})",
            "",
            "## What it writes",
            "",
            *(line for sample in written for line in _sample(sample)),
            "## Limits",
            "",
            _LIMITS,
            "",
            "## Training text",
            "",
            "| domain | source | licence | train documents | train bytes |",
            "|---|---|---|---|---|",
            *(
                f"| {c.domain} | {c.source} | {c.licence} | {c.train_documents:,} | {c.train_bytes:,} |"
                for c in contributions
            ),
            "",
            f"Read {max(REPEATS.values())} times in each pass: {', '.join(REPEATS)}.",
            "",
            "Commits and addresses of the sources are in `manifest.json`. Left out: "
            + "; ".join(f"{name} ({why})" for name, why in LEFT_OUT.items())
            + ". OpenStax texts: OpenStax, Rice University, openstax.org. The Gutenberg texts are public domain in the "
            "United States; elsewhere some may still be protected.",
            "",
        ]
    )


def _schedule(run: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    optimizer = "Muon for the hidden matrices, AdamW for the rest" if spec["muon"] else "AdamW"
    before = run["steps_before"]
    constant = f", constant for {before:,} steps in windows of {BASE.window} tokens" if before else ""
    return f"{optimizer}; learning rate {spec['learning_rate']:g}{constant}, then falling as 1 - sqrt to zero"


def _what(artifact: Artifact, total: int) -> str:
    manifest = artifact.manifest
    domain = artifact.folder.name.removeprefix(FULL_PREFIX)
    share = f"{OWN_SHARE:.0%} {domain} text, the rest of the other domains"
    if manifest.kind == LM_ADAPTER:
        lora = manifest.training["run"]["adapter"]
        return (
            f"LoRA adapter (PEFT; rank {lora['rank']}, alpha {lora['alpha']}, every linear layer) on `lm-base`: "
            f"{share}; {total:,} parameters with the base."
        )
    if manifest.base_model is not None:
        return f"`lm-base` trained on as a whole: {share}; {total:,} parameters."
    return (
        f"A Llama of {total:,} parameters, trained from scratch on general, mathematical and medical English."
    )


def _row(name: str, scores: Mapping[str, Any]) -> str:
    return f"| {name} | " + " | ".join(f"{score:.3f}" for score in scores.values()) + " |"


def _sample(sample: Sample) -> list[str]:
    def quoted(text: str) -> list[str]:
        return ["```text", text.strip().replace("```", "'''"), "```", ""]

    return [
        "Prompt, greedy continuation, drawn continuation:",
        "",
        *quoted(sample.prompt),
        *quoted(sample.greedy),
        *quoted(sample.drawn),
    ]
