"""The store of corrections, alone and shared between threads and processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.values import Answer, Attempt, Failure, Prediction
from mendgraph.errors import DataError, UnknownNameError
from mendgraph.runtime.corrections import CorrectionStore
from mendgraph.testing import LABELS, scores_for

SAID = Answer(
    "text",
    "accepted",
    "joy",
    "joy",
    scores_for("joy", 0.9),
    0.9,
    source="primary",
    trail=(
        Attempt("broken", failure=Failure("tier", "no")),
        Attempt("primary", Prediction("joy", scores_for("joy", 0.9), 0.9)),
    ),
)


@pytest.fixture
def store(tmp_path: Path) -> CorrectionStore:
    return CorrectionStore(tmp_path / "deep" / "corrections.sqlite", LABELS)


def test_what_is_added_comes_back_whole_and_in_order(store: CorrectionStore) -> None:
    added = [store.add("b", "love", SAID, 2.0), store.add("a", "fear", SAID, 1.0)]
    assert store.all() == added
    assert store.count() == 2
    assert added[0].answer == SAID


def test_a_later_correction_of_a_text_replaces_the_earlier(store: CorrectionStore) -> None:
    first = store.add("a", "love", SAID, 1.0)
    store.add("b", "joy", SAID, 2.0)
    second = store.add("a", "fear", SAID, 3.0)
    assert second.id == first.id
    assert [(c.text, c.label, c.at) for c in store.all()] == [("a", "fear", 3.0), ("b", "joy", 2.0)]


def test_removing_forgets_one(store: CorrectionStore) -> None:
    kept, gone = store.add("a", "love", SAID, 1.0), store.add("b", "fear", SAID, 2.0)
    assert store.remove(gone.id)
    assert not store.remove(gone.id)
    assert store.all() == [kept]


def test_graphs_do_not_see_each_other(store: CorrectionStore) -> None:
    other = CorrectionStore(store.path, ("high", "low"), graph="reflection")
    store.add("a", "love", SAID, 1.0)
    theirs = other.add("a", "low", SAID, 1.0)
    assert not store.remove(theirs.id)
    assert (store.count(), other.count()) == (1, 1)


def test_only_labels_and_texts_are_accepted(store: CorrectionStore) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown label 'happy'; known: anger, "):
        store.add("a", "happy", SAID, 1.0)
    with pytest.raises(DataError, match="needs a text, got a blank one"):
        store.add(" \n", "joy", SAID, 1.0)
    assert store.count() == 0


@given(st.text().filter(str.strip))
def test_any_text_can_be_stored(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = CorrectionStore(Path(folder) / "c.sqlite", LABELS)
        added = store.add(text, "joy", SAID, 1.0)
        assert store.all() == [added]
        assert added.text == text.encode("utf-8", "replace").decode("utf-8")


def test_a_file_that_is_no_database_is_a_data_error(tmp_path: Path) -> None:
    path = tmp_path / "corrections.sqlite"
    path.write_text("not a database, but long enough to be read as one" * 100)
    with pytest.raises(DataError, match="file is not a database"):
        CorrectionStore(path, LABELS).all()


def test_threads_lose_nothing(store: CorrectionStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.add(f"text {n}", "joy", SAID, n), range(40)))
    assert {c.text for c in store.all()} == {f"text {n}" for n in range(40)}


def test_processes_lose_nothing(store: CorrectionStore) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from mendgraph.core.values import Answer\n"
        "from mendgraph.runtime.corrections import CorrectionStore\n"
        "store = CorrectionStore(Path(sys.argv[1]), ('joy',))\n"
        "for n in range(25): store.add(f'{sys.argv[2]} {n}', 'joy', Answer('x', 'abstained'), 1.0)\n"
    )
    several = [subprocess.Popen([sys.executable, "-c", program, str(store.path), str(n)]) for n in range(3)]
    assert [process.wait(timeout=120) for process in several] == [0, 0, 0]
    assert store.count() == 75


def test_a_writer_that_crashed_in_the_middle_leaves_no_trace(store: CorrectionStore) -> None:
    store.add("a", "joy", SAID, 1.0)
    half = sqlite3.connect(store.path)
    half.execute("DELETE FROM corrections")
    half.close()  # without a commit
    assert store.count() == 1
