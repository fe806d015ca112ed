"""Readers of the public data sets: PAIR for training, AnnoMI for evaluation only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mendgraph.core.reflection import LABELS
from mendgraph.errors import DataError
from mendgraph.training.emotion.tables import read_table

SPLITS = ("train", "dev")

# name -> (citation, licence); the model card and the manifest quote it.
PROVENANCE = {
    "pair": (
        "PAIR, Min et al., EMNLP 2022; file topic_clean_umich.csv of MichiganNLP/dynaopt (Min et al., COLING 2024)",
        "Apache-2.0",
    ),
    "annomi": (
        "AnnoMI, Wu et al., ICASSP 2022",
        "no licence file; evaluation only, never in shipped weights",
    ),
}


@dataclass(frozen=True, slots=True)
class PairRow:
    """One response to one client prompt; `level` is an index of `LABELS`."""

    prompt_id: int
    topic: str
    prompt: str
    response: str
    level: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One counsellor turn of a real session, with the client turn before it."""

    transcript_id: int
    prompt: str
    response: str
    level: int


def read_pair(data_dir: Path, split: str) -> list[PairRow]:
    """Columns prompt_id, topic, prompt, response, level of ``pair_<split>.parquet``."""
    path = data_dir / f"pair_{split}.parquet"
    table = read_table(path, ("prompt_id", "topic", "prompt", "response", "level"))
    rows = [
        PairRow(int(number), topic or "other", prompt, response, level)
        for number, topic, prompt, response, level in zip(
            table["prompt_id"],
            table["topic"],
            _texts(table, "prompt", path),
            _texts(table, "response", path),
            _levels(table, path),
            strict=True,
        )
    ]
    seen: dict[int, str] = {}
    for row in rows:
        if seen.setdefault(row.prompt_id, row.prompt) != row.prompt:
            raise DataError(f"{path.name}: prompt_id {row.prompt_id} stands for two different prompts")
    return rows


def read_annomi(data_dir: Path, split: str) -> list[Turn]:
    """Columns transcript_id, prev_client, response, level of ``annomi_<split>.parquet``; empty turns left out."""
    path = data_dir / f"annomi_{split}.parquet"
    table = read_table(path, ("transcript_id", "prev_client", "response", "level"))
    rows = zip(
        table["transcript_id"], table["prev_client"], table["response"], _levels(table, path), strict=True
    )
    return [
        Turn(int(number), prompt.strip(), response.strip(), level)
        for number, prompt, response, level in rows
        if prompt and response and prompt.strip() and response.strip()
    ]


def _texts(table: dict[str, list[Any]], column: str, path: Path) -> list[str]:
    texts = [str(text or "").strip() for text in table[column]]
    if "" in texts:
        raise DataError(
            f"{path.name}, row {texts.index('')}: {column} is empty", hint="drop rows without text"
        )
    return texts


def _levels(table: dict[str, list[Any]], path: Path) -> Sequence[int]:
    wrong = [
        row for row, level in enumerate(table["level"]) if level not in range(len(LABELS)) or level is None
    ]
    if wrong:
        raise DataError(
            f"{path.name}, row {wrong[0]}: level {table['level'][wrong[0]]!r} is none of 0, 1, 2",
            hint="0 none, 1 simple, 2 complex",
        )
    return [int(level) for level in table["level"]]
