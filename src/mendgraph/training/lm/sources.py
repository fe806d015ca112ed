"""Where the training text comes from: files, licences, and how rows become documents."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from pyarrow import parquet

from mendgraph.errors import DataError
from mendgraph.training.lm.formats import (
    choice,
    grouped,
    question_answer,
    steps_and_result,
    tidy,
    word_problem,
)

FOLDERS = ("", "lm_text", "token_routing")
LEFT_OUT = {"hendrycks_MATH_train": "the rights in the problems are disputed"}
ONLY_TRAINED_ON = {"GSM8K_socratic_train"}
"""Repeats the questions of GSM8K's train part, which is trained on as well: neither may be in dev."""
REPEATS = dict.fromkeys(
    ("arc_challenge_train", "arc_easy_train", "boolq_train", "mawps", "openbookqa_train", "pubmedqa_train"), 4
)
"""Small sources of questions are read several times in each pass: the form of an answer is learned from them."""
CORPUS_LICENCES = "sources.csv"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """One text and the split it belongs to: ``train`` or ``dev``."""

    source: str
    doc: str
    text: str
    split: str


@dataclass(frozen=True, slots=True)
class Source:
    """A file of questions or texts beside the three large ones."""

    name: str
    file: str
    domain: str
    licence: str
    origin: str
    read: Callable[[list[Row]], Iterator[tuple[str, str, str]]]  # (doc, text, split)


def _gsm8k(rows: list[Row]) -> Iterator[tuple[str, str, str]]:
    texts = (question_answer(r["question"], steps_and_result(r["solution"])) for r in rows)
    return _numbered(grouped(texts), "train")


def _mawps(rows: list[Row]) -> Iterator[tuple[str, str, str]]:
    for split in ("train", "dev"):
        texts = (
            word_problem(r["question"], r["equation"], str(r["answer"])) for r in rows if r["split"] == split
        )
        yield from _numbered(grouped(texts), split)


def _boolq(rows: list[Row]) -> Iterator[tuple[str, str, str]]:
    words = {"true": "yes", "false": "no"}
    texts = (question_answer(r["question"], words[str(r["answer"]).lower()]) for r in rows)
    return _numbered(grouped(texts), "train")


def _choices(rows: list[Row]) -> Iterator[tuple[str, str, str]]:
    texts = (question_answer(*choice(r["prompt"], r["answer"])) for r in rows)
    return _numbered(grouped(texts), "train")


def _medquad(rows: list[Row]) -> Iterator[tuple[str, str, str]]:
    def key(row: Row) -> tuple[str, str, str]:
        return row["split"], row["source"], row["focus"] or ""

    for (split, source, focus), group in groupby(sorted(rows, key=key), key):
        texts = (question_answer(tidy(r["question"]), r["answer"]) for r in group)
        yield f"{source}/{focus}", "\n\n".join(texts), split


def _pubmedqa(rows: list[Row]) -> Iterator[tuple[str, str, str]]:
    for r in rows:
        if r["split"] == "train":
            answer = f"{r['final_decision']}. {r['long_answer']}"
            yield (
                str(r["pmid"]),
                f"Abstract: {r['context']}\n{question_answer(r['question'], answer)}",
                "train",
            )


def _speeches_and_plays(rows: list[Row]) -> Iterator[tuple[str, str, str]]:
    kept = (r for r in rows if r["corpus"] in ("inaugural", "shakespeare", "state_union"))
    for (corpus, doc, split), group in groupby(kept, lambda r: (r["corpus"], r["doc"], r["split"])):
        yield f"{corpus}/{doc}", "\n\n".join(r["text"] for r in group), split


def _numbered(texts: Iterable[str], split: str) -> Iterator[tuple[str, str, str]]:
    return ((f"{split}-{number}", text, split) for number, text in enumerate(texts))


_ADAPTERS = "github.com/AGI-Edgerunners/LLM-Adapters"
_NLTK = "github.com/nltk/nltk_data: inaugural, state_union, shakespeare"
SOURCES = (
    Source(
        "gsm8k_train", "gsm8k_train.parquet", "math", "MIT", "github.com/openai/grade-school-math", _gsm8k
    ),
    Source("mawps", "mawps.parquet", "math", "MIT", "github.com/arkilpatel/SVAMP, MAWPS", _mawps),
    Source(
        "boolq_train", "boolq_noctx_train.parquet", "general", "CC BY-SA 3.0", f"{_ADAPTERS}, BoolQ", _boolq
    ),
    Source(
        "openbookqa_train",
        "openbookqa_train.parquet",
        "general",
        "Apache-2.0",
        f"{_ADAPTERS}, OpenBookQA",
        _choices,
    ),
    Source(
        "arc_easy_train", "arc-easy_train.parquet", "general", "CC BY-SA 4.0", f"{_ADAPTERS}, ARC", _choices
    ),
    Source(
        "arc_challenge_train",
        "arc-challenge_train.parquet",
        "general",
        "CC BY-SA 4.0",
        f"{_ADAPTERS}, ARC",
        _choices,
    ),
    Source(
        "speeches_and_plays", "general_text.parquet", "general", "public domain", _NLTK, _speeches_and_plays
    ),
    Source("medquad", "medquad.parquet", "medical", "CC BY 4.0", "github.com/abachaa/MedQuAD", _medquad),
    Source(
        "pubmedqa_train", "pubmedqa_pqal.parquet", "medical", "MIT", "github.com/pubmedqa/pubmedqa", _pubmedqa
    ),
)


def documents(source: Source, folder: Path) -> Iterator[Document]:
    rows = parquet.read_table(find(folder, source.file)).to_pylist()
    return (Document(source.name, doc, text, split) for doc, text, split in source.read(rows))


def large_documents(domain: str, folder: Path) -> Iterator[Document]:
    """Texts of ``<domain>.parquet``; a document's rows, which follow each other, become one text again."""
    columns = ["source", "doc", "text", "split"]
    rows = parquet.read_table(find(folder, f"{domain}.parquet"), columns=columns).to_pylist()
    kept = (row for row in rows if row["source"] not in LEFT_OUT)
    for (source, doc), group in groupby(kept, lambda r: (r["source"], r["doc"])):
        parts = list(group)
        splits = {part["split"] for part in parts}
        if len(splits) > 1:
            raise DataError(f"document {doc!r} of {source!r} is in more than one split")
        split = "train" if source in ONLY_TRAINED_ON else splits.pop()
        yield Document(source, doc, "\n\n".join(part["text"] for part in parts), split)


def large_licences(folder: Path) -> dict[str, tuple[str, str]]:
    """Source -> licence and where it is from, of the three large files."""
    with find(folder, CORPUS_LICENCES).open(encoding="utf-8", newline="") as file:
        return {
            row["source"]: (row["licence"], f"{row['repository']} @ {row['commit'][:12]}")
            for row in csv.DictReader(file)
        }


def find(folder: Path, name: str) -> Path:
    """`name` in `folder` or in one of its `FOLDERS`.

    Raises:
        DataError: in none of them.
    """
    for part in FOLDERS:
        path = folder / part / name
        if path.is_file():
            return path
    raise DataError(
        f"no {name!r} in {str(folder)!r} nor in its folders lm_text and token_routing",
        hint="give the folder that holds the data sets' files as --data-dir",
    )
