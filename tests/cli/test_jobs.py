"""`mend run --job` and `mend jobs`: begun, killed, resumed, finished."""

from __future__ import annotations

import csv
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from mendgraph.cli.job import job_folder
from mendgraph.runtime.jobs.progress import Progress
from tests.cli import scripted
from tests.cli.conftest import Mend
from tests.cli.test_process import started

WORDS = ("so happy {}", "a doubt {}", "mixed {}", "")


def write_rows(path: Path, count: int) -> Path:
    rows = [WORDS[n % len(WORDS)].format(n) for n in range(count)]
    path.write_text("".join(json.dumps({"text": row, "n": n}) + "\n" for n, row in enumerate(rows)))
    return path


def progress(name: str = "job") -> Progress:
    found = job_folder().look(name)
    assert found is not None
    return found


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.jsonl", 50)


@pytest.fixture
def no_models(mend: Mend, monkeypatch: pytest.MonkeyPatch) -> Any:
    def refuse() -> None:
        def load(*args: object, **given: object) -> None:
            raise AssertionError("no model is needed for this")

        monkeypatch.setattr(sys.modules["mendgraph.assembly"], "load", load)

    return refuse


def test_a_job_answers_as_a_plain_run_does(mend: Mend, tmp_path: Path, rows: Path) -> None:
    job, plain = tmp_path / "job.csv", tmp_path / "plain.csv"
    ran = mend("run", "emotion", "-i", rows, "-o", job, "--job", "job", "--chunk", 7)
    told = "50 rows: 26 accepted, 12 needs clarification, 12 failed"
    assert (ran.code, ran.out, ran.err) == (0, "", f"{told}; written to {job}\n")
    mend("run", "emotion", "-i", rows, "-o", plain)
    assert job.read_bytes() == plain.read_bytes()
    with job.open(newline="") as file:
        failed = [place for place, row in enumerate(csv.DictReader(file)) if row["status"] == "failed"]
    assert failed == list(range(3, 50, 4))


def test_lines_hold_whole_answers_without_wall_time(mend: Mend, tmp_path: Path, rows: Path) -> None:
    out = tmp_path / "out.jsonl"
    mend("run", "emotion", "-i", rows, "-o", out, "--job", "job")
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    assert [a["input"] for a in answers][:2] == ["so happy 0", "a doubt 1"]
    assert {attempt["seconds"] for answer in answers for attempt in answer["trail"]} == {0.0}


def test_a_finished_job_says_so_and_opens_nothing(
    mend: Mend, tmp_path: Path, rows: Path, no_models: Any
) -> None:
    out = tmp_path / "out.jsonl"
    command = ("run", "emotion", "-i", rows, "-o", out, "--job", "job")
    mend(*command)
    written, stamp = out.read_bytes(), out.stat().st_mtime_ns
    no_models()
    again = mend(*command)
    assert again.code == 0
    assert again.err.startswith(
        "job 'job' is finished already; mend jobs remove job to start over\n50 rows: "
    )
    assert out.stat().st_mtime_ns == stamp
    out.unlink()
    assert "finished already" not in mend(*command).err
    assert out.read_bytes() == written
    rows.unlink()
    out.unlink()
    assert mend(*command).code == 0
    assert out.read_bytes() == written


def test_the_answers_of_a_job_can_be_written_elsewhere_too(
    mend: Mend, tmp_path: Path, rows: Path, no_models: Any
) -> None:
    mend("run", "emotion", "-i", rows, "-o", tmp_path / "out.jsonl", "--job", "job")
    no_models()
    ran = mend("run", "emotion", "-i", rows, "-o", tmp_path / "out.csv", "--job", "job")
    assert ran.code == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 51
    assert (tmp_path / "out.jsonl").exists()


def test_an_empty_input_is_a_job_too(mend: Mend, tmp_path: Path, no_models: Any) -> None:
    no_models()
    (tmp_path / "rows.txt").write_text("")
    out = tmp_path / "out.csv"
    ran = mend("run", "emotion", "-i", tmp_path / "rows.txt", "-o", out, "--job", "job")
    assert (ran.code, ran.err) == (0, f"no rows; written to {out}\n")
    assert len(out.read_text().splitlines()) == 1
    assert progress().state == "finished"


def test_every_row_failed_is_an_exit_code(mend: Mend, tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("\n\n")
    ran = mend("run", "emotion", "-i", tmp_path / "rows.txt", "-o", tmp_path / "o.csv", "--job", "job")
    assert ran.code == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--threshold", "0.9"), "--threshold was not set and is now 0.9"),
        (("--down", "primary"), "--down was not set and is now primary"),
        (("--ask", "never"), "--ask was not set and is now never"),
        (("--chunk", "9"), "--chunk was 7 and is now 9"),
        (("--column", "n"), "--column was text and is now n"),
        (("--set", "emotion.max_length=64"), "the setting max_length was 128 and is now 64"),
    ],
)
def test_what_changed_since_a_job_began_is_named(
    mend: Mend, tmp_path: Path, rows: Path, change: tuple[str, ...], message: str
) -> None:
    command = ("run", "emotion", "-i", rows, "-o", tmp_path / "out.csv", "--job", "job")
    assert mend(*command, "--chunk", 7).code == 0
    ran = mend(*command, *change)
    assert ran.code == 1
    assert ran.err.startswith(f"error: job 'job' began otherwise: {message}\nhint: go on as it began, ")
    assert mend(*command).code == 0  # the chunk size need not be said again


def test_a_changed_input_is_refused(mend: Mend, tmp_path: Path, rows: Path) -> None:
    command = ("run", "emotion", "-i", rows, "-o", tmp_path / "out.csv", "--job", "job")
    mend(*command)
    with rows.open("a") as file:
        file.write('{"text": "one more"}\n')
    ran = mend(*command)
    assert ran.code == 1
    assert f"the content of {rows} has changed since" in ran.err
    assert mend("jobs", "remove", "job").err == "removed job job\n"
    assert mend(*command).code == 0
    assert progress().rows == 51


def test_changed_weights_are_refused(
    mend: Mend, tmp_path: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("run", "emotion", "-i", rows, "-o", tmp_path / "out.csv", "--job", "job", "--chunk", "10")
    with stopping_after(2):
        mend(*command)
    assert progress().done == 20
    real = scripted.load
    from mendgraph.testing import Scripted

    other = {
        "primary": Scripted(scripted.primary, fingerprint="new"),
        "backup": Scripted(scripted.backup, fingerprint="two"),
    }
    assembly = sys.modules["mendgraph.assembly"]
    monkeypatch.setattr(assembly, "load", lambda name, **given: real(name, **given, tiers=other))
    ran = mend(*command)
    assert ran.code == 1
    assert "the fingerprint of primary was scripted and is now new" in ran.err


@contextmanager
def stopping_after(chunks: int) -> Iterator[None]:
    """Ctrl-C in the middle of the chunk after so many."""
    from mendgraph.cli import job

    real, seen = job.answered, iter(range(chunks))

    def answered(*given: Any) -> Any:
        if next(seen, None) is None:
            raise KeyboardInterrupt
        return real(*given)

    with patch.object(job, "answered", answered):
        yield


def test_ctrl_c_says_how_to_go_on_and_going_on_says_from_where(
    mend: Mend, tmp_path: Path, rows: Path
) -> None:
    out = tmp_path / "out.csv"
    command = ("run", "emotion", "-i", rows, "-o", out, "--job", "job", "--chunk", "10")
    with stopping_after(3):
        ran = mend(*command)
    assert ran.code == 130
    assert ran.err == "job 'job' has 30 of 50 rows; the same command goes on from there\nstopped\n"
    assert not out.exists()
    ran = mend(*command)
    assert ran.err.startswith("resumed at 30 of 50 rows\n50 rows: ")
    assert len(out.read_text().splitlines()) == 51


@pytest.mark.parametrize(
    "arguments",
    [
        ("text", "--job", "j", "-o", "out.csv"),
        ("-", "--job", "j", "-o", "out.csv"),
        ("-i", "rows.txt", "--job", "j"),
        ("-i", "rows.txt", "-o", "out.csv", "--job", "j", "--json"),
        ("text", "--chunk", "7"),
        ("text", "--wait"),
        ("-i", "rows.txt", "-o", "out.csv", "--job", "j", "--deadline", "5"),
    ],
)
def test_a_job_reads_a_file_and_writes_one(mend: Mend, arguments: tuple[str, ...]) -> None:
    ran = mend("run", "emotion", *arguments)
    assert ran.code == 2
    assert "job" in ran.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--column": "body"}, "has no column 'body'"),
        ({"-o": "{folder}/missing/out.csv"}, "make it first"),
        ({"-o": "{folder}/out.xls"}, "unknown kind"),
        ({"-o": "/dev/null.csv/x.csv"}, "no folder"),
        ({"-i": "{folder}/none.jsonl"}, "no file"),
        ({"--job": "../job"}, "is no name for a job"),
    ],
)
def test_what_would_fail_late_fails_before_anything_begins(
    mend: Mend, tmp_path: Path, rows: Path, no_models: Any, change: dict[str, str], message: str
) -> None:
    no_models()
    given = {"-i": str(rows), "-o": str(tmp_path / "out.csv"), "--job": "job"} | change
    options = [part.format(folder=tmp_path) for pair in given.items() for part in pair]
    ran = mend("run", "emotion", *options)
    assert ran.code == 1
    assert message in ran.err
    assert job_folder().names() == []


def test_jobs_are_listed_shown_and_removed(mend: Mend, tmp_path: Path, rows: Path) -> None:
    assert "mend run GRAPH" in mend("jobs", "list").err
    out = tmp_path / "out.csv"
    mend("run", "emotion", "-i", rows, "-o", out, "--job", "big.1")
    [line] = [json.loads(line) for line in mend("jobs", "list", "--json").out.splitlines()]
    assert (line["name"], line["state"], line["done"], line["rows"]) == ("big.1", "finished", 50, 50)
    header, row, *folded = mend("jobs", "list").out.splitlines()
    assert header.split()[:3] == ["job", "graph", "state"]
    assert "".join(line.strip() for line in folded) in str(out)
    assert row.split()[:6] == ["big.1", "emotion", "finished", "50", "of", "50"]
    shown = mend("jobs", "show", "big.1").out
    for part in ("finished", str(rows), str(out), "26 accepted", "--column = text", "primary = scripted"):
        assert part in shown.replace("\n", "")
    assert json.loads(mend("jobs", "show", "big.1", "--json").out)["output"] == str(out)
    out.unlink()
    assert "(missing)" in mend("jobs", "list").out
    ran = mend("jobs", "show", "big")
    assert (ran.code, ran.err) == (1, "error: unknown job 'big'; known: big.1\nhint: did you mean 'big.1'?\n")
    assert mend("jobs", "remove", "big.1").code == 0
    assert job_folder().names() == []


def test_removing_an_unfinished_job_says_what_is_lost(mend: Mend, tmp_path: Path, rows: Path) -> None:
    with stopping_after(1):
        mend("run", "emotion", "-i", rows, "-o", tmp_path / "o.csv", "--job", "job", "--chunk", 20)
    assert "stopped" in mend("jobs", "list").out
    assert mend("jobs", "remove", "job").err == "removed job job, with the answers of 20 rows\n"


def test_a_job_file_that_is_damaged_spoils_no_list(mend: Mend, tmp_path: Path, rows: Path) -> None:
    mend("run", "emotion", "-i", rows, "-o", tmp_path / "o.csv", "--job", "good")
    (job_folder().path / "bad.sqlite").write_bytes(b"?" * 4096)
    ran = mend("jobs", "list")
    assert "good" in ran.out
    assert "not a database" in ran.err
    assert mend("jobs", "remove", "bad").code == 0


def until(done: int, process: subprocess.Popen[str]) -> Progress | None:
    """Waits until so many rows are committed; None where the process ended before."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if "job" in job_folder().names() and (found := job_folder().look("job")) and found.done >= done:
            return found
        if process.poll() is not None:
            return None
        time.sleep(0.01)
    raise AssertionError("the job did not get on")


def test_kill_9_again_and_again_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", 3000)
    straight, killed = tmp_path / "straight.jsonl", tmp_path / "killed.jsonl"
    command = ("run", "emotion", "--input", str(rows), "--chunk", "50")
    process = started(*command, "--output", str(straight), "--job", "straight")
    process.communicate(timeout=120)
    assert process.returncode == 0
    kills, points = 0, random.Random(3)
    for share in (0.1, 0.4, 0.7, None):
        process = started(*command, "--output", str(killed), "--job", "job")
        if share is not None and until(int(3000 * share), process):
            time.sleep(points.uniform(0.0, 0.02))
            process.kill()
            kills += 1
        _, err = process.communicate(timeout=120)
        assert killed.exists() == (process.returncode == 0)
    assert kills >= 1
    assert "resumed at " in err
    assert process.returncode == 0
    assert killed.read_bytes() == straight.read_bytes()
    found = progress()
    assert (found.state, found.done, sum(found.statuses.values())) == ("finished", 3000, 3000)


def test_a_second_process_refuses_and_a_killed_one_is_no_obstacle(mend: Mend, tmp_path: Path) -> None:
    rows = tmp_path / "rows.txt"
    rows.write_text("happy\nhappy\nhang\n")
    command = (
        "run",
        "emotion",
        "-i",
        str(rows),
        "-o",
        str(tmp_path / "o.csv"),
        "--job",
        "job",
        "--chunk",
        "2",
    )
    process = started(*command)
    assert until(2, process)
    ran = mend(*command)
    assert ran.code == 1
    assert ran.err.startswith(f"error: job 'job' is being worked on by process {process.pid} since 20")
    assert "--wait" in ran.err
    assert progress().state == "running"
    assert mend("jobs", "remove", "job").code == 1
    waiting = started(*command, "--wait")
    assert waiting.stderr is not None
    assert waiting.stderr.readline().startswith(f"waiting for process {process.pid} since 20")
    process.kill()
    process.communicate(timeout=60)
    assert waiting.stderr.readline() == "resumed at 2 of 3 rows\n"
    assert progress().pid == waiting.pid
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 130
    assert err == ("job 'job' has 2 of 3 rows; the same command goes on from there\nstopped\n")
    assert progress().state == "stopped"
