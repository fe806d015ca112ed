"""The rows this project wrote for training."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mendgraph.core import emojis
from mendgraph.core.text import simplify
from mendgraph.training.emotion.augment import SIZES, Augmented, augment, write_augmentation
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.tables import read_table


@pytest.fixture(scope="module")
def rows() -> list[Augmented]:
    return augment(seed=0)


def test_sizes_families_and_labels(rows: list[Augmented]) -> None:
    assert Counter(row.family for row in rows) == SIZES
    assert len(rows) == sum(SIZES.values())
    assert {row.label8 for row in rows} == set(LABELS)


def test_all_rows_are_distinct_and_complete_sentences(rows: list[Augmented]) -> None:
    assert len({simplify(row.text) for row in rows}) == len(rows)
    assert not any("{" in row.text or "}" in row.text for row in rows)


def test_no_single_text_pattern_dominates_a_family(rows: list[Augmented]) -> None:
    for family, size in SIZES.items():
        openings = Counter(" ".join(row.text.split()[:3]) for row in rows if row.family == family)
        assert openings.most_common(1)[0][1] <= 0.15 * size


def test_the_seed_decides(rows: list[Augmented]) -> None:
    assert augment(seed=0) == rows
    assert augment(seed=1) != rows


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_another_process_writes_the_same_rows(rows: list[Augmented], hash_seed: str) -> None:
    code = "from mendgraph.training.emotion.augment import augment; print([row.text for row in augment(0)])"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
    )
    assert ast.literal_eval(run.stdout.decode("utf-8")) == [row.text for row in rows]


def test_irony_cannot_be_read_from_the_label_alone(rows: list[Augmented]) -> None:
    sarcasm = Counter((row.irony, row.label8) for row in rows if row.family == "sarcasm")
    assert set(sarcasm) == {(1, "anger"), (0, "joy"), (0, "anger"), (0, "neutral")}
    ironic = sum(count for (irony, _), count in sarcasm.items() if irony == 1)
    assert 0.4 <= ironic / SIZES["sarcasm"] <= 0.6


def test_the_emoji_family_has_rows_of_only_emoji_for_every_label(rows: list[Augmented]) -> None:
    only = {row.label8 for row in rows if row.family == "emoji" and emojis.only_emoji(row.text)}
    assert only == set(LABELS)


def test_written_and_read_back(rows: list[Augmented], tmp_path: Path) -> None:
    write_augmentation(tmp_path / "a.parquet", rows)
    table = read_table(tmp_path / "a.parquet", ("text", "label8", "irony", "family"))
    columns = zip(table["text"], table["label8"], table["irony"], table["family"], strict=True)
    assert [Augmented(*row) for row in columns] == rows
