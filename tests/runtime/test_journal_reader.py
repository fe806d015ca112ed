"""Queries, pruning and checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.values import Answer
from mendgraph.errors import JournalError
from mendgraph.runtime.journal_care import check, prune
from mendgraph.runtime.journal_reader import JournalReader, Wanted
from mendgraph.runtime.sqlite_journal import SqliteJournal
from tests.runtime.records import answer, run

ASKS = Answer("Na so was", "needs_clarification", best_guess="fear", confidence=0.4, options=("fear", "joy"))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journals") / "journal.sqlite"
    with SqliteJournal(path) as journal:
        journal.record(run("2025-b", at=200.0, rows=2), {0: answer("Straße"), 1: ASKS})
        journal.record(run("2024-a", at=100.0), {0: answer("older", "anger")})
        journal.record(run("2025-c", at=300.0, graph="reflection"), {0: Answer("", "failed")})
    return path


@pytest.fixture
def reader(path: Path) -> Iterator[JournalReader]:
    with JournalReader(path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), ["older", "Straße", "Na so was", ""]),
        (Wanted(status="needs_clarification"), ["Na so was"]),
        (Wanted(label="anger"), ["older"]),
        (Wanted(label="fear"), ["Na so was"]),
        (Wanted(tier="primary"), ["older", "Straße"]),
        (Wanted(tier="nobody"), []),
        (Wanted(source="backup", since=150.0), ["Straße"]),
        (Wanted(failure="deadline"), ["older", "Straße"]),
        (Wanted(since=200.0, until=300.0), ["Straße", "Na so was"]),
        (Wanted(contains="STRASSE"), ["Straße"]),
        (Wanted(contains="o%"), []),
        (Wanted(graph="reflection"), [""]),
        (Wanted(run="2024-a"), ["older"]),
    ],
    ids=str,
)
def test_rows_are_found_by_what_is_wanted(reader: JournalReader, wanted: Wanted, expected: list[str]) -> None:
    assert [entry.answer.input for entry in reader.rows(wanted)] == expected


def test_the_newest_rows_come_first_on_request(reader: JournalReader) -> None:
    assert [e.answer.input for e in reader.rows(limit=2, newest=True)] == ["", "Straße"]


def test_runs_are_found_by_id_prefix_and_last(reader: JournalReader) -> None:
    assert [r.id for r in reader.runs()] == ["2024-a", "2025-b", "2025-c"]
    assert [r.id for r in reader.runs(graph="emotion", since=150.0)] == ["2025-b"]
    assert (reader.find("last").id, reader.find("2024").id, reader.find("2025-c").id) == (
        "2025-c",
        "2024-a",
        "2025-c",
    )
    with pytest.raises(JournalError, match=r"several runs begin with '2025': 2025-b, 2025-c \(give more"):
        reader.find("2025")
    with pytest.raises(JournalError, match="no run '2%'"):
        reader.find("2%")


def test_an_id_that_begins_another_is_found(tmp_path: Path) -> None:
    with SqliteJournal(tmp_path / "j") as journal:
        for name in ("ab", "a", "abc"):
            journal.record(run(name), {0: answer()})
    with JournalReader(tmp_path / "j") as reader:
        assert reader.find("a").id == "a"
        assert reader.find("ab").id == "ab"


def test_texts_that_are_not_kept_cannot_be_searched(tmp_path: Path) -> None:
    SqliteJournal(tmp_path / "j", text="omitted").close()
    with JournalReader(tmp_path / "j") as reader:
        with pytest.raises(JournalError, match="keeps its texts omitted: they cannot be searched"):
            list(reader.rows(Wanted(contains="x")))
        with pytest.raises(JournalError, match="holds no run yet"):
            reader.find("last")


@given(ages=st.lists(st.floats(0, 1000), max_size=12), before=st.floats(0, 1000))
def test_pruning_deletes_exactly_the_older_runs(
    tmp_path_factory: pytest.TempPathFactory, ages: list[float], before: float
) -> None:
    path = tmp_path_factory.mktemp("prune") / "j.sqlite"
    with SqliteJournal(path) as journal:
        for number, at in enumerate(ages):
            journal.record(run(f"r{number}", at=at), {0: answer(), 1: answer()})
        assert prune(path, before) == sum(at < before for at in ages)
        journal.record(run("after", at=2000.0), {0: answer()})
    with JournalReader(path) as reader:
        kept = {f"r{number}" for number, at in enumerate(ages) if at >= before} | {"after"}
        assert {r.id for r in reader.runs()} == {e.run for e in reader.rows()} == kept
    assert check(path).problems == ()


def test_pruned_texts_are_gone_from_the_file_and_the_file_shrinks(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with SqliteJournal(path, synchronous="normal") as journal:
        for number in range(500):
            journal.record(run(f"r{number}", at=number), {0: replace(answer("confidential " * 50), trail=())})
    before = path.stat().st_size
    assert prune(path, 1000.0) == 500
    assert path.stat().st_size < before / 5
    assert not any(b"confidential" in file.read_bytes() for file in tmp_path.iterdir())


def test_a_sound_file_has_no_problems(path: Path) -> None:
    found = check(path)
    assert (found.runs, found.rows, found.text, found.problems) == (3, 4, "stored", ())
    assert found.bytes >= path.stat().st_size
