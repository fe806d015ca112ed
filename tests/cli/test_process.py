"""`mend` as a process of its own: what is imported, signals, closed pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = str(Path(__file__).with_name("scripted.py"))
HEAVY = ("torch", "transformers", "langgraph", "langchain_core", "matplotlib", "pandas", "prompt_toolkit")


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, SCRIPT, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"], ["run", "emotoin", "x"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys; from mendgraph.cli.main import app\n"
        f"try: app({arguments!r})\n"
        f"except SystemExit: print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version_is_the_installed_one() -> None:
    import mendgraph

    out, _ = started("--version").communicate(timeout=60)
    assert out == f"mendgraph {mendgraph.__version__}\n"


def test_ctrl_c_ends_a_run_with_130_and_one_word() -> None:
    process = started("run", "emotion", "-", "--json")
    assert process.stdin is not None
    assert process.stdout is not None
    # A full chunk is answered before the next is read, so that the run is under way when the signal comes.
    process.stdin.write("happy\n" * 2048)
    process.stdin.flush()
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "stopped\n")


def test_ctrl_c_is_heard_while_a_model_hangs_and_written_rows_stay(tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.txt", tmp_path / "answers.jsonl"
    rows.write_text("happy\n" * 2048 + "hang\n")
    process = started("run", "emotion", "--input", str(rows), "--output", str(out))
    while not out.exists() or out.read_text(encoding="utf-8").count("\n") < 2048:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, f"2,048 rows: 2,048 accepted; written to {out}\nstopped\n")


def test_a_reader_that_leaves_early_is_no_error() -> None:
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, SCRIPT, "run", "emotion", "-", "--json"],
        stdin=subprocess.PIPE,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    os.close(read)
    _, err = process.communicate("happy\n" * 100, timeout=60)
    assert (process.returncode, err) == (141, "")


def test_chat_without_a_terminal_answers_every_line_before_the_next() -> None:
    process = started("chat", "emotion")
    assert process.stdin is not None
    assert process.stdout is not None
    for line, status in [
        ("so happy", "accepted"),
        ("mixed", "needs_clarification"),
        ("/help", "accepted"),
        ("", "failed"),
    ]:
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert (answer["input"], answer["status"]) == (line, status)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_output_survives_a_terminal_without_unicode() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "run", "emotion", "happy é 😀"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        check=True,
    )
    assert done.stdout.isascii()
    assert b"joy  ####" in done.stdout
