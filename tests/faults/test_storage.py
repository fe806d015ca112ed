"""Files that are locked, full, cut short, or wanted by two processes; and a process that is killed."""

from __future__ import annotations

import json
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from mendgraph.app import answers_of
from mendgraph.core.values import Answer
from mendgraph.errors import JobError
from mendgraph.runtime.jobs.folder import JobFolder
from mendgraph.runtime.jobs.work import answer_rest
from mendgraph.runtime.journal import JsonLinesJournal
from mendgraph.runtime.journal_care import check
from mendgraph.runtime.journal_reader import JournalReader
from mendgraph.runtime.sqlite_journal import SqliteJournal
from mendgraph.testing import Fault, Scripted
from tests.cascades import cascade
from tests.faults.ward import ROWS, TRUTH, Ward, healed, well
from tests.runtime.worker.processes import PATIENCE_S

Trouble = Callable[[Path, sqlite3.Connection], AbstractContextManager[None]]
TIERS = {"primary": Scripted(TRUTH), "backup": Scripted(TRUTH)}


@contextmanager
def room(size: int) -> Iterator[None]:
    """As if the disk were full for files beyond this size in bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def kept(path: Path) -> list[str]:
    with JournalReader(path) as reader:
        return [entry.answer.input for entry in reader.rows()]


# ---- journals ------------------------------------------------------------------------------------------------------


def test_a_full_disk_costs_nobody_an_answer_and_the_journal_says_so(tmp_path: Path) -> None:
    with Ward(tmp_path) as ward:
        ward.run()
        ward.strike(Fault("crash", rows="row 3"))
        with room(1000):
            answers = ward.graph.run(["row 0"]) + ward.graph.run(["row 3"])
            well(answers[:1])
            healed(answers[1:], "crashed")
            assert ward.journal.error is not None
            assert str(ward.journal.path) in ward.journal.error.message
            assert "disk" in ward.journal.error.message
        assert (ward.health["state"], ward.health["breaker"]) == ("up", "closed")
        well(ward.run(["row 1"]))  # also checks that the journal is well and holds the row
        path = ward.journal.path
    assert kept(path) == [*ROWS, "row 1"]
    assert check(path).problems == ()


def test_a_journal_that_is_locked_costs_nobody_an_answer(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.sqlite", busy_s=0.1)
    graph = cascade(TIERS, journal=journal)
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        well(graph.run(ROWS))
        assert "is locked: another process" in str(journal.error)
        other.execute("ROLLBACK")
    well(graph.run(ROWS))
    assert journal.error is None
    journal.close()
    assert kept(journal.path) == ROWS


def test_a_write_ahead_log_cut_in_mid_record_keeps_the_runs_before_and_takes_new_ones(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.sqlite")
    graph = cascade(TIERS, journal=journal)
    for row in ROWS:
        graph.run([row])
    for file in ("journal.sqlite", "journal.sqlite-wal"):  # as a machine leaves them that lost power
        (tmp_path / f"cut-{file}").write_bytes((tmp_path / file).read_bytes())
    journal.close()
    log = tmp_path / "cut-journal.sqlite-wal"
    log.write_bytes(log.read_bytes()[:-1000])
    with SqliteJournal(tmp_path / "cut-journal.sqlite") as cut:
        well(cascade(TIERS, journal=cut).run(["row 5"]))
        assert cut.error is None
    assert kept(tmp_path / "cut-journal.sqlite") == [*ROWS[:-1], "row 5"]


def test_a_journal_of_lines_cut_in_mid_record_keeps_the_others_and_takes_new_ones(tmp_path: Path) -> None:
    journal = JsonLinesJournal(tmp_path / "answers.jsonl")
    graph = cascade(TIERS, journal=journal)
    graph.run(ROWS)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-100])
    [after] = graph.run(["row 5"])
    lines = journal.path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 9
    assert [json.loads(line)["input"] for line in (*lines[:7], lines[8])] == [*ROWS[:7], "row 5"]
    assert Answer.from_dict(json.loads(lines[8])) == after
    assert journal.error is None


# ---- checkpoints ---------------------------------------------------------------------------------------------------


@contextmanager
def locked(path: Path, database: sqlite3.Connection) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def full(path: Path, database: sqlite3.Connection) -> Iterator[None]:
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    yield
    database.execute("PRAGMA max_page_count = 1000000")


@pytest.mark.parametrize(
    ("trouble", "words"), [(locked, "database is locked"), (full, "database or disk is full")]
)
def test_a_checkpoint_that_cannot_be_stored_costs_the_pause_and_no_answer(
    trouble: Trouble, words: str, tmp_path: Path
) -> None:
    """A pause that is not stored could not be resumed, so the question comes back with the answers."""
    path, unsure = tmp_path / "threads.db", "hmm, " * 2000
    journal = SqliteJournal(tmp_path / "journal.sqlite")
    doubt = Scripted(lambda text: TRUTH.get(text, ("fear", 0.4)))
    thread: RunnableConfig = {"configurable": {"thread_id": "one"}}
    with closing(sqlite3.connect(path, check_same_thread=False, timeout=0.02)) as database:
        saver = SqliteSaver(database)
        saver.setup()
        tiers = {"primary": doubt, "backup": doubt}
        graph = cascade(tiers, ask="interrupt", checkpointer=saver, journal=journal)
        with trouble(path, database):
            sure, waiting = graph.run(["row 0", unsure], config=thread)
        well([sure])
        assert (waiting.status, waiting.best_guess) == ("needs_clarification", "fear")
        with JournalReader(journal.path) as reader:
            assert reader.count() == (1, 2)
        health = graph.health()["primary"]
        assert (health["state"], health["breaker"], health["failures"]) == ("up", "closed", 0)

        sure, waiting = graph.run(["row 0", unsure], config=thread)
        well([sure])
        assert (waiting.status, waiting.best_guess) == ("needs_clarification", "fear")
        with trouble(path, database), pytest.raises(sqlite3.OperationalError, match=words):
            graph.graph.invoke(Command(resume="disgust"), thread)
        resumed = answers_of(graph.graph.invoke(Command(resume="disgust"), thread))
        assert [(a.status, a.label, a.source) for a in resumed] == [
            ("accepted", TRUTH["row 0"], "primary"),
            ("accepted", "disgust", "user"),
        ]
        assert [step.tier for step in resumed[1].trail] == ["primary", "backup", "user"]
    with JournalReader(journal.path) as reader:
        last = reader.answers(reader.find("last").id)
    assert {row: entry.answer for row, entry in last.items()} == dict(enumerate(resumed))
    journal.close()


# ---- processes -----------------------------------------------------------------------------------------------------

ENDLESS = """
import sys
from itertools import count
from pathlib import Path
from mendgraph.runtime.sqlite_journal import SqliteJournal
from mendgraph.testing import Failing, Scripted
from tests.cascades import cascade
from tests.faults.ward import ROWS, TRUTH
tiers = {"primary": Failing(at=range(1, 10**6, 3), then=Scripted(TRUTH)), "backup": Scripted(TRUTH)}
graph = cascade(tiers, journal=SqliteJournal(Path(sys.argv[1])))
for number in count():
    answers = graph.run(ROWS)
    print(*(answer.label for answer in answers), flush=True)
"""


def test_kill_9_of_the_whole_process_loses_no_row_that_was_acknowledged(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(tmp_path / "journal.sqlite")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = list(islice(process.stdout, 25))
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=PATIENCE_S)
    acknowledged += rest.splitlines()
    assert {line.strip() for line in acknowledged} == {" ".join(TRUTH.values())}

    with JournalReader(tmp_path / "journal.sqlite") as reader:
        runs = [reader.answers(run.id) for run in reader.runs()]
    assert len(runs) in (
        len(acknowledged),
        len(acknowledged) + 1,
    )  # the last one may not have been told any more
    sources = set()
    for entries in runs:
        assert [entry.answer.input for entry in entries.values()] == ROWS
        assert [entry.answer.label for entry in entries.values()] == list(TRUTH.values())
        sources |= {entry.answer.source for entry in entries.values()}
    assert sources == {"primary", "backup"}
    assert check(tmp_path / "journal.sqlite").problems == ()
    with Ward(tmp_path) as ward:  # the next process goes on in the same journal
        well(ward.run())
        assert len(kept(ward.journal.path)) == (len(runs) + 1) * len(ROWS)


HOLDER = """
import sys, time
from pathlib import Path
from mendgraph.runtime.jobs.folder import JobFolder
from mendgraph.runtime.jobs.source import Source
with JobFolder(Path(sys.argv[1])).hold("job", now=time.time()) as job:
    source = Source.of(Path(sys.argv[2]))
    facts = {"graph": "emotion", "source": source, "rows": 8, "chunk": 3, "output": Path(sys.argv[2]).with_name("o")}
    job.begin(**facts, terms={}, now=time.time())
    print("begun", flush=True)
    time.sleep(600)
"""


def test_of_two_processes_on_one_job_one_is_refused_and_the_job_outlives_the_other(tmp_path: Path) -> None:
    rows = tmp_path / "rows.txt"
    rows.write_text("\n".join(ROWS) + "\n")
    jobs = JobFolder(tmp_path / "jobs")
    asked: list[Any] = []
    (tmp_path / "ward").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(jobs.path), str(rows)], stdout=subprocess.PIPE, text=True
    )
    with process, Ward(tmp_path / "ward") as ward:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            with (
                pytest.raises(
                    JobError, match=f"'job' is being worked on by process {process.pid}"
                ) as refused,
                jobs.hold("job", now=time.time()),
            ):
                asked.append("it was not refused")
            assert "--wait" in refused.value.hint
        finally:
            process.kill()
        process.wait(timeout=PATIENCE_S)

        def answering(number: int, chunk: list[object]) -> list[Answer]:
            asked.extend(chunk)
            return ward.run(chunk)

        with jobs.hold("job", now=time.time()) as job:
            job.same_input(rows)
            ward.strike(Fault("crash", rows="row 4"))
            assert list(answer_rest(job, ROWS, answering)) == [3, 6, 8]
            [answers] = job.answers(100)
        assert asked == [a.input for a in answers] == ROWS
        assert [a.label for a in answers] == list(TRUTH.values())
        healed(answers[3:6], "crashed")  # they shared a call with the row that crashed
        well(answers[:3] + answers[6:])
        assert (ward.health["state"], ward.health["breaker"]) == ("up", "closed")
        assert kept(ward.journal.path) == ROWS
