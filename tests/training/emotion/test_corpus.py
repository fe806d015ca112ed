from __future__ import annotations

from pathlib import Path

import pytest

from mendgraph.errors import DataError
from mendgraph.training.emotion.corpus import UNKNOWN, read_corpus
from mendgraph.training.emotion.tables import write_table
from tests.training.emotion.corpora import TYPES, write_corpus


def test_rows_carry_the_labels_they_have(tmp_path: Path) -> None:
    corpus = read_corpus(write_corpus(tmp_path), seed=0)
    by_text = {row.text: row for row in corpus.train}
    assert by_text["maybe optimistic"].emotion == UNKNOWN
    assert by_text["maybe optimistic"].fine == (20, 5)
    assert "no idea" not in by_text  # no label of any sort
    assert by_text["yeah right wonderful"].irony == 1
    assert by_text["face with tears of joy"].irony == UNKNOWN
    assert by_text["oh great just what i needed train"].source == "isarcasm"
    assert corpus.class_counts() == [9, 9, 8, 8, 8, 8, 8, 8]
    assert corpus.sources() == {"goemotions": 65, "isarcasm": 8, "augmentation": 3}
    assert all(row.emotion != UNKNOWN for row in corpus.test)
    assert {row.irony for row in corpus.dev} == {UNKNOWN, 0, 1}


def test_limit_and_seed_choose_rows_for_good(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path)
    first, again, other = (read_corpus(folder, seed=seed, limit=20) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert first.sources() == {"goemotions": 20, "isarcasm": 8, "augmentation": 3}


def test_bootstrap_draws_with_replacement_and_leaves_dev_alone(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path)
    plain, drawn = read_corpus(folder, seed=0), read_corpus(folder, seed=0, bootstrap=True)
    assert len(drawn.train) == len(plain.train)
    assert set(drawn.train) < set(plain.train)
    assert drawn.dev == plain.dev
    assert drawn.digest() != plain.digest()


def test_only_train_and_dev_are_needed(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path)
    for name in ("test", "irony_train", "irony_dev", "augmentation"):
        (folder / f"{name}.parquet").unlink()
    corpus = read_corpus(folder, seed=0)
    assert not corpus.has_irony
    assert corpus.test == ()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("label8", "boredom", "dev.parquet, row 0: unknown label 'boredom'"),
        ("labels28", "joy|boredom", "dev.parquet, row 0: unknown label 'boredom'"),
        ("text", "  ", "dev.parquet, row 0: "),
        ("irony", 7, "dev.parquet, row 0: irony must be 0 or 1, got 7"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, column: str, value: object, message: str) -> None:
    folder = write_corpus(tmp_path)
    row = {"text": "fine", "label8": "joy", "labels28": "joy", "irony": 0} | {column: value}
    write_table(folder / "dev.parquet", {name: [part] for name, part in row.items()}, TYPES)
    with pytest.raises(DataError, match=message.replace("|", r"\|")):
        read_corpus(folder, seed=0)


def test_a_split_without_strict_labels_is_refused(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path)
    write_table(folder / "dev.parquet", {"text": ["fine"], "label8": [None]}, TYPES)
    with pytest.raises(DataError, match="no row of dev has one of the eight labels"):
        read_corpus(folder, seed=0)
