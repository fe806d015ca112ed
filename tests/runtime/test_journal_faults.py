"""What a journal lives through: kill -9 in mid-write, a full disk, a lock that is never given back, damage."""

from __future__ import annotations

import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mendgraph.errors import JournalError
from mendgraph.runtime.journal_care import check, salvage
from mendgraph.runtime.journal_reader import JournalReader
from mendgraph.runtime.sqlite_journal import SqliteJournal
from tests.runtime.records import answer, run

ROWS = 20

WRITER = f"""
import itertools, sys
from pathlib import Path
from mendgraph.runtime.sqlite_journal import SqliteJournal
from tests.runtime.records import answer, run
journal = SqliteJournal(Path(sys.argv[1]))
for number in itertools.count(int(sys.argv[2])):
    journal.record(run(f"r{{number}}", rows={ROWS}), {{row: answer(f"{{number}} {{row}}") for row in range({ROWS})}})
    print(number, flush=True)
"""


def test_no_acknowledged_row_is_lost_and_no_half_run_is_left_by_kill_9(tmp_path: Path) -> None:
    """A process writes runs and says so after each; it is killed at twenty random moments of its writing."""
    path = tmp_path / "journal.sqlite"
    chance = random.Random(0)
    acknowledged: list[int] = []
    for _ in range(20):
        first = acknowledged[-1] + 2 if acknowledged else 0  # the one in between may have been written unsaid
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(first)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        acknowledged.append(int(writer.stdout.readline()))
        time.sleep(chance.uniform(0, 0.03))
        writer.send_signal(signal.SIGKILL)
        acknowledged.extend(int(line) for line in writer.communicate(timeout=60)[0].split())
        with JournalReader(path) as reader:
            whole = {
                record.id: [e.answer.input for e in reader.answers(record.id).values()]
                for record in reader.runs()
            }
        assert {f"r{number}" for number in acknowledged} <= set(whole)
        for name, inputs in whole.items():
            assert inputs == [f"{name[1:]} {row}" for row in range(ROWS)]
    assert check(path).problems == ()


@contextmanager
def room(size: int) -> Iterator[None]:
    """As if the disk were full for files beyond this size in bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def recorded_until_full(journal: SqliteJournal, prefix: str) -> list[str]:
    """The runs that were acknowledged before the first error."""
    kept: list[str] = []
    for number in range(2000):
        try:
            journal.record(run(f"{prefix}{number}"), {0: answer("x" * 1000)})
        except JournalError:
            return kept
        kept.append(f"{prefix}{number}")
    pytest.fail("it never became full")


def test_a_full_disk_costs_nothing_acknowledged_and_recording_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.sqlite"
    journal = SqliteJournal(path)
    with room(200_000):
        kept = recorded_until_full(journal, "a")
        assert journal.error is not None
        kept += recorded_until_full(journal, "b")
    journal.record(run("after"), {0: answer()})
    assert journal.error is None
    with JournalReader(path) as reader:
        assert [r.id for r in reader.runs()] == [*kept, "after"]
        assert len(list(reader.rows())) == len(kept) + 1
    journal.close()
    assert check(path).problems == ()


def test_a_database_that_may_not_grow_says_that_there_is_no_room(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = SqliteJournal(path)
    assert journal._database is not None
    journal._database.execute("PRAGMA max_page_count = 30")
    kept = recorded_until_full(journal, "a")
    assert str(journal.error).startswith(
        f"no room for the journal {path}: database or disk is full (free some"
    )
    journal.record(run("after"), {0: answer()})  # on a fresh connection, which has no such limit
    with JournalReader(path) as reader:
        assert [r.id for r in reader.runs()] == [*kept, "after"]
    journal.close()


def test_a_lock_that_is_not_given_back_is_told_after_the_time_out(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = SqliteJournal(path, busy_s=0.2)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match=rf"journal {path} is locked: another process .* for 0\.2 s"):
            journal.record(run(), {0: answer()})
        with JournalReader(path) as reader:  # readers are not kept out
            assert list(reader.runs()) == []
        other.execute("ROLLBACK")
    journal.record(run(), {0: answer()})
    assert journal.error is None
    journal.close()


def filled(path: Path, runs: int = 300) -> None:
    with SqliteJournal(path) as journal:
        for number in range(runs):
            journal.record(run(f"r{number:03d}"), {0: answer(f"text {number}"), 1: answer()})


def test_a_damaged_file_is_told_and_what_can_be_read_is_salvaged(tmp_path: Path) -> None:
    path, copy = tmp_path / "journal.sqlite", tmp_path / "copy.sqlite"
    filled(path)
    size = path.stat().st_size
    with path.open("r+b") as file:  # eight pages in the middle
        file.seek(size // 2 // 4096 * 4096)
        file.write(b"\xff" * 8 * 4096)
    found = check(path)
    assert found.problems
    done = salvage(path, copy)
    assert done.lost_runs > 0
    assert done.runs > 150
    assert done.rows == 2 * done.runs
    assert check(copy).problems == ()
    with JournalReader(copy) as reader:
        assert reader.count() == (done.runs, done.rows)
        for entry in reader.rows():
            assert entry.answer == answer(f"text {int(entry.run[1:])}" if entry.row == 0 else "hello")
    with pytest.raises(JournalError, match="is there already"):
        salvage(path, copy)


def test_a_write_ahead_log_cut_in_mid_record_loses_only_what_was_being_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = SqliteJournal(path)
    for number in range(10):
        journal.record(run(f"r{number}"), {0: answer()})
    for file in ("journal.sqlite", "journal.sqlite-wal"):  # as a machine leaves them that lost power
        (tmp_path / f"cut-{file}").write_bytes((tmp_path / file).read_bytes())
    journal.close()
    log = tmp_path / "cut-journal.sqlite-wal"
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - 1000)
    with SqliteJournal(tmp_path / "cut-journal.sqlite") as cut:
        cut.record(run("after"), {0: answer()})
    with JournalReader(tmp_path / "cut-journal.sqlite") as reader:
        assert [r.id for r in reader.runs()] == [*(f"r{n}" for n in range(9)), "after"]


def test_salvage_keeps_hashes_comparable(tmp_path: Path) -> None:
    path, copy = tmp_path / "journal.sqlite", tmp_path / "copy.sqlite"
    with SqliteJournal(path, text="hashed") as journal:
        journal.record(run(), {0: answer("hello")})
    assert salvage(path, copy).runs == 1
    with JournalReader(copy) as reader:
        assert [entry.key for entry in reader.rows()] == [reader.key("hello")]
