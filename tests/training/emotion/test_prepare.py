"""From parquet files to the training folder, on data small enough to count by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.errors import DataError
from mendgraph.training.emotion.dedupe import distinct_for_evaluation, distinct_for_training, keyed
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.prepare import FOLDER, prepare_emotion
from mendgraph.training.emotion.sources import SPLITS, Example
from mendgraph.training.emotion.tables import read_table, write_table

Row = tuple[str, str]
EVERY = [(f"{label} number", label) for label in LABELS]


def rows_for(split: str) -> list[Row]:
    return [(f"{text} in {split}", label) for text, label in EVERY]


def goemotions(folder: Path, split: str, rows: Sequence[Row]) -> None:
    write_table(
        folder / f"goemotions_{split}.parquet",
        {"text": [text for text, _ in rows], "labels28": [label for _, label in rows]},
        {"text": "string", "labels28": "string"},
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    goemotions(
        tmp_path,
        "train",
        [
            *rows_for("train"),
            ("Joy number in TRAIN!!", "joy"),  # the same text and label: dropped
            ("joy number in train", "love"),  # the same text, another label: stays
            ("what a coincidence", "curiosity"),  # no strict label: stays for the 28-label head
            ("joy number in dev", "joy"),
            ("joy number in test", "joy"),
            ("\x00", "joy"),
        ],
    )
    goemotions(
        tmp_path,
        "dev",
        [
            *rows_for("dev"),
            ("joy number in test", "joy"),
            ("torn", "joy"),
            ("Torn!", "anger"),
            ("so so", "pride"),
        ],
    )
    goemotions(tmp_path, "test", [*rows_for("test"), ("voted", "joy"), ("Voted", "joy"), ("voted.", "anger")])
    return tmp_path


def texts(out: Path, split: str) -> list[str]:
    return read_table(out / FOLDER / f"{split}.parquet", ("text",))["text"]


def test_duplicates_and_leaks_are_dropped_and_counted(data: Path) -> None:
    stages = []
    summary = prepare_emotion(data, data / "out", progress=lambda stage, done, total: stages.append(stage))
    assert summary.read == {"train": 14, "dev": 12, "test": 11}
    assert summary.unreadable == {"train": 1, "dev": 0, "test": 0}
    assert summary.duplicates == {"train": 1, "dev": 0, "test": 2}
    assert summary.ties == {"train": 0, "dev": 2, "test": 0}
    assert summary.leaked == {"train in dev": 2, "train in test": 1, "dev in test": 1}
    assert summary.before["train"]["joy"] == 5
    assert summary.after["train"]["joy"] == 1
    assert summary.after["train"]["love"] == 2
    assert summary.auxiliary == 1
    assert set(stages) == {"read", "deduplicate", "write", "done"}
    assert not set(texts(data / "out", "train")) & {"joy number in dev", "joy number in test"}
    assert texts(data / "out", "test").count("voted") == 1


def test_the_written_columns(data: Path) -> None:
    prepare_emotion(data, data / "out")
    for split in SPLITS:
        table = read_table(data / "out" / FOLDER / f"{split}.parquet", ("text",))
        columns = ["text", "label8", "labels28", "source", "strict"]
        assert list(table) == ([*columns, "train_weight"] if split == "train" else columns)
        assert table["strict"] == [label is not None for label in table["label8"]]
    train = read_table(data / "out" / FOLDER / "train.parquet", ())
    strict = [
        (label, weight) for label, weight in zip(train["label8"], train["train_weight"], strict=True) if label
    ]
    assert sum(weight for _, weight in strict) / len(strict) == pytest.approx(1.0)
    weights = dict(strict)
    assert weights["joy"] / weights["love"] == pytest.approx(2**0.5)
    assert train["train_weight"][train["text"].index("what a coincidence")] == 1.0


def test_the_summary_is_written_twice(data: Path) -> None:
    summary = prepare_emotion(data, data / "out")
    assert json.loads((data / "out" / FOLDER / "summary.json").read_text()) == summary.to_dict()
    page = (data / "out" / FOLDER / "summary.md").read_text()
    assert "| joy | 5 -> 1 | 3 -> 1 | 3 -> 2 |" in page
    assert "train in dev 2, train in test 1, dev in test 1" in page


def test_a_class_without_rows_is_refused(data: Path) -> None:
    goemotions(data, "dev", [row for row in rows_for("dev") if row[1] != "fear"])
    with pytest.raises(DataError, match="no row is left for fear in dev"):
        prepare_emotion(data, data / "out")


def test_carer_joins_all_splits(data: Path) -> None:
    for split in SPLITS:
        write_table(
            data / f"carer_{split}.parquet",
            {"text": [f"i feel {split}", "joy number in test"], "label8": ["fear", "joy"]},
            {"text": "string", "label8": "string"},
        )
    summary = prepare_emotion(data, data / "out", carer=True)
    assert "carer" in summary.sources
    assert summary.after["train"]["fear"] == 2
    assert summary.leaked["train in test"] == 2  # the text stands in both sources
    assert "i feel train" in texts(data / "out", "train")


def test_irony_is_split_and_evaluation_tweets_are_kept_out(data: Path) -> None:
    write_table(
        data / "isarcasm_train.parquet",
        {
            "text": [f"tweet {number}" for number in range(40)],
            "sarcastic": [number % 2 for number in range(40)],
            "rephrase": [f"plain {number}" if number % 2 else None for number in range(40)],
        },
        {"text": "string", "sarcastic": "int8", "rephrase": "string"},
    )
    write_table(
        data / "tweeteval_irony_test.parquet",
        {"text": ["Tweet 3!"], "label_id": [1]},
        {"text": "string", "label_id": "int64"},
    )
    summary = prepare_emotion(data, data / "out")
    assert summary.irony["in evaluation"] == 1
    found = texts(data / "out", "irony_train") + texts(data / "out", "irony_dev")
    assert "tweet 3" not in found
    assert len(found) == len(set(found)) == 59
    assert summary.sources["isarcasm"]["licence"] == "MIT"


def test_without_a_folder_only_the_hub_is_left(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data folder given"):
        prepare_emotion(None, tmp_path)
    with pytest.raises(DataError, match="no data folder given"):
        prepare_emotion(None, tmp_path, hub=True, carer=True)


examples = st.lists(
    st.builds(Example, st.sampled_from(["a", "A!", "b", "c?", "C"]), st.sampled_from(["joy", "fear"]))
)


@given(examples)
def test_evaluation_has_each_text_once(rows: list[Example]) -> None:
    given_rows, _ = keyed(rows)
    kept, ties = distinct_for_evaluation(given_rows)
    assert len({row.key for row in kept}) == len(kept)
    assert {row.key for row in kept} <= {row.key for row in given_rows}
    assert len(kept) + ties <= len(given_rows)


@given(examples)
def test_training_has_each_text_once_per_label(rows: list[Example]) -> None:
    given_rows, _ = keyed(rows)
    kept = distinct_for_training(given_rows)
    assert {(row.key, row.example.label8) for row in kept} == {
        (row.key, row.example.label8) for row in given_rows
    }
    assert distinct_for_training(kept) == kept
