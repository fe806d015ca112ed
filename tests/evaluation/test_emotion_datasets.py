"""What is read, and what is taken out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.errors import DataError, UnknownNameError
from mendgraph.evaluation.emotion.datasets import SETS, balanced_draws, read_datasets, wanted_sets
from mendgraph.training.emotion.labels import LABELS
from tests.evaluation.corpora import SUBJECTS, text_of, write_raw


def test_duplicates_leaks_and_unmapped_rows_leave(tmp_path: Path) -> None:
    told: list[str] = []
    found = read_datasets(write_raw(tmp_path), wanted_sets(()), told.append)
    assert told == []
    assert list(found.sets) == ["goemotions", "carer", "meld", "tweeteval_emotion"]
    main = found.sets["goemotions"]
    assert len(main.texts) == len(main.labels) == len(LABELS) * len(SUBJECTS)
    assert LABELS[main.labels[main.texts.index(text_of("fear", "the rain"))]] == "fear"
    counts = found.counts["goemotions"]
    assert (counts["duplicates"], counts["leaked"], counts["other labels"]) == (1, 0, 1)
    assert found.sets["meld"].texts == ("oh joy", "go away anger")
    assert found.counts["meld"]["leaked"] == 1
    assert found.sets["tweeteval_emotion"].texts == ("so much joy",)
    assert len(found.irony) == 5


def test_a_text_of_the_test_leaves_train_instead(tmp_path: Path) -> None:
    found = read_datasets(write_raw(tmp_path), {"goemotions"}, [].append)
    assert found.train is not None
    assert text_of("joy", "my cat") not in found.train.texts
    assert text_of("joy", "my cat") in found.sets["goemotions"].texts
    assert found.counts["goemotions"]["removed from train"] == 1


def test_goemotions_test_is_required_and_other_files_are_skipped_with_a_word(tmp_path: Path) -> None:
    folder = write_raw(tmp_path)
    for name in ("goemotions_train", "meld_test", "tweeteval_irony_test"):
        (folder / f"{name}.parquet").unlink()
    told: list[str] = []
    found = read_datasets(folder, wanted_sets(()), told.append)
    assert "meld" not in found.sets
    assert found.train is None
    assert found.irony == ()
    assert [line.split(" ")[0] for line in told] == [
        "goemotions_train.parquet",
        "meld_test.parquet",
        "tweeteval_irony_test.parquet",
    ]
    (folder / "goemotions_test.parquet").unlink()
    with pytest.raises(DataError, match="goemotions_test"):
        read_datasets(folder, wanted_sets(()), [].append)
    assert "carer" in read_datasets(folder, {"carer"}, [].append).sets


def test_only_known_sets_can_be_wanted() -> None:
    assert wanted_sets(()) == set(SETS)
    assert wanted_sets(["meld"]) == {"meld"}
    with pytest.raises(UnknownNameError, match=r"test set 'mel'.*did you mean 'meld'"):
        wanted_sets(["mel"])


@given(st.lists(st.integers(0, 7), min_size=1, max_size=60), st.integers(0, 100))
def test_draws_hold_as_many_of_every_class_and_no_row_twice(classes: list[int], seed: int) -> None:
    labels = np.array(classes)
    first, second, again = balanced_draws(labels, [seed, seed + 1, seed])
    counts = np.unique(labels, return_counts=True)[1]
    for rows in (first, second):
        assert len(set(rows.tolist())) == len(rows)
        drawn = np.unique(labels[rows], return_counts=True)[1]
        assert drawn.tolist() == [counts.min()] * len(counts)
    assert first.tolist() == again.tolist()
