"""Small routing data in which the prompt matters, for a tiny encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mendgraph.training.emotion.tables import write_table
from mendgraph.training.prompt_routing.comparisons import Responses
from mendgraph.training.prompt_routing.outcomes import Outcomes
from tests.tiny import WORDS

MODELS = ("cats", "dogs", "coin")
WORD_LIST = sorted(set(WORDS))


def prompts(count: int, *, seed: int = 0) -> tuple[str, ...]:
    """All different; about half of them mention a cat."""
    random = np.random.default_rng(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        words = [*random.choice(WORD_LIST, 5), *(["cat", "cat"] if random.random() < 0.5 else ["dog", "dog"])]
        found[" ".join(random.permutation(words))] = None
    return tuple(found)


def outcomes(count: int = 120, *, seed: int = 0) -> Outcomes:
    """``cats`` is right about cats alone, ``dogs`` about the rest, ``coin`` at random; groups g0 to g3."""
    texts = prompts(count, seed=seed)
    random = np.random.default_rng(seed + 1)
    scores = [
        [float("cat" in text), float("cat" not in text), float(random.random() < 0.5)] for text in texts
    ]
    return Outcomes.of(texts, MODELS, np.array(scores), [f"g{number % 4}" for number in range(count)])


def responses(texts: tuple[str, ...]) -> Responses:
    """Each LLM has a tone of its own."""
    tones = {"cats": "happy love great", "dogs": "sad hate fear", "coin": "rain sun home"}
    return Responses(
        texts, MODELS, tuple(tuple(f"{tones[name]} {text}" for name in MODELS) for text in texts)
    )


def write_files(folder: Path, table: Outcomes) -> None:
    """The same data in every format that the committed specs name."""
    texts, count = list(table.prompts), len(table)
    columns = {"prompt": texts, "group": list(table.groups)}
    columns |= {
        f"score__{name}": scores for name, scores in zip(MODELS, table.scores.T.tolist(), strict=True)
    }
    kinds = {name: "float" if name.startswith("score__") else "string" for name in columns}
    write_table(folder / "outcomes_train.parquet", columns, kinds)
    winner = ["model_a" if row[0] > row[1] else "model_b" for row in table.scores]
    arena = {"prompt": texts, "model_a": ["cats"] * count, "model_b": ["dogs"] * count, "winner": winner}
    write_table(folder / "arena.parquet", arena, dict.fromkeys(arena, "string"))
    numbers = [f"p{row}" for row in range(count)]
    listed = {"prompt_id": numbers, "instruction": texts, "split": ["train"] * count}
    write_table(folder / "alpacaeval_prompts.parquet", listed, dict.fromkeys(listed, "string"))
    said = responses(table.prompts)
    flat = [(row, column) for row in range(count) for column in range(len(MODELS))]
    answers = {
        "prompt_id": [numbers[row] for row, _ in flat],
        "model": [MODELS[column] for _, column in flat],
        "response": [str(said.texts[row][column]) for row, column in flat],
    }
    write_table(folder / "alpacaeval_responses.parquet", answers, dict.fromkeys(answers, "string"))
    judged = {
        "prompt_id": answers["prompt_id"],
        "model": answers["model"],
        "judge": ["judge"] * len(flat),
        "baseline": ["baseline"] * len(flat),
        "preference": [1.0 + table.scores[row, column] for row, column in flat],
    }
    types = {name: "float" if name == "preference" else "string" for name in judged}
    write_table(folder / "alpacaeval_preferences.parquet", judged, types)
