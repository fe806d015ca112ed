from __future__ import annotations

import signal

import pytest

from mendgraph.runtime.worker.last_words import LastWords, obituary


def words(*pieces: bytes) -> LastWords:
    heard = LastWords()
    for piece in pieces:
        heard.hear(piece)
    return heard


def test_the_last_lines_are_kept_wherever_the_stream_was_cut() -> None:
    heard = words(b"old\n" * 100, b"one\ntw", b"o\n\n", b"thr\xffee")
    assert heard.all()[-4:] == ["old", "one", "two", "thr\ufffdee"]
    assert len(heard.all()) <= 41


def test_memory_is_bounded() -> None:
    heard = words(*[b"x" * 100_000] * 50, b"\n", b"y" * 100_000 + b"\n")
    assert sum(map(len, heard.all())) < 20_000


def test_progress_bars_count_as_lines() -> None:
    assert words(b"\r 10 %\r 20 %\r").all() == [" 10 %", " 20 %"]


def test_a_fatal_error_is_quoted_from_its_beginning() -> None:
    said = words(b"loading\nFatal Python error: Aborted\n  File x.py\n1\n2\n3\n").quoted()
    assert said == "Fatal Python error: Aborted / File x.py / 1 / 2"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (-signal.SIGKILL, "was killed by SIGKILL (the kernel's out-of-memory killer?)"),
        (-signal.SIGSEGV, "crashed in native code (SIGSEGV)"),
        (-signal.SIGTERM, "was killed by SIGTERM"),
        (-60, "was killed by signal 60"),
        (3, "ended with exit code 3"),
        (None, "was killed and does not end"),
    ],
)
def test_it_says_what_it_died_of(status: int | None, told: str) -> None:
    assert obituary("primary", status, words(b"bye\n")).message == f"the worker of tier 'primary' {told}: bye"
    assert obituary("primary", status, words()).message == f"the worker of tier 'primary' {told}"
