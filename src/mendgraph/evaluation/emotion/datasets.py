"""The test sets, read from the folder of raw data; nothing a model was trained on is left in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mendgraph.core.arrays import IntArray
from mendgraph.errors import UnknownNameError
from mendgraph.training.emotion.dedupe import (
    Keyed,
    distinct_for_evaluation,
    distinct_for_training,
    keyed,
    without,
)
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.sources import (
    Example,
    Irony,
    read_carer,
    read_goemotions,
    read_meld,
    read_tweeteval_emotion,
    read_tweeteval_irony,
)

MAIN = "goemotions"
SETS = (MAIN, "balanced", "carer", "meld", "tweeteval_emotion", "contrast", "irony")
"""Names that `only` may hold.  ``balanced`` is drawn from GoEmotions and CARER."""

TITLES = {
    MAIN: "GoEmotions test, strict map",
    "carer": "CARER test",
    "meld": "MELD test",
    "tweeteval_emotion": "TweetEval emotion test",
}
_READERS: dict[str, Callable[[Path, str], list[Example]]] = {
    "carer": read_carer,
    "meld": read_meld,
    "tweeteval_emotion": read_tweeteval_emotion,
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts with their true classes: `labels` (N,) are indices into `LABELS`."""

    name: str
    title: str
    texts: tuple[str, ...]
    labels: IntArray


@dataclass(frozen=True, slots=True)
class Datasets:
    """What the folder held.

    Attributes:
        sets: eight-class test sets, GoEmotions first.
        train: GoEmotions train without the texts of its dev and test; None where the file is missing.
        dev: GoEmotions dev without the texts of its test; None where the file is missing.
        irony: TweetEval irony test; empty where it is missing or not wanted.
        counts: set -> rows read, unreadable, duplicates, ties, leaks and rows left.
    """

    sets: dict[str, Labelled]
    train: Labelled | None
    dev: Labelled | None
    irony: tuple[Irony, ...]
    counts: dict[str, dict[str, int]]


def read_datasets(data_dir: Path, wanted: Collection[str], echo: Callable[[str], None]) -> Datasets:
    """GoEmotions test must be there if `wanted`; other missing files are skipped with a word.

    Duplicates and leaks are treated as the data preparation does: one row per text with its majority label, and
    a text of GoEmotions' test leaves train, not test.  Texts of the other sources that stand in GoEmotions'
    train or dev leave those sources.

    Raises:
        DataError: a file is malformed, or GoEmotions test is missing.
    """
    counts: dict[str, dict[str, int]] = {}
    sets: dict[str, Labelled] = {}
    needs_main = bool({MAIN, "balanced"} & set(wanted))
    test: list[Keyed] = []
    if needs_main:
        test, unreadable = keyed(read_goemotions(data_dir, "test"))
    dev = keyed(read_goemotions(data_dir, "dev"))[0] if _there(data_dir, "goemotions_dev") else []
    raw_train: list[Keyed] = []
    if _there(data_dir, "goemotions_train"):
        raw_train = keyed(read_goemotions(data_dir, "train"))[0]
    else:
        echo("goemotions_train.parquet is not there: no TF-IDF baseline, and no check for leaks from it")
    in_dev, in_test, in_train = ({row.key for row in rows} for rows in (dev, test, raw_train))
    train = without(distinct_for_training(raw_train), in_dev | in_test)
    if needs_main:
        sets[MAIN], counts[MAIN] = _test_set(MAIN, test, unreadable, forbidden=set())
        counts[MAIN]["removed from train"] = len(raw_train) - len(without(raw_train, in_test))
    for name, read in _READERS.items():
        if name not in wanted and not (name == "carer" and "balanced" in wanted):
            continue
        if not _there(data_dir, f"{name}_test"):
            echo(f"{name}_test.parquet is not there: skipped")
            continue
        rows, unreadable = keyed(read(data_dir, "test"))
        sets[name], counts[name] = _test_set(name, rows, unreadable, forbidden=in_train | in_dev)
    irony: Sequence[Irony] = ()
    if "irony" in wanted:
        if _there(data_dir, "tweeteval_irony_test"):
            irony = read_tweeteval_irony(data_dir, "test")
        else:
            echo("tweeteval_irony_test.parquet is not there: skipped")
    held_out = without(distinct_for_evaluation(dev)[0], in_test)
    return Datasets(
        sets,
        _known("train", "GoEmotions train", train),
        _known("dev", "GoEmotions dev", held_out),
        tuple(irony),
        counts,
    )


def wanted_sets(only: Sequence[str]) -> frozenset[str]:
    """All sets when `only` is empty; raises `UnknownNameError` for a name that is none."""
    for name in only:
        if name not in SETS:
            raise UnknownNameError("test set", name, SETS)
    return frozenset(only or SETS)


def balanced_draws(labels: IntArray, seeds: Sequence[int]) -> list[IntArray]:
    """For each seed the rows of a sample with as many of every class as the rarest has; no row twice."""
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    size = min(map(len, classes))
    draws = []
    for seed in seeds:
        generator = np.random.default_rng(seed)
        picked = [generator.choice(rows, size, replace=False) for rows in classes]
        draws.append(np.sort(np.concatenate(picked)).astype(np.int64))
    return draws


def _test_set(
    name: str, rows: Sequence[Keyed], unreadable: int, *, forbidden: set[str]
) -> tuple[Labelled, dict[str, int]]:
    distinct, ties = distinct_for_evaluation(rows)
    clean = without(distinct, forbidden)
    known = [row.example for row in clean if row.example.label8]
    counts = {
        "read": len(rows) + unreadable,
        "unreadable": unreadable,
        "duplicates": len(rows) - len(distinct) - ties,
        "ties": ties,
        "leaked": len(distinct) - len(clean),
        "other labels": len(clean) - len(known),
        "rows": len(known),
    }
    return _labelled(name, TITLES[name], known), counts


def _known(name: str, title: str, rows: Sequence[Keyed]) -> Labelled | None:
    """The rows that have one of the eight labels; None without any."""
    known = [row.example for row in rows if row.example.label8]
    return _labelled(name, title, known) if known else None


def _labelled(name: str, title: str, examples: Sequence[Example]) -> Labelled:
    labels = [LABELS.index(example.label8) for example in examples if example.label8]
    return Labelled(
        name, title, tuple(example.text for example in examples), np.array(labels, dtype=np.int64)
    )


def _there(data_dir: Path, name: str) -> bool:
    return (data_dir / f"{name}.parquet").is_file()
