"""Slopes and leaks, on series whose answer is known, and on this very process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.chaos.resources import Sample, descendants, leaks, look, measurable, memory, slope_mb_per_min

SAMPLE = Sample(at=0.0, parent_mb=100.0, workers={1: 80.0, 2: 120.0}, files=10, threads=4, shared=0)


def series(slope: float, *, seconds: int = 1200) -> list[Sample]:
    """Memory that grows by `slope` MB a minute after it has jumped by 50 MB while warming up."""
    return [
        replace(SAMPLE, at=1000.0 + at, parent_mb=(50.0 if at < 30 else 100.0) + slope * at / 60)
        for at in range(0, seconds, 2)
    ]


@given(st.floats(-50, 50), st.floats(10, 1000))
def test_the_slope_of_a_line_is_its_slope(slope: float, size: float) -> None:
    seconds = [float(at) for at in range(120)]
    assert slope_mb_per_min(seconds, [size + slope * at / 60 for at in seconds]) == pytest.approx(
        slope, abs=1e-6
    )


def test_a_few_odd_samples_do_not_move_it() -> None:
    seconds = [float(at) for at in range(2000)]
    sizes = [100 + 2.0 * at / 60 for at in seconds]
    for place in range(0, 2000, 10):
        sizes[place] -= 80.0
    assert slope_mb_per_min(seconds, sizes) == pytest.approx(2.0, abs=0.05)


def test_no_samples_have_no_slope() -> None:
    assert slope_mb_per_min([], []) == slope_mb_per_min([1.0], [5.0]) == 0.0
    assert memory([])["judged"] is memory([SAMPLE])["judged"] is False


def test_growth_while_warming_up_is_no_leak_but_growth_after_it_is() -> None:
    flat, steep = memory(series(0.2)), memory(series(3.0))
    assert flat["parent_mb_per_min"] == pytest.approx(0.2, abs=0.01)
    assert flat["judged"]
    assert leaks(SAMPLE, SAMPLE, flat) == []
    assert leaks(SAMPLE, SAMPLE, steep) == ["memory of the parent grows by 3.00 MB a minute"]


def test_a_short_time_says_nothing_about_memory() -> None:
    assert leaks(SAMPLE, SAMPLE, memory(series(30.0, seconds=60))) == []


def test_each_worker_is_judged_by_itself_and_only_if_it_lived() -> None:
    def at(sample: Sample) -> dict[int, float]:
        age = sample.at - 1000.0
        return {1: 100.0 + min(age, 60.0), 2: 80.0 + 2.0 * age / 60, 100 + int(age / 100): 50.0 + age % 100}

    slopes = memory([replace(one, workers=at(one)) for one in series(0.0)])
    assert slopes["workers_judged"] == 2  # twelve others died young
    assert slopes["workers_mb_per_min"] == pytest.approx(2.0, abs=0.01)
    assert leaks(SAMPLE, SAMPLE, slopes) == ["memory of a worker grows by 2.00 MB a minute"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"files": 11}, "open files"),
        ({"workers": {1: 1.0, 2: 1.0, 3: 1.0}}, "child processes: 2 at the start, 3 at the end"),
        ({"shared": 1}, "shared-memory segments"),
    ],
)
def test_what_is_held_at_the_end_and_was_not_at_the_start_is_a_leak(more: dict[str, Any], words: str) -> None:
    after = replace(SAMPLE, **more)
    slopes = memory(series(0.0))
    assert leaks(SAMPLE, after, slopes)[0].startswith(words)
    assert leaks(after, SAMPLE, slopes) == []


@pytest.mark.skipif(not measurable(), reason="needs Linux's /proc")
def test_this_process_is_seen_as_it_is(tmp_path: Path) -> None:
    before = look()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with (tmp_path / "open").open("w"):
        during = look()
    assert child.pid in descendants(os.getpid())
    assert during.processes == before.processes + 1
    assert during.files == before.files + 2  # the file and the pipe
    assert during.parent_mb > 10.0
    child.communicate(b"\n")
    after = look()
    assert (after.processes, after.files) == (before.processes, before.files)
