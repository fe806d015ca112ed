"""A small corpus in the data sets' own layout, and models that take a second to train."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

from mendgraph.training.lm.spec import ModelSpec

SPEC = ModelSpec(
    vocab_size=300,
    hidden_size=32,
    num_layers=2,
    num_heads=2,
    num_kv_heads=1,
    intermediate_size=48,
    context=32,
)
WORDS = (
    "the",
    "river",
    "house",
    "pain",
    "dose",
    "sum",
    "doctor",
    "king",
    "number",
    "tree",
    "answer",
    "of",
    "is",
)


def sentence(seed: int, words: int = 12) -> str:
    chosen = random.Random(seed).choices(WORDS, k=words)
    return f"{' '.join(chosen).capitalize()} {seed}."


def write_data_sets(folder: Path) -> Path:
    """Files named and shaped like the real ones."""
    large, small = folder / "lm_text", folder / "token_routing"
    large.mkdir(parents=True)
    small.mkdir()
    sources = {
        "general": ["books"],
        "math": ["exercises", "GSM8K_socratic_train", "hendrycks_MATH_train"],
        "medical": ["articles"],
    }
    seed = 0
    for domain, names in sources.items():
        rows: list[dict[str, Any]] = []
        for name in names:
            for doc in range(12):
                split = "dev" if doc % 4 == 0 else "train"
                for _ in range(3):  # rows of one document
                    seed += 1
                    rows.append(
                        {"source": name, "doc": f"{name}-{doc}", "text": sentence(seed, 30), "split": split}
                    )
        _write(large / f"{domain}.parquet", rows)
    lines = [
        f"{domain},{name},{name} repository,0123456789abcdef,CC0,12,1"
        for domain, names in sources.items()
        for name in names
    ]
    (large / "sources.csv").write_text(
        "\n".join(["file,source,repository,commit,licence,documents,characters", *lines]) + "\n"
    )
    _write_questions(small)
    return folder


def _write_questions(folder: Path) -> None:
    def choices(number: int) -> dict[str, str]:
        options = " ".join(f"Answer{i}: {sentence(900 + 4 * number + i, 3)}" for i in range(1, 5))
        question = f"Please choose the correct answer to the question: {sentence(number)}"
        return {
            "prompt": f"{question}\n\n{options}\n\nAnswer format: answer1/answer2/answer3/answer4",
            "answer": f"answer{number % 4 + 1}",
        }

    _write(
        folder / "gsm8k_train.parquet",
        [
            {
                "question": f"What is {n} + {n}?",
                "solution": f"{n}+{n} = <<{n}+{n}={2 * n}>>{2 * n}\n#### {2 * n}",
            }
            for n in range(9)
        ],
    )
    _write(
        folder / "mawps.parquet",
        [
            {
                "split": "dev" if n % 3 == 0 else "train",
                "question": f"Ann had {n}.0 pens and got 4.0 more . How many now ?",
                "equation": "+ number0 number1",
                "answer": f"{n + 4}.0",
            }
            for n in range(20, 29)
        ],
    )
    _write(folder / "boolq_noctx_train.parquet", [{"question": "is water wet?", "answer": "true"}])
    for number, name in enumerate(("openbookqa_train", "arc-easy_train", "arc-challenge_train")):
        _write(folder / f"{name}.parquet", [choices(10 * number + n) for n in range(5)])
    _write(
        folder / "general_text.parquet",
        [
            {
                "corpus": corpus,
                "doc": f"{corpus}-{n}",
                "text": f"{corpus} {sentence(700 + n)}",
                "split": split,
            }
            for corpus in ("brown", "inaugural")
            for n, split in enumerate(("train", "train", "dev"))
        ],
    )
    _write(
        folder / "medquad.parquet",
        [
            {
                "source": "GARD",
                "focus": f"Disease {n // 2}",
                "question": f"What is (are) Disease {n // 2} ?",
                "answer": sentence(800 + n),
                "split": "dev" if n // 2 == 0 else "train",
            }
            for n in range(8)
        ],
    )
    _write(
        folder / "pubmedqa_pqal.parquet",
        [
            {
                "pmid": str(n),
                "split": "test" if n % 2 else "train",
                "question": f"Does {sentence(n, 4)}?",
                "context": f"{split} abstract {sentence(600 + n)}",
                "long_answer": sentence(650 + n),
                "final_decision": "maybe",
            }
            for n, split in enumerate(("train", "test", "train", "test"))
        ],
    )


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
