"""The model card of a router, written from the manifest so that it cannot say anything else."""

from __future__ import annotations

from collections.abc import Sequence

from mendgraph.adapters.artifacts import Manifest

__all__ = ["model_card"]


def model_card(manifest: Manifest) -> str:
    """Markdown."""
    spec, settings = manifest.training["spec"], manifest.settings
    trained, held = manifest.training["prompts"]
    base, found = manifest.base_model, manifest.metrics["held_out"]
    return "\n".join(
        [
            f"# {manifest.name}",
            "",
            f"A prompt in, one score in [-1, 1] and one expected quality in [0, 1] out for each of "
            f"{len(manifest.labels)} LLMs: {', '.join(manifest.labels)}.",
            "",
            f"- Base model: {base.name if base else 'none'}, SHA-256 `{base.sha256 if base else ''}`; fine-tuning: "
            f"{spec['finetuning_spec']['kind']}.",
            f"- Input: {_inputs(manifest)}, up to {settings['max_length']} tokens.",
            f"- Head: {settings['head']}{_of_rank(manifest)}; loss: {spec['loss']['kind']}; optimiser: "
            f"{_optimizer(manifest)}.",
            f"- Quality is {_meaning(manifest)}, calibrated on held-out prompts.",
            f"- {trained:,} prompts to train on, {held:,} held out; seed {spec['seed']}. All settings: "
            "`manifest.json`.",
            *_joined(manifest),
            "",
            "## Figures",
            "",
            "On the held-out prompts of training; `mend eval prompt_routing` measures on test data, beside every "
            "baseline.",
            "",
            "| of comparisons, ties left out | |",
            "|---|---|",
            f"| pairwise accuracy | {found['accuracy']:.4f} |",
            f"| the same, prompts shuffled | {found['shuffled']:.4f} |",
            f"| the same, every prompt the mean prompt | {found['mean_prompt']:.4f} |",
            f"| gain from reading the prompt, with its 95 % interval | {found['gain']:+.4f} ± {found['error']:.4f} |",
            f"| of two prompts with different winners, rightly ordered by the lead | {found['concordance']:.4f} |",
            f"| the same, prompts shuffled | 0.5 ± {found['chance']:.4f} |",
            "",
            "## Training data",
            "",
            "| source | prompts | licence | from |",
            "|---|---|---|---|",
            *(f"| {d.name} | {d.rows:,} | {d.licence} | {d.source} |" for d in manifest.data),
            "",
            "## Limits",
            "",
            "It knows these LLMs as they were when they were measured, on prompts like those above: mostly English "
            "exam questions, school mathematics and short benchmark tasks. Conversations, other languages and long "
            "documents are read less well; on kinds of prompts that it has not seen, expect little more than the "
            "prompt-blind ranking. A new LLM joins from labelled outcomes (`RouterModel.join`); check the "
            "thresholds on your own traffic before you save money with them.",
            "",
        ]
    )


def _inputs(manifest: Manifest) -> str:
    settings = manifest.settings
    parts = [f"{settings['pooling']}-pooled states of {_layers(settings['layers'])}"]
    if settings["spread_layers"]:
        parts.append(f"standard deviation over the tokens of {_layers(settings['spread_layers'])}")
    if settings["grams"]:
        parts.append(f"{settings['grams']:,} hashed n-grams")
    if settings["features"]:
        parts.append(f"{len(settings['features'])} prompt features")
    return ", ".join(parts)


def _joined(manifest: Manifest) -> list[str]:
    names = manifest.training.get("joined", ())
    return [f"- Joined from outcomes alone, without training: {', '.join(names)}."] if names else []


def _layers(numbers: Sequence[int]) -> str:
    return f"layer{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def _of_rank(manifest: Manifest) -> str:
    settings = manifest.settings
    if settings["head"] != "reference":
        groups = f", its offset in {settings['groups']} groups of prompts" if settings["groups"] else ""
        return f", a strength per LLM{groups} and an interaction of rank {settings['rank']}"
    return f", hidden layers {', '.join(map(str, manifest.settings['hidden_dims']))}"


def _optimizer(manifest: Manifest) -> str:
    chosen = manifest.training["spec"]["optimizer_spec"]
    if chosen["kind"] == "ridge":
        return f"ridge, {chosen['link']} link, penalty {chosen['penalty']:g}"
    return f"{chosen['kind']}, best epoch {manifest.metrics['best_epoch']}"


def _meaning(manifest: Manifest) -> str:
    if manifest.settings["quality"]["meaning"] == "win_rate":
        return "the chance to win against the other LLMs of the pool"
    return "the expected outcome"
