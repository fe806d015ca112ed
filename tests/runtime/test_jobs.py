"""Durable jobs: every row once, whatever comes between."""

from __future__ import annotations

import json
import sqlite3
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mendgraph.cli.output import writer
from mendgraph.core.record import RunRecord
from mendgraph.core.values import Answer, Attempt, Failure, Prediction
from mendgraph.errors import ConfigError, DataError, JobError, UnknownNameError
from mendgraph.runtime.jobs import work
from mendgraph.runtime.jobs.folder import JobFolder
from mendgraph.runtime.jobs.job import Job, timeless
from mendgraph.runtime.jobs.journal import ChunkJournal
from mendgraph.runtime.jobs.source import Source
from mendgraph.runtime.jobs.terms import differences, flat, told
from mendgraph.runtime.jobs.work import answer_rest, part_of, write_output
from mendgraph.runtime.sqlite_journal import SqliteJournal

NOW = 1_700_000_000.0
TERMS = {"run": {"--column": "text"}, "weights": {"primary": "a" * 64}}


class Stop(Exception):
    """Ends a process that exists only in a test."""


def scores(chunk: Sequence[object], row: object) -> float:
    """Depends on the whole batch, as the last bits of a model's scores do."""
    return (len(str(row)) + sum(len(str(other)) for other in chunk)) / (1.0 + 1000.0 * len(chunk))


def answers_of(chunk: Sequence[object]) -> list[Answer]:
    answers = []
    for row in chunk:
        if row is None:
            answers.append(Answer("None", "failed", error=Failure("input", "no text", "give one")))
            continue
        sure = scores(chunk, row)
        prediction = Prediction("joy", {"joy": sure, "fear": 1 - sure}, sure, sure)
        trail = (Attempt("primary", prediction, verdict="accept", seconds=sure, fingerprint="p"),)
        answers.append(Answer(str(row), "accepted", "joy", "joy", None, sure, source="primary", trail=trail))
    return answers


class Command:
    """What `mend run --job` does, in one process that a test can stop where it likes."""

    def __init__(self, folder: Path, rows: Sequence[object], chunk: int, output: Path) -> None:
        self.jobs = JobFolder(folder / "jobs")
        self.input = folder / "rows.jsonl"
        self.rows, self.chunk, self.output = rows, chunk, output
        self.input.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
        self.asked: list[int] = []

    def run(self, reach: Callable[[str], None] = lambda point: None) -> None:
        """`reach` hears of every point passed, and may raise."""

        def answering(number: int, chunk: list[object]) -> list[Answer]:
            reach("before a chunk")
            self.asked.append(number)
            answers = answers_of(chunk)
            reach("before a commit")
            return answers

        @contextmanager
        def writing(path: Path) -> Iterator[Callable[[Sequence[Answer]], None]]:
            reach("before the output")
            with writer(path) as write:

                def told(answers: Sequence[Answer]) -> None:
                    write(answers)
                    reach("in the output")

                yield told
            reach("before the move")

        with self.jobs.hold("job", now=NOW) as job:
            reach("before it begins")
            if not job.begun:
                source = Source.of(self.input)
                facts = {"graph": "emotion", "source": source, "rows": len(self.rows), "chunk": self.chunk}
                job.begin(**facts, output=self.output, terms=TERMS, now=NOW)
            job.same_input(self.input)
            job.agree(TERMS)
            for _ in answer_rest(job, self.rows, answering):
                reach("after a commit")
            finish = job.finish

            def finishing(now: float) -> None:
                reach("after the move")
                finish(now)

            with patch.object(job, "finish", finishing):
                write_output(job, writing)


rows_of_a_job = st.lists(
    st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=5)), max_size=20
)


# Few examples of many commits each: every commit waits for the disk.
@settings(max_examples=15)
@given(rows=rows_of_a_job, chunk=st.integers(1, 9), stops=st.lists(st.integers(0, 14), max_size=4))
@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_any_interruptions_give_the_output_of_none(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, rows: list[object], chunk: int, stops: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("jobs")
    straight = Command(folder, rows, chunk, folder / f"straight{suffix}")
    stopped = Command(folder, rows, chunk, folder / f"stopped{suffix}")
    with patch.object(work, "BATCH", 7):
        straight.run()
        straight.jobs.remove("job")
        for stop in stops:
            passed = iter(range(stop))

            def reach(point: str, passed: Iterator[int] = passed) -> None:
                if next(passed, None) is None:
                    raise Stop(point)

            with suppress(Stop):
                stopped.run(reach)
        stopped.run()
    assert stopped.output.read_bytes() == straight.output.read_bytes()
    progress = stopped.jobs.look("job")
    assert progress is not None
    assert (progress.state, progress.done, progress.written) == ("finished", len(rows), True)
    assert not list(folder.glob(".*.part*"))


def test_committed_rows_are_not_asked_again_and_uncommitted_ones_are(tmp_path: Path) -> None:
    command = Command(tmp_path, [f"row {n}" for n in range(10)], 3, tmp_path / "out.jsonl")

    def reach(point: str) -> None:
        if point == "before a commit" and len(command.asked) == 3:
            raise Stop

    with pytest.raises(Stop):
        command.run(reach)
    progress = command.jobs.look("job")
    assert progress is not None
    assert (progress.state, progress.done, progress.rows, progress.sessions) == ("stopped", 6, 10, 1)
    assert not command.output.exists()
    command.run()
    assert command.asked == [0, 1, 2, 2, 3]
    said = [json.loads(line)["input"] for line in command.output.read_text().splitlines()]
    assert said == [f"row {n}" for n in range(10)]


def test_an_output_is_whole_or_absent_and_nothing_half_written_stays(tmp_path: Path) -> None:
    command = Command(tmp_path, ["a", "b"], 1, tmp_path / "out.csv")

    def reach(point: str) -> None:
        if point == "in the output":
            assert part_of(command.output, "job").exists()
            raise Stop

    with pytest.raises(Stop):
        command.run(reach)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["jobs", "rows.jsonl"]


def test_wall_time_is_no_part_of_a_jobs_answers() -> None:
    [answer] = answers_of(["a"])
    assert timeless(answer).trail[0].seconds == 0.0
    assert timeless(answer).trail[0].prediction == answer.trail[0].prediction


def begun(folder: JobFolder, path: Path, *, rows: int = 4, chunk: int = 2, name: str = "job") -> None:
    with folder.hold(name, now=NOW) as job:
        job.begin(
            graph="emotion",
            source=Source.of(path),
            output=path.with_name("out.jsonl"),
            rows=rows,
            chunk=chunk,
            terms=TERMS,
            now=NOW,
        )


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.txt"
    path.write_text("a\nb\nc\nd\n")
    return path


def test_of_two_at_one_job_the_second_is_told_who_has_it(tmp_path: Path, rows: Path) -> None:
    folder = JobFolder(tmp_path / "jobs")
    begun(folder, rows)
    with folder.hold("job", now=NOW):
        assert "process" in (folder.holder("job") or "")
        with (
            pytest.raises(JobError, match=r"'job' is being worked on by process \d+ since 2023") as caught,
            folder.hold("job", now=NOW),
        ):
            pass
        assert "--wait" in caught.value.hint
        with pytest.raises(JobError, match="being worked on"):
            folder.remove("job")
        progress = folder.look("job")
        assert progress is not None
        assert progress.state == "running"
        with folder.hold("other", now=NOW):
            pass
    assert folder.holder("job") is None
    assert folder.names() == ["job"]  # the other never came to begin


def test_who_waits_gets_the_job_when_it_is_free(tmp_path: Path, rows: Path) -> None:
    folder = JobFolder(tmp_path / "jobs")
    begun(folder, rows)
    got = threading.Event()

    def second() -> None:
        with folder.hold("job", now=NOW, wait=True):
            got.set()

    with folder.hold("job", now=NOW):
        thread = threading.Thread(target=second)
        thread.start()
        assert not got.wait(0.2)
    thread.join(timeout=30)
    assert got.is_set()


def test_who_was_replaced_can_commit_nothing(tmp_path: Path, rows: Path) -> None:
    """The lock forbids it; where a file system's locks lie, the file itself still does."""
    folder = JobFolder(tmp_path / "jobs")
    begun(folder, rows)
    with (
        closing(Job("job", tmp_path / "jobs" / "job.sqlite")) as old,
        closing(Job("job", tmp_path / "jobs" / "job.sqlite")) as new,
    ):
        old.begin_session(NOW)
        new.begin_session(NOW)
        with pytest.raises(JobError, match="taken over"):
            old.commit(0, answers_of(["a", "b"]), seconds=0.1, now=NOW)
        new.commit(0, answers_of(["a", "b"]), seconds=0.1, now=NOW)
        with pytest.raises(JobError, match="taken over"):
            new.commit(0, answers_of(["a", "b"]), seconds=0.1, now=NOW)
        assert (new.done, new.chunks) == (2, 1)


def test_a_changed_input_is_refused_and_a_moved_one_is_not(tmp_path: Path, rows: Path) -> None:
    folder = JobFolder(tmp_path / "jobs")
    begun(folder, rows)
    moved = rows.rename(tmp_path / "moved.txt")
    with folder.hold("job", now=NOW) as job:
        job.same_input(moved)
        assert job.source.path == str(moved)
        moved.write_text("a\nb\nc\ne\n")
        with pytest.raises(JobError, match="has changed since") as caught:
            job.same_input(moved)
        assert "mend jobs remove job" in caught.value.hint
        with pytest.raises(DataError, match="cannot read"):
            job.same_input(rows)


def test_an_input_that_changes_while_the_job_runs_is_noticed_before_anything_is_written(
    tmp_path: Path,
) -> None:
    command = Command(tmp_path, ["a", "b", "c"], 1, tmp_path / "out.jsonl")

    def reach(point: str) -> None:
        if point == "after a commit":
            command.input.write_text("other\n")

    with pytest.raises(JobError, match="has changed since"):
        command.run(reach)
    assert not command.output.exists()


def test_an_input_with_other_rows_than_it_had_is_noticed(tmp_path: Path, rows: Path) -> None:
    folder = JobFolder(tmp_path / "jobs")
    begun(folder, rows)
    with (
        folder.hold("job", now=NOW) as job,
        pytest.raises(JobError, match="answered 3 rows, its input had 4"),
    ):
        list(answer_rest(job, ["a", "b", "c"], lambda number, chunk: answers_of(chunk)))


def test_changed_terms_are_named(tmp_path: Path, rows: Path) -> None:
    folder = JobFolder(tmp_path / "jobs")
    begun(folder, rows)
    now = {"run": {"--column": "text", "--threshold": "0.8"}, "weights": {"primary": "b" * 64}}
    with folder.hold("job", now=NOW) as job:
        with pytest.raises(JobError) as caught:
            job.agree(now)
        assert caught.value.message == (
            "job 'job' began otherwise: --threshold was not set and is now 0.8; "
            "the fingerprint of primary was aaaaaaaaaaaa... and is now bbbbbbbbbbbb..."
        )
        assert job.terms() == TERMS


def test_a_tier_may_go_down_and_come_back_but_not_change(tmp_path: Path, rows: Path) -> None:
    folder = JobFolder(tmp_path / "jobs")
    begun(folder, rows)
    with folder.hold("job", now=NOW) as job:
        job.agree({"weights": {"primary": ""}})
        job.agree({"weights": {"primary": "a" * 64}})
        with pytest.raises(JobError, match="fingerprint of primary"):
            job.agree({"weights": {"primary": "c" * 64}})
        job.agree({"software": {"torch": "2.0"}})
        with pytest.raises(JobError, match=r"torch was 2\.0 and is now 2\.1"):
            job.agree({"software": {"torch": "2.1"}})


def test_weights_that_were_unknown_are_learned(tmp_path: Path, rows: Path) -> None:
    folder = JobFolder(tmp_path / "jobs")
    begun(folder, rows)
    with folder.hold("new", now=NOW) as job:
        facts = {"graph": "emotion", "source": Source.of(rows), "output": rows, "rows": 1, "chunk": 1}
        job.begin(**facts, terms={"weights": {"primary": ""}}, now=NOW)
        job.agree({"weights": {"primary": "a"}})
        with pytest.raises(JobError, match="fingerprint of primary"):
            job.agree({"weights": {"primary": "b"}})


def test_many_differences_are_counted() -> None:
    found = differences({"config": {}}, {"config": {f"key{n}": str(n) for n in range(9)}})
    assert told(found).endswith("the setting key3 was not set and is now 3; and 5 more")


@given(
    st.recursive(
        st.none() | st.integers(),
        lambda inner: st.dictionaries(st.text("abc", min_size=1), inner),
        max_leaves=9,
    )
)
def test_flattened_settings_hold_every_value_under_its_path(value: object) -> None:
    nested = {"top": value}
    for path, found in flat(nested).items():
        inner: object = nested
        for name in path.split("."):
            assert isinstance(inner, dict)
            inner = inner[name]
        assert str(inner) == found


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "-x", ".hidden", "a b", "ä", "x" * 101, "a\n"]
)
def test_only_plain_names_name_jobs(tmp_path: Path, name: str) -> None:
    folder = JobFolder(tmp_path / "jobs")
    with pytest.raises(ConfigError, match="no name for a job"), folder.hold(name, now=NOW):
        pass
    assert not (tmp_path / "jobs").exists()


def test_removing_leaves_nothing_and_an_unknown_job_is_told_from_the_known(
    tmp_path: Path, rows: Path
) -> None:
    folder = JobFolder(tmp_path / "jobs")
    begun(folder, rows, name="a.b")
    with pytest.raises(UnknownNameError, match=r"unknown job 'a.c'; known: a.b \(did you mean 'a.b'"):
        folder.remove("a.c")
    folder.remove("a.b")
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_job_that_never_began_leaves_nothing(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "jobs")
    with pytest.raises(Stop), folder.hold("job", now=NOW):
        raise Stop
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_file_that_is_no_job_says_so_and_can_be_removed(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    (tmp_path / "job.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(JobError, match="not a database"):
        folder.look("job")
    folder.remove("job")
    assert folder.names() == []


def test_a_job_of_another_version_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "job.sqlite")) as database:
        database.execute("PRAGMA user_version = 7")
    with pytest.raises(JobError, match="has layout 7"):
        JobFolder(tmp_path).look("job")


def test_an_output_that_cannot_be_written_leaves_the_answers_safe(tmp_path: Path) -> None:
    command = Command(tmp_path, ["a", "b"], 1, tmp_path / "missing" / "out.jsonl")
    with pytest.raises(DataError, match="cannot write"):
        command.run()
    progress = command.jobs.look("job")
    assert progress is not None
    assert (progress.done, progress.state) == (2, "stopped")
    command.output.parent.mkdir()
    command.run()
    assert command.asked == [0, 1]


def test_a_chunk_keeps_its_run_identity_over_attempts(tmp_path: Path, rows: Path) -> None:
    recorded: list[str] = []

    class Kept:
        def record(self, run: RunRecord, answers: object) -> None:
            recorded.append(run.id)

        def close(self) -> None:
            raise AssertionError("the journal outlives the chunk")

    folder = JobFolder(tmp_path / "jobs")
    begun(folder, rows)
    for _ in range(2):
        with folder.hold("job", now=NOW + 99) as job:
            for number in (0, 1):
                journal = ChunkJournal(Kept(), job.run_id(number))
                journal.record(RunRecord("other", "emotion", NOW, 1), {})
                journal.close()
    assert recorded[:2] == recorded[2:]
    assert recorded[0] == "20231114T221320000-job-000000"
    assert recorded[0] < recorded[1]


def test_a_repeated_chunk_is_in_the_durable_journal_once(tmp_path: Path, rows: Path) -> None:
    folder = JobFolder(tmp_path / "jobs")
    begun(folder, rows)
    path = tmp_path / "journal.sqlite"
    answers = dict(enumerate(answers_of(["a", "b"])))
    for attempt in ("first", "again"):
        with folder.hold("job", now=NOW) as job, closing(SqliteJournal(path)) as journal:
            ChunkJournal(journal, job.run_id(0)).record(RunRecord(attempt, "emotion", NOW, 2), answers)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM rows").fetchone() == (2,)


def test_memory_stays_bounded_whatever_the_input(tmp_path: Path, rows: Path) -> None:
    """48 MB of text pass through; what is held is one chunk, or one batch of the output."""
    count = 12_000
    folder = JobFolder(tmp_path / "jobs")
    begun(folder, rows, rows=count, chunk=512)
    texts = (f"{n} {'x' * 4000}" for n in range(count))
    tracemalloc.start()
    try:
        with folder.hold("job", now=NOW) as job:
            for _ in answer_rest(
                job, texts, lambda number, chunk: [Answer(str(row), "abstained") for row in chunk]
            ):
                pass
            write_output(job, writer)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "out.jsonl").stat().st_size > 48e6
    assert peak < 30e6
