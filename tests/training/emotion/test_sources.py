"""Readers of the public data sets, on small files in the same schema."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from mendgraph.errors import DataError, HubUnavailable, MendError
from mendgraph.training.emotion.labels import GOEMOTIONS
from mendgraph.training.emotion.sources import (
    Example,
    Irony,
    read_carer,
    read_goemotions,
    read_goemotions_hub,
    read_isarcasm,
    read_meld,
    read_tweeteval_emotion,
    read_tweeteval_irony,
)
from mendgraph.training.emotion.tables import read_table, write_table


def goemotions(folder: Path, **extra: list[str | None]) -> None:
    columns: dict[str, list[Any]] = {
        "text": ["yay", "thanks, haha", "ugh", "why"],
        "labels28": ["joy|excitement", "gratitude|amusement", "anger|sadness", "curiosity"],
        **extra,
    }
    write_table(folder / "goemotions_train.parquet", columns, dict.fromkeys(columns, "string"))


def test_goemotions_is_mapped_by_the_strict_map(tmp_path: Path) -> None:
    goemotions(tmp_path, label8_strict=["joy", None, None, None], label8=["joy", "joy", None, "surprise"])
    rows = read_goemotions(tmp_path, "train")
    assert [row.label8 for row in rows] == ["joy", None, None, None]
    assert rows[1] == Example("thanks, haha", None, "gratitude|amusement", "goemotions")


@pytest.mark.parametrize("column", ["label8_strict", "label8"])
def test_a_file_made_with_another_map_is_refused(tmp_path: Path, column: str) -> None:
    goemotions(tmp_path, **{column: ["love", None, None, None]})
    with pytest.raises(
        DataError, match=f"row 0: {column} is 'love', but 'joy|excitement' maps to 'joy'".replace("|", r"\|")
    ):
        read_goemotions(tmp_path, "train")


def test_unknown_fine_labels_are_refused(tmp_path: Path) -> None:
    write_table(
        tmp_path / "goemotions_dev.parquet",
        {"text": ["a"], "labels28": ["joy|glee"]},
        {"text": "string", "labels28": "string"},
    )
    with pytest.raises(DataError, match="'glee' is none of GoEmotions' 28 labels"):
        read_goemotions(tmp_path, "dev")


@pytest.mark.parametrize(
    ("read", "name"),
    [(read_carer, "carer"), (read_meld, "meld"), (read_tweeteval_emotion, "tweeteval_emotion")],
)
def test_sets_with_eight_labels(tmp_path: Path, read: Any, name: str) -> None:
    types = {"text": "string", "label8": "string"}
    write_table(tmp_path / f"{name}_test.parquet", {"text": ["a", "b"], "label8": ["joy", None]}, types)
    assert read(tmp_path, "test") == [Example("a", "joy", source=name), Example("b", None, source=name)]
    write_table(tmp_path / f"{name}_test.parquet", {"text": ["a"], "label8": ["glee"]}, types)
    with pytest.raises(DataError, match="label 'glee' is outside joy"):
        read(tmp_path, "test")


def test_irony_sets(tmp_path: Path) -> None:
    write_table(
        tmp_path / "isarcasm_train.parquet",
        {"text": ["sure", "ok"], "sarcastic": [1, 0], "rephrase": ["no", None]},
        {"text": "string", "sarcastic": "int8", "rephrase": "string"},
    )
    write_table(
        tmp_path / "tweeteval_irony_dev.parquet",
        {"text": ["nice"], "label_id": [1]},
        {"text": "string", "label_id": "int64"},
    )
    assert read_isarcasm(tmp_path) == [Irony("sure", 1, "no"), Irony("ok", 0)]
    assert read_tweeteval_irony(tmp_path, "dev") == [Irony("nice", 1)]


def test_missing_files_columns_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"carer_dev\.parquet' is not there") as caught:
        read_carer(tmp_path, "dev")
    assert "--data-dir" in caught.value.hint
    write_table(tmp_path / "carer_dev.parquet", {"words": ["a"]}, {"words": "string"})
    with pytest.raises(DataError, match="column 'text' is missing, found words"):
        read_carer(tmp_path, "dev")
    (tmp_path / "carer_dev.parquet").write_bytes(b"PAR1 cut")
    with pytest.raises(DataError, match="no readable parquet file"):
        read_carer(tmp_path, "dev")


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MendError, match="needs pyarrow") as caught:
        read_table(tmp_path / "x.parquet", ())
    assert "mendgraph[train]" in caught.value.hint


class HubRows(dict[str, list[Any]]):
    features = {"labels": SimpleNamespace(feature=SimpleNamespace(names=list(GOEMOTIONS)))}  # noqa: RUF012


def hub(monkeypatch: pytest.MonkeyPatch, load: Any) -> None:
    module = ModuleType("datasets")
    module.load_dataset = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)


def test_the_hub_gives_the_same_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(*args: str, **options: str) -> HubRows:
        asked.append((args, options))
        return HubRows(text=["yay", "hm"], labels=[[GOEMOTIONS.index("joy")], [7, 8]])

    hub(monkeypatch, load)
    assert read_goemotions_hub("dev") == [
        Example("yay", "joy", "joy", "goemotions"),
        Example("hm", None, "curiosity|desire", "goemotions"),
    ]
    assert asked == [(("google-research-datasets/go_emotions", "simplified"), {"split": "validation"})]


def test_an_unreachable_hub_points_at_local_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*args: str, **options: str) -> HubRows:
        raise ConnectionError("offline")

    hub(monkeypatch, load)
    with pytest.raises(HubUnavailable, match="cannot be had from the hub: offline") as caught:
        read_goemotions_hub("test")
    assert "--data-dir" in caught.value.hint


def test_without_datasets_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MendError, match="needs the package 'datasets'") as caught:
        read_goemotions_hub("train")
    assert "mendgraph[train]" in caught.value.hint
