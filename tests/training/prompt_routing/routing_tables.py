"""Small tables of the shapes that the sources publish."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mendgraph.training.emotion.tables import write_table

SUBJECTS = ("anatomy", "law")


def sentence(noise: np.random.Generator, words: int) -> str:
    return " ".join(f"w{number}" for number in noise.integers(0, 5000, words))


def write_routellm(folder: Path, rows: int = 40) -> None:
    noise = np.random.default_rng(1)
    table = {
        "subject": [SUBJECTS[row % 2] for row in range(rows)],
        "prompt": [sentence(noise, 12) for _ in range(rows)],
        "weak_correct": noise.integers(0, 2, rows).tolist(),
        "strong_correct": noise.integers(0, 2, rows).tolist(),
        "split": ["dev" if row % 5 == 0 else "train" for row in range(rows)],
    }
    types = dict.fromkeys(table, "string") | {"weak_correct": "int64", "strong_correct": "int64"}
    write_table(folder / "routellm_mmlu.parquet", table, types)
    sums = {name: column for name, column in table.items() if name != "subject"}
    sums["prompt"] = [sentence(noise, 12) for _ in range(rows)]
    sums["split"] = [("train", "train", "dev", "test")[row % 4] for row in range(rows)]
    write_table(folder / "routellm_gsm8k.parquet", sums, types)


def write_llmrouter(folder: Path, shared: str, rows: int = 30) -> None:
    """`shared` is a prompt of its test."""
    noise = np.random.default_rng(2)
    prompts = [sentence(noise, 12) for _ in range(rows)]
    split = ["test" if row % 3 == 0 else "train" for row in range(rows)]
    prompts[3] = shared
    prompts[6] = prompts[1]
    table = {
        "split": split,
        "prompt": prompts,
        "task": [("sums", "facts")[row % 2] for row in range(rows)],
        "metric": ["f1"] * rows,
        "score__small": noise.random(rows).tolist(),
        "score__large": noise.random(rows).tolist(),
        "test_in_train": [int(row == 6) for row in range(rows)],
    }
    types = dict.fromkeys(table, "string")
    types |= {"score__small": "double", "score__large": "double", "test_in_train": "int64"}
    write_table(folder / "llmrouter_9models.parquet", table, types)
