"""Question sets beside the held-out text, under the names of the reference document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mendgraph.errors import DataError, UnknownNameError
from mendgraph.training.emotion.tables import read_table
from mendgraph.training.lm.formats import question_answer, steps_and_result
from mendgraph.training.lm.sources import find
from mendgraph.training.token_routing.passages import Passage

Row = Mapping[str, Any]

HELD_OUT = "heldout"


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A set of questions with answers; read where its file is in the data folder.

    Attributes:
        hub: its name in the reference document.
        files: names under which it may lie there, parquet or JSON lines.
    """

    name: str
    hub: str
    domain: str
    files: tuple[str, ...]
    read: Callable[[Row], str]


def _gsm8k(row: Row) -> str:
    return question_answer(row["question"], steps_and_result(row["solution"]))


def _boolq(row: Row) -> str:
    return question_answer(row["question"], "yes" if str(row["answer"]).lower() in ("true", "yes") else "no")


def _medqa(row: Row) -> str:
    return question_answer(row["question"], str(row["answer"]))


SETS = {
    one.name: one
    for one in (
        QuestionSet("gsm8k", "cola13/gsm8k_formatted", "math", ("gsm8k_train.parquet",), _gsm8k),
        QuestionSet(
            "medqa", "cola13/medqa_formatted", "medical", ("medqa_train.parquet", "medqa_train.jsonl"), _medqa
        ),
        QuestionSet("boolq", "cola13/boolq_formatted", "general", ("boolq_noctx_train.parquet",), _boolq),
    )
}
"""The embedded experts were trained on GSM8K's and BoolQ's train questions, so routers learn less from them."""


def question_sets(data_dir: Path) -> list[Passage]:
    """The sets that are in the folder, one passage per question, all of them in train."""
    found: list[Passage] = []
    for one in SETS.values():
        for file in one.files:
            try:
                path = find(data_dir, file)
            except DataError:
                continue
            for number, row in enumerate(_rows(path)):
                found.append(
                    Passage(f"{one.name}-{number}", one.name, "train", (one.read(row),), (one.domain,))
                )
            break
    return found


def chosen(datasets: Sequence[str]) -> tuple[frozenset[str], bool]:
    """(names of question sets, whether held-out text is in) of what ``--datasets`` names.

    A set may be given by its own name or by that of the reference document.

    Raises:
        UnknownNameError: none of them.
    """
    names = {one.hub: one.name for one in SETS.values()} | {name: name for name in (*SETS, HELD_OUT)}
    for name in datasets:
        if name not in names:
            raise UnknownNameError("data set", name, names)
    wanted = {names[name] for name in datasets} or {HELD_OUT}
    return frozenset(wanted - {HELD_OUT}), HELD_OUT in wanted


def _rows(path: Path) -> Iterator[Row]:
    if path.suffix == ".jsonl":
        with path.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.strip())
        return
    table = read_table(path, ("question",))
    for number in range(len(table["question"])):
        yield {name: values[number] for name, values in table.items()}
