"""A small PAIR of our own, in words the tiny tokenizer knows, and a tiny encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mendgraph.config import ReflectionTrainingSpec
from mendgraph.training.emotion.tables import write_table
from mendgraph.training.reflection.corpus import Group, gather
from mendgraph.training.reflection.sources import PairRow
from tests.tiny import WORDS

TYPES = {"prompt_id": "int64", "topic": "string", "prompt": "string", "response": "string", "level": "int8"}
FAST = ReflectionTrainingSpec(
    layers=2, top_layers=1, head_width=8, head_epochs=3, batch_prompts=4, max_length=48, precision="fp32", r=2
)


def pair_rows(prompts: int, *, first: int = 0, seed: int = 0) -> list[PairRow]:
    """Per prompt two high, one medium and three low responses; high ones repeat the prompt's words and go on."""
    noise = np.random.default_rng((seed, first))

    def text(count: int) -> str:
        return " ".join(noise.choice(WORDS, size=count))

    rows = []
    for number in range(first, first + prompts):
        topic = ("smoking", "sleep")[number % 2]
        prompt = f"{text(8)} {number}"
        heard = prompt.split()
        responses = [
            (f"you feel {' '.join(heard[:4])} because {text(4)}", 2),
            (f"you are {' '.join(heard[2:6])} and so {text(4)}", 2),
            (f"you {' '.join(heard[:3])}", 1),
            (f"why not {text(5)} ?", 0),
            (f"i think {text(6)}", 0),
            (f"{text(4)} ?", 0),
        ]
        rows += [
            PairRow(number, topic, prompt, f"{response} {number}", level) for response, level in responses
        ]
    return rows


def groups(prompts: int, **more: int) -> tuple[Group, ...]:
    return gather(pair_rows(prompts, **more))


def write_pair(folder: Path, split: str, rows: list[PairRow]) -> None:
    columns = {name: [getattr(row, name) for row in rows] for name in TYPES}
    write_table(folder / f"pair_{split}.parquet", columns, TYPES)


def write_annomi(folder: Path, split: str, sessions: int) -> None:
    """Sessions of six turns, of every level."""
    noise = np.random.default_rng(sessions)
    rows = [(session, turn % 3) for session in range(sessions) for turn in range(6)]
    columns = {
        "transcript_id": [session for session, _ in rows],
        "prev_client": [" ".join(noise.choice(WORDS, size=6)) for _ in rows],
        "response": [" ".join(noise.choice(WORDS, size=3 + 3 * level)) for _, level in rows],
        "level": [level for _, level in rows],
    }
    types = {"transcript_id": "int64", "prev_client": "string", "response": "string", "level": "int8"}
    write_table(folder / f"annomi_{split}.parquet", columns, types)
