"""Multiple choice by likelihood: the option whose text the model finds likeliest after the question."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mendgraph.errors import DataError
from mendgraph.training.emotion.tables import read_table
from mendgraph.training.lm.sources import find
from mendgraph.training.token_routing.passages import Passage

PROMPT, OPTION = "prompt", "option"
DOMAINS = (PROMPT, OPTION)
_ABSTRACT = 900
"""Characters of a PubMed abstract that are shown; a context of 512 tokens holds no more beside the question."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its options, and the number of the right one."""

    id: str
    prompt: str
    options: tuple[str, ...]
    answer: int


def _lettered(row: Row) -> Question | None:
    options = row["options"]
    table: dict[str, str] = json.loads(options) if isinstance(options, str) else dict(options)
    letters = sorted(table)
    if row["answer_idx"] not in letters:
        return None
    prompt = f"Question: {row['question'].strip()}\nAnswer:"
    chosen = tuple(str(table[letter]).strip() for letter in letters)
    return Question(str(row.get("id", "")), prompt, chosen, letters.index(row["answer_idx"]))


def _pubmed(row: Row) -> Question | None:
    if row["split"] != "test":
        return None
    words = ("yes", "no", "maybe")
    prompt = f"Abstract: {row['context'][:_ABSTRACT].strip()}\nQuestion: {row['question'].strip()}\nAnswer:"
    return Question(str(row["pmid"]), prompt, words, words.index(row["final_decision"]))


def _arc(row: Row) -> Question | None:
    head, _, rest = row["prompt"].partition("question: ")
    question, _, listed = rest.partition("\n")
    options = listed.partition("Answer format:")[0].strip()
    parts = [part.strip() for part in _split_options(options)]
    number = row["answer"].strip().removeprefix("answer")
    if not head or not number.isdigit() or not 1 <= int(number) <= len(parts):
        return None
    return Question("", f"Question: {question.strip()}\nAnswer:", tuple(parts), int(number) - 1)


def _split_options(text: str) -> Iterator[str]:
    """``Answer1: a Answer2: b`` as a, b."""
    number, place = 1, text.find("Answer1: ")
    while place >= 0:
        start = place + len(f"Answer{number}: ")
        number += 1
        place = text.find(f"Answer{number}: ", start)
        yield text[start:] if place < 0 else text[start:place]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Where a set of questions lies and how it is read; `read` gives None for rows that are not of the test."""

    name: str
    files: tuple[str, ...]
    columns: tuple[str, ...]
    read: Callable[[Row], Question | None]


BENCHMARKS = {
    one.name: one
    for one in (
        Benchmark("medmcqa", ("medmcqa_test.parquet",), ("question", "options", "answer_idx"), _lettered),
        Benchmark(
            "mmlu_medical", ("mmlu_medical_test.parquet",), ("question", "options", "answer_idx"), _lettered
        ),
        Benchmark("medqa", ("medqa_test.parquet",), ("question", "options", "answer_idx"), _lettered),
        Benchmark(
            "pubmedqa",
            ("pubmedqa_pqal.parquet",),
            ("split", "question", "context", "final_decision"),
            _pubmed,
        ),
        Benchmark("arc_easy", ("arc-easy_test.parquet",), ("prompt", "answer"), _arc),
        Benchmark("arc_challenge", ("arc-challenge_test.parquet",), ("prompt", "answer"), _arc),
    )
}


def read_questions(data_dir: Path, name: str, size: int, seed: int) -> list[Question]:
    """At most `size` questions, drawn; none where the file is not there."""
    benchmark = BENCHMARKS[name]
    for file in benchmark.files:
        try:
            path = find(data_dir, file)
        except DataError:
            continue
        table = read_table(path, benchmark.columns)
        rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
        read = [found for row in rows if (found := benchmark.read(row)) is not None]
        unique = list({(q.prompt, q.options): q for q in read}.values())
        drawn = random.Random(f"{seed} {name}")
        return unique if len(unique) <= size else drawn.sample(unique, size)
    return []


def as_passages(questions: Sequence[Question]) -> list[Passage]:
    """One passage per option: the question, then the option, which alone is scored."""
    return [
        Passage(f"q{number}", "questions", "test", (question.prompt, f" {option}"), DOMAINS)
        for number, question in enumerate(questions)
        for option in question.options
    ]
