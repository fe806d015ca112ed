"""The durable journal: round trips, texts left out, threads and processes, formats."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mendgraph.core.redaction import without_text
from mendgraph.core.values import Answer
from mendgraph.errors import JournalError
from mendgraph.runtime.journal_reader import JournalReader
from mendgraph.runtime.sqlite_journal import SqliteJournal
from tests.runtime import records
from tests.runtime.records import answer, run

RARE = "zyxwvutsrq-\u00fc\U0001f600"
"""A text that is in no name, label or message of the package."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "journal.sqlite"


def recorded(path: Path, name: str = "r1") -> dict[int, Answer]:
    with JournalReader(path) as reader:
        return {row: entry.answer for row, entry in reader.answers(name).items()}


@settings(max_examples=60)
@given(st.dictionaries(st.integers(0, 2**40), records.answers, max_size=3), records.texts)
def test_every_answer_comes_back_as_it_was(given_answers: dict[int, Answer], name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j.sqlite"
        record = run(
            name,
            rows=2**40,
            options={"down": [name], "more": {name: [1, None]}},
            versions={name: name},
            given={"0": name},
        )
        with SqliteJournal(path) as journal:
            journal.record(record, dict(sorted(given_answers.items())))
        with JournalReader(path) as reader:
            assert list(reader.runs()) == [record]
            found = {entry.row: entry.answer for entry in reader.rows()}
            assert found == given_answers
            assert [entry.key for entry in reader.rows()] == [a.input for a in found.values()]


@pytest.mark.parametrize("mode", ["hashed", "omitted"])
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "open"])
def test_without_texts_the_file_holds_nothing_of_them(path: Path, mode: Any, closed: bool) -> None:
    journal = SqliteJournal(path, text=mode)
    quoting = replace(answer(RARE), value={"text": RARE, "score": 0.5, "passages": [RARE]})
    record = run(
        options={"ask": "return", "note": RARE, "clarifications": {"0": "joy"}}, given={"0": f"{RARE}\ud800"}
    )
    journal.record(record, {0: quoting, 1: Answer(RARE, "failed", error=quoting.trail[0].failure)})
    if closed:
        journal.close()
    parts = [RARE.encode("utf-8"), b"zyxwvutsrq", RARE.encode("utf-16-le"), b"\\ud83d"]
    files = list(path.parent.iterdir())
    assert closed or any(file.name.endswith("-wal") for file in files)
    for file in files:
        held = file.read_bytes()
        assert not any(part in held for part in parts), file
    found = recorded(path)
    assert found[0] == without_text(quoting)
    assert found[0].value == {"text": "", "score": 0.5, "passages": [""]}
    assert (found[0].trail[0].failure, found[0].label, found[0].source) == (
        replace(quoting.trail[0].failure, message="", hint=""),  # type: ignore[type-var]
        "joy",
        "backup",
    )
    with JournalReader(path) as reader:
        assert reader.find("r1").options == {"ask": "return", "clarifications": {"0": "joy"}}
        assert {e.key for e in reader.rows()} == {reader.key(RARE)}
        assert bool(reader.key(RARE)) == (mode == "hashed")
    journal.close()


def test_hashes_of_one_text_differ_between_journals(tmp_path: Path) -> None:
    keys = set()
    for name in ("a.sqlite", "b.sqlite"):
        with SqliteJournal(tmp_path / name, text="hashed") as journal:
            journal.record(run(), {0: answer(RARE), 1: answer(RARE), 2: answer("other")})
        with JournalReader(tmp_path / name) as reader:
            one, same, other = (entry.key for entry in reader.rows())
        assert one == same != other
        keys.add(one)
    assert len(keys) == 2


def test_how_texts_are_kept_is_fixed_when_the_file_is_made(path: Path) -> None:
    SqliteJournal(path, text="hashed").close()
    with SqliteJournal(path) as journal:
        assert journal.text == "hashed"
    with pytest.raises(JournalError, match="keeps its texts hashed, not stored"):
        SqliteJournal(path, text="stored")
    with pytest.raises(JournalError, match="expected one of stored, hashed, omitted, got 'shredded'"):
        SqliteJournal(path.with_name("new"), text="shredded")  # type: ignore[arg-type]


def test_a_row_is_recorded_once_and_late_rows_join_their_run(path: Path) -> None:
    with SqliteJournal(path) as journal:
        journal.record(run(rows=3), {0: answer("first"), 2: answer("third")})
        journal.record(run(rows=3), {0: answer("changed"), 1: answer("second")})
    assert {row: a.input for row, a in recorded(path).items()} == {0: "first", 1: "second", 2: "third"}
    with JournalReader(path) as reader:
        assert reader.count() == (1, 3)


def test_what_runs_have_in_common_is_kept_once(path: Path) -> None:
    with SqliteJournal(path) as journal:
        for number in range(5):
            journal.record(run(f"r{number}"), {0: answer()})
        journal.record(run("r9", fingerprints={"primary": "retrained"}), {0: answer()})
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM facts").fetchone() == (2,)


def test_columns_can_be_queried_with_sql(path: Path) -> None:
    with SqliteJournal(path) as journal:
        journal.record(run(), {0: answer()})
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT status, label, confidence, source, text FROM rows").fetchall() == [
            ("accepted", "joy", 0.9, "backup", "hello")
        ]
        assert database.execute(
            "SELECT tier, label, confidence, threshold, verdict, failure, seconds, fingerprint FROM attempts"
        ).fetchall() == [
            ("primary", None, None, 0.6, "defer", "deadline", 0.5, "one"),
            ("backup", "joy", 0.9, 0.6, "accept", None, 0.25, "two"),
        ]
        assert database.execute("SELECT attempt ->> '$.prediction.label' FROM attempts").fetchall() == [
            (None,),
            ("joy",),
        ]


def test_a_value_that_is_no_json_is_refused_by_name(path: Path) -> None:
    with SqliteJournal(path) as journal:
        for value in (float("nan"), object()):
            with pytest.raises(JournalError, match="cannot be stored as JSON"):
                journal.record(run(), {0: replace(answer(), value=value)})
        journal.record(run(), {0: answer()})
    assert recorded(path) == {0: answer()}


def test_threads_share_transactions_and_lose_nothing(path: Path) -> None:
    commits = 0
    journal = SqliteJournal(path)
    assert journal._database is not None

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    journal._database.set_trace_callback(count)
    ready = threading.Barrier(8)

    def work(thread: int) -> None:
        ready.wait()
        for number in range(25):
            journal.record(run(f"{thread}-{number}"), {0: answer(f"{thread} {number}")})
            with JournalReader(path) as reader:  # durable when it returns: another connection sees it
                assert reader.answers(f"{thread}-{number}")

    # While the first writer is held up, the others queue; then one of them writes for all.
    with journal._writing, ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(journal.record, run(f"w{n}"), {0: answer()}) for n in range(8)]
        while len(journal._queue) < 8:
            threading.Event().wait(0.001)
        journal._writing.release()
        assert [one.result(timeout=60) for one in waiting] == [None] * 8
        assert commits == 1
        journal._writing.acquire()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    journal.close()
    with JournalReader(path) as reader:
        assert reader.count() == (208, 208)


WRITER = """
import sys
from pathlib import Path
from mendgraph.runtime.sqlite_journal import SqliteJournal
from tests.runtime.records import answer, run
with SqliteJournal(Path(sys.argv[1])) as journal:
    for number in range(40):
        journal.record(run(f"{sys.argv[2]}-{number}"), {0: answer(), 1: answer()})
"""


def test_processes_append_at_once_and_lose_nothing(path: Path) -> None:
    """Not even the creation of the file is a race."""
    several = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(n)]) for n in range(3)]
    assert [process.wait(timeout=120) for process in several] == [0, 0, 0]
    with JournalReader(path) as reader:
        assert reader.count() == (120, 240)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_opens_the_file_for_itself(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.record(run("parent"), {0: answer()})
    child = os.fork()
    if child == 0:
        try:
            journal.record(run("child"), {0: answer()})
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    journal.record(run("after"), {0: answer()})
    journal.close()
    with JournalReader(path) as reader:
        assert {r.id for r in reader.runs()} == {"parent", "child", "after"}


def test_a_file_that_was_moved_away_is_made_anew(path: Path) -> None:
    with SqliteJournal(path, text="hashed") as journal:
        journal.record(run("old"), {0: answer()})
        for file in list(path.parent.iterdir()):
            file.rename(file.with_name(f"old-{file.name}"))
        journal.record(run("new"), {0: answer()})
        assert journal.text == "hashed"
    with JournalReader(path) as reader:
        assert [r.id for r in reader.runs()] == ["new"]
        assert [e.key for e in reader.rows()] == [reader.key("hello")]


def test_a_closed_journal_says_so(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="is closed"):
        journal.record(run(), {0: answer()})


def test_a_newer_format_is_refused_with_the_way_out(path: Path) -> None:
    SqliteJournal(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 7")
    for opened in (SqliteJournal, JournalReader):
        with pytest.raises(
            JournalError, match=r"has format 7; this mendgraph reads up to 1 \(update mendgraph"
        ):
            opened(path)


def test_other_databases_and_other_files_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE mine (x)")
    noise = tmp_path / "noise.sqlite"
    noise.write_bytes(b"no database at all, but long enough to be read as one" * 100)
    empty = tmp_path / "empty.sqlite"
    empty.touch()
    before = other.read_bytes(), noise.read_bytes()
    for opened in (SqliteJournal, JournalReader):
        with pytest.raises(JournalError, match="SQLite database of something else, not a journal"):
            opened(other)
        with pytest.raises(JournalError, match="is damaged: file is not a database"):
            opened(noise)
    with pytest.raises(JournalError, match="is an empty database, not a journal"):
        JournalReader(empty)
    with pytest.raises(JournalError, match=r"no journal .*missing"):
        JournalReader(tmp_path / "missing")
    assert (other.read_bytes(), noise.read_bytes()) == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"cannot make the folder .*file: "):
        SqliteJournal(tmp_path / "file" / "j.sqlite")
