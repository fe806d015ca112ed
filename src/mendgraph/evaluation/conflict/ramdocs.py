"""Answers on RAMDocs (Wang et al. 2025): real passages, with misinformation and noise among them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.answers import normal_form
from mendgraph.core.arrays import BoolArray
from mendgraph.core.conflict import Document
from mendgraph.core.metrics import bootstrap_interval, mcnemar
from mendgraph.errors import DataError
from mendgraph.evaluation.conflict.answers import in_percent, passes
from mendgraph.evaluation.conflict.readings import Readings
from mendgraph.evaluation.conflict.said import ALWAYS, HYBRID, PLAIN
from mendgraph.evaluation.report import Section, Table, number, percent
from mendgraph.training.emotion.tables import read_table

__all__ = ["RAMDOCS_QUESTIONS", "Retrieved", "exact_match", "ramdocs_section", "read_questions"]

RAMDOCS_QUESTIONS: Final = "ramdocs_dev.parquet"
_COLUMNS: Final = ("qid", "question", "documents", "gold_answers", "wrong_answers")
_NO_ANSWER: Final = "unknown"
SHOWN: Final = "hybrid, all sides it shows"


@dataclass(frozen=True, slots=True)
class Retrieved:
    """One question.

    Attributes:
        answers: what each document answers; None for noise.
        gold: right answers, one for each thing of the name that is asked about.
        wrong: what misinformation answers.
    """

    question: str
    documents: Sequence[Document]
    answers: Sequence[str | None]
    gold: Sequence[str]
    wrong: Sequence[str]


def read_questions(folder: Path, most: int | None = None) -> list[Retrieved]:
    """
    Raises:
        DataError: the file is missing or malformed.
    """
    table = read_table(folder / RAMDOCS_QUESTIONS, _COLUMNS)
    found = []
    for row in range(len(table["qid"]))[:most]:
        try:
            documents, gold, wrong = (json.loads(table[name][row]) for name in _COLUMNS[2:])
            texts = [(str(one["text"]), str(one["answer"])) for one in documents]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{RAMDOCS_QUESTIONS}: row {row} cannot be read: {error}") from error
        read = [(text, answer) for text, answer in texts if text.strip()]
        found.append(
            Retrieved(
                table["question"][row],
                [Document(f"d{place}", text) for place, (text, _) in enumerate(read, 1)],
                [None if answer == _NO_ANSWER else answer for _, answer in read],
                gold,
                wrong,
            )
        )
    if not found:
        raise DataError(f"{RAMDOCS_QUESTIONS} is empty")
    return found


def exact_match(text: str, one: Retrieved, *, every: bool) -> bool:
    """Whether the text has the right answers as whole words, one or `every`, and none of the wrong ones."""
    has = [_has(text, answer) for answer in one.gold]
    return (all(has) if every else any(has)) and not any(_has(text, answer) for answer in one.wrong)


def ramdocs_section(rows: Sequence[Retrieved], readings: Readings, resamples: int, seed: int = 0) -> Section:
    texts: dict[str, list[str]] = {
        f"{name}, answers known": [choose(one.answers) for one in rows] for name, choose in _KNOWN.items()
    }
    texts |= {name: [one.text for one in said] for name, said in readings.said.items() if name != ALWAYS}
    if readings.hybrid is not None:
        texts[SHOWN] = [
            one.said.text if one.accepted or not one.sides else "; ".join(one.sides)
            for one in readings.hybrid
        ]
    misled = np.array([bool(one.wrong) for one in rows])
    figures: dict[str, dict[str, object]] = {}
    cells = []
    for name, said in texts.items():
        one_of, every = (
            np.array([exact_match(text, row, every=strict) for text, row in zip(said, rows, strict=True)])
            for strict in (False, True)
        )
        wrong = np.array(
            [any(_has(text, bad) for bad in row.wrong) for text, row in zip(said, rows, strict=True)]
        )
        measured = {
            "one right, none wrong": one_of,
            "all right, none wrong": every,
            "with misinformation": one_of[misled],
        }
        figures[name] = {what: _figure(right, resamples, seed) for what, right in measured.items()}
        figures[name]["misled"] = float(wrong[misled].mean()) if misled.any() else float("nan")
        spent = float(passes(readings, name).mean()) if name in readings.said else float("nan")
        figures[name]["passes"] = spent
        cells.append(
            (
                name,
                *(in_percent(*_figure(right, resamples, seed)) for right in measured.values()),
                percent(figures[name]["misled"]),  # type: ignore[arg-type]  # a share
                number(spent, 2),
            )
        )
    if HYBRID in texts:
        hybrid, plain = (
            np.array(
                [exact_match(text, row, every=False) for text, row in zip(texts[name], rows, strict=True)]
            )
            for name in (HYBRID, PLAIN)
        )
        figures["McNemar, hybrid against plain"] = {"test": mcnemar(hybrid, plain)}
    cut = int(readings.cut.sum())
    vouched = ""
    if readings.hybrid is not None:
        believed = np.array([one.accepted for one in readings.hybrid])
        right = np.array(
            [
                exact_match(one.said.text, row, every=False)
                for one, row in zip(readings.hybrid, rows, strict=True)
            ]
        )
        counts = int(believed.sum()), int(right[believed].sum())
        figures["vouched for"] = {"answers": counts[0], "right": counts[1]}
        vouched = f" {HYBRID} vouches for {counts[0]:,} answers, {counts[1]:,} of them right."
    table = Table(
        f"RAMDocs: {len(rows):,} questions on real passages",
        (
            "system",
            "one right, none wrong",
            "all right, none wrong",
            "one right, misinformed",
            "misled",
            "passes",
        ),
        tuple(cells),
        "Percent. An answer is there where its words are; all right, none wrong is the paper's exact match, which one "
        f"short answer cannot reach where several are right. Misinformed: {int(misled.sum()):,} questions with "
        f"misinformation; misled: a wrong answer among what is said there. {cut:,} of {len(rows):,} contexts did not "
        f"fit into the reader's and were cut where it reads all documents at once.{vouched}",
    )
    figures["cut"] = {"questions": cut, "of": len(rows)}
    return Section("ramdocs", (table,), figures)


def _figure(right: BoolArray, resamples: int, seed: int) -> tuple[float, tuple[float, float]]:
    if not len(right):
        return float("nan"), (float("nan"), float("nan"))
    return float(right.mean()), bootstrap_interval(
        _mean, right.astype(np.float64), seed=seed, resamples=resamples
    )


def _has(text: str, answer: str) -> bool:
    wanted = normal_form(answer)
    return bool(wanted) and f" {wanted} " in f" {normal_form(text)} "


def _first(answers: Sequence[str | None]) -> str:
    return next((answer for answer in answers if answer is not None), "")


def _most(answers: Sequence[str | None]) -> str:
    said = Counter(answer for answer in answers if answer is not None)
    return said.most_common(1)[0][0] if said else ""


def _all(answers: Sequence[str | None]) -> str:
    return "; ".join(answer for answer in answers if answer is not None)


def _mean(values: ArrayLike) -> float:
    return float(np.mean(np.asarray(values, dtype=np.float64)))


_KNOWN: Final[dict[str, Callable[[Sequence[str | None]], str]]] = {
    "first document": _first,
    "majority": _most,
    "every document": _all,
}
"""What could be said if every document's answer were known."""
