"""Readers of outcome tables (RouteLLM, LLMRouter, RouterBench) and of preferences (AlpacaEval)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mendgraph.errors import DataError
from mendgraph.training.prompt_routing.arena import read_arena
from mendgraph.training.prompt_routing.comparisons import Comparisons, Responses
from mendgraph.training.prompt_routing.files import numbers, read_columns, texts
from mendgraph.training.prompt_routing.outcomes import Outcomes

__all__ = [
    "PROVENANCE",
    "ROUTELLM",
    "read_arena",
    "read_gsm8k_responses",
    "read_llmrouter",
    "read_outcomes",
    "read_preference_responses",
    "read_preferences",
    "read_routellm",
]

PROVENANCE = {
    "routellm": ("RouteLLM, Ong et al., ICLR 2025; github.com/lm-sys/RouteLLM (MMLU, GSM8K)", "Apache-2.0"),
    "llmrouter": ("LLMRouter; github.com/ulab-uiuc/LLMRouter", "MIT"),
    "alpacaeval": (
        "AlpacaEval, Li et al. 2023, Dubois et al. 2024; github.com/tatsu-lab/alpaca_eval",
        "CC BY-NC 4.0: experiments only, never in shipped weights",
    ),
}
"""Name -> (citation, licence); the model card and the manifest quote it."""

ROUTELLM = {"mixtral-8x7b-instruct-v0.1": "weak_correct", "gpt-4-1106-preview": "strong_correct"}
"""RouteLLM's two models, weak first, and their columns."""


def read_outcomes(
    path: Path,
    models: Mapping[str, str] | None = None,
    *,
    prefix: str = "score__",
    prompt: str = "prompt",
    group: str | None = None,
    drop: str | None = None,
) -> dict[str, Outcomes]:
    """Split -> table, from a file with one row per prompt and one column of scores per model.

    RouterBench's own file has no prefix: name its columns in `models`.

    Args:
        models: name -> column; every column that begins with `prefix` when None.
        prompt, group: columns; `group` None is one group named after the file.
        drop: column whose rows with a true value are left out.

    Without a column ``split`` everything is "train".
    """
    needed = [prompt, *([group] if group else []), *([drop] if drop else []), *(models or {}).values()]
    table = read_columns(path, needed)
    if models is None:
        models = {name.removeprefix(prefix): name for name in table if name.startswith(prefix)}
    if len(models) < 2:
        raise DataError(
            f"{path.name}: found {len(models)} columns of scores, need 2 or more",
            hint=f"name them {prefix}MODEL",
        )
    count = len(table[prompt])
    whole = Outcomes.of(
        texts(table, prompt, path),
        list(models),
        np.array([numbers(table, column, path) for column in models.values()]).T,
        texts(table, group, path) if group else [path.stem] * count,
    )
    split = table.get("split") or ["train"] * count
    dropped = table[drop] if drop else [False] * count
    return {
        name: whole.take([row for row in range(count) if split[row] == name and not dropped[row]])
        for name in dict.fromkeys(split)
    }


def read_routellm(path: Path) -> dict[str, Outcomes]:
    """``routellm_mmlu.parquet`` (groups are its subjects) or ``routellm_gsm8k.parquet`` (one group)."""
    group = "subject" if "subject" in read_columns(path) else None
    return read_outcomes(path, ROUTELLM, group=group)


def read_llmrouter(path: Path) -> dict[str, Outcomes]:
    """``llmrouter_9models.parquet``; groups are its tasks; test prompts that train has too are left out."""
    return read_outcomes(path, group="task", drop="test_in_train")


def read_preferences(
    preferences: Path, prompts: Path, *, models: Sequence[str] | None = None, tie_within: float = 0.0
) -> dict[str, Comparisons]:
    """Split -> comparisons of any two models that the same judge held against the same baseline, AlpacaEval style.

    Columns prompt_id, judge, baseline, model, preference; and prompt_id, instruction, split of `prompts`.  A
    preference runs from 1 (the baseline is better) to 2 (the model is); 0 is a tie, 1.5.

    Args:
        models: leave out all others.
        tie_within: preferences that differ by no more are a tie.
    """
    texts_of = read_columns(prompts, ("prompt_id", "instruction", "split"))
    place = {number: row for row, number in enumerate(texts_of["prompt_id"])}
    instructions = [str(text) for text in texts_of["instruction"]]
    table = read_columns(preferences, ("prompt_id", "judge", "baseline", "model", "preference"))
    groups: dict[tuple[Any, Any], list[int]] = {}
    for row, key in enumerate(zip(table["judge"], table["baseline"], strict=True)):
        if models is None or table["model"][row] in models:
            groups.setdefault(key, []).append(row)
    values = numbers(table, "preference", preferences)
    found: dict[str, list[Comparisons]] = {}
    for rows in groups.values():
        names = sorted({str(table["model"][row]) for row in rows})
        scores = np.full((len(instructions), len(names)), np.nan)
        at = {name: number for number, name in enumerate(names)}
        for row in rows:
            value = values[row] if values[row] > 0 else 1.5
            scores[place[table["prompt_id"][row]], at[str(table["model"][row])]] = value - 1
        whole = Outcomes.of(instructions, names, scores)
        for split in dict.fromkeys(texts_of["split"]):
            part = whole.take([name == split for name in texts_of["split"]])
            compared = part.comparisons(tie_within)
            # a judge who prefers the baseline to both has not called either answer bad
            compared.both_bad[:] = False
            found.setdefault(split, []).append(compared)
    return {split: Comparisons.joined(parts) for split, parts in found.items()}


def read_preference_responses(responses: Path, prompts: Path) -> dict[str, Responses]:
    """Split -> answers; columns prompt_id, model, response, and those of `read_preferences`' prompts."""
    texts_of = read_columns(prompts, ("prompt_id", "instruction", "split"))
    table = read_columns(responses, ("prompt_id", "model", "response"))
    names = sorted({str(name) for name in table["model"]})
    cells: dict[tuple[Any, str], str | None] = {
        (number, str(name)): text
        for number, name, text in zip(table["prompt_id"], table["model"], table["response"], strict=True)
    }
    whole = Responses(
        tuple(str(text) for text in texts_of["instruction"]),
        tuple(names),
        tuple(tuple(cells.get((number, name)) for name in names) for number in texts_of["prompt_id"]),
    )
    splits = texts_of["split"]
    return {
        split: whole.take([row for row, name in enumerate(splits) if name == split])
        for split in dict.fromkeys(splits)
    }


def read_gsm8k_responses(path: Path) -> dict[str, Responses]:
    """Split -> the two answers of ``routellm_gsm8k_responses.parquet``, models as in `ROUTELLM`."""
    table = read_columns(path, ("prompt", "split", "weak_response", "strong_response"))
    whole = Responses(
        tuple(texts(table, "prompt", path)),
        tuple(ROUTELLM),
        tuple(zip(table["weak_response"], table["strong_response"], strict=True)),
    )
    return {
        split: whole.take([row for row, name in enumerate(table["split"]) if name == split])
        for split in dict.fromkeys(table["split"])
    }
