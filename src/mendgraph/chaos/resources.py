"""What a process and its children hold: memory, files, processes, shared memory.  Read from Linux's /proc."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

PROC = Path("/proc")
SHM = Path("/dev/shm")
WARM_UP = 0.25
"""Share of the time in which memory may still grow: caches fill, allocators find their size."""

JUDGED_FROM_S = 600.0
"""Seconds after the warm-up below which a slope says nothing: a healthy run still levels off after six minutes."""

WORKER_WARM_UP_S = 60.0

LEAK_MB_PER_MIN = 1.0
MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class Sample:
    """One look.  Memory is resident, in MiB.

    Attributes:
        at: epoch seconds.
        parent_mb: of this process.
        workers: process id -> what it holds, of every descendant, those included that have ended but were not
            waited for.
        files: open file descriptors of this process.
        shared: shared-memory segments of this user.
    """

    at: float
    parent_mb: float
    workers: Mapping[int, float]
    files: int
    threads: int
    shared: int

    @property
    def processes(self) -> int:
        return len(self.workers)

    @property
    def workers_mb(self) -> float:
        return sum(self.workers.values())

    def to_dict(self) -> dict[str, Any]:
        names = ("at", "parent_mb", "workers_mb", "files", "threads", "processes", "shared")
        return {name: getattr(self, name) for name in names}


class Sampler:
    """Looks every `interval` seconds from a thread of its own, between `start` and `stop`."""

    def __init__(self, interval: float) -> None:
        self.samples: list[Sample] = []
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mend-chaos-sampler", daemon=True)

    def start(self) -> None:
        if measurable():
            self.samples.append(look())
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self.samples.append(look())


def measurable() -> bool:
    return (PROC / "self" / "statm").is_file()


def look() -> Sample:
    own = os.getpid()
    return Sample(
        at=time.time(),
        parent_mb=_resident_mb(own),
        workers={process: _resident_mb(process) for process in descendants(own)},
        files=len(os.listdir(PROC / str(own) / "fd")) - 1,  # listing takes one itself
        threads=len(os.listdir(PROC / str(own) / "task")),
        shared=_segments(),
    )


def descendants(root: int) -> list[int]:
    """Process ids below `root`."""
    parents: dict[int, int] = {}
    for name in os.listdir(PROC):
        if name.isdigit():
            try:
                stat = (PROC / name / "stat").read_text(errors="replace")
            except OSError:  # it ended while we looked
                continue
            parents[int(name)] = int(stat.rpartition(")")[2].split()[1])
    found: list[int] = []
    level = [root]
    while level:
        level = [process for process, parent in parents.items() if parent in level]
        found += level
    return found


def slope_mb_per_min(seconds: Sequence[float], megabytes: Sequence[float]) -> float:
    """Theil-Sen estimator: the median slope of all pairs, which a few odd samples do not move."""
    at: npt.NDArray[np.float64] = np.asarray(seconds, float)
    size: npt.NDArray[np.float64] = np.asarray(megabytes, float)
    if len(at) > MOST_POINTS:
        kept = np.linspace(0, len(at) - 1, MOST_POINTS).astype(int)
        at, size = at[kept], size[kept]
    first, second = np.triu_indices(len(at), 1)
    apart = at[second] - at[first]
    steps = (size[second] - size[first])[apart > 0] / apart[apart > 0]
    return float(np.median(steps)) * 60.0 if len(steps) else 0.0


def settled(samples: Sequence[Sample]) -> list[Sample]:
    """Those after the warm-up."""
    if not samples:
        return []
    begin, end = samples[0].at, samples[-1].at
    return [sample for sample in samples if sample.at >= begin + WARM_UP * (end - begin)]


def memory(samples: Sequence[Sample]) -> dict[str, Any]:
    """Slopes after the warm-up, in MiB a minute.

    Each worker is looked at by itself, since what it holds goes when it dies; one that did not live for long enough
    says nothing.  Keys: ``parent_mb_per_min``; ``workers_mb_per_min``, the steepest one (None without any that lived);
    ``workers_judged``, how many lived; ``over_s``; ``judged``: whether the parent's slope counts.
    """
    late = settled(samples)
    over = late[-1].at - late[0].at if late else 0.0
    slopes = [
        slope_mb_per_min([at for at, _ in points], [size for _, size in points])
        for points in lives(samples)
        if points and points[-1][0] - points[0][0] >= JUDGED_FROM_S
    ]
    return {
        "parent_mb_per_min": slope_mb_per_min([s.at for s in late], [s.parent_mb for s in late])
        if over
        else None,
        "workers_mb_per_min": max(slopes, default=None),
        "workers_judged": len(slopes),
        "over_s": over,
        "judged": over >= JUDGED_FROM_S,
    }


def lives(samples: Sequence[Sample]) -> list[list[tuple[float, float]]]:
    """For each worker there was, when it held how much, without its warm-up."""
    seen: dict[int, list[tuple[float, float]]] = {}
    for sample in samples:
        for process, size in sample.workers.items():
            seen.setdefault(process, []).append((sample.at, size))
    return [[point for point in life if point[0] >= life[0][0] + WORKER_WARM_UP_S] for life in seen.values()]


def leaks(start: Sample, end: Sample, slopes: dict[str, Any]) -> list[str]:
    """What is held at the end and was not at the start, in words."""
    found = [
        f"{what}: {before} at the start, {after} at the end"
        for what, before, after in (
            ("open files", start.files, end.files),
            ("child processes", start.processes, end.processes),
            ("shared-memory segments", start.shared, end.shared),
        )
        if after > before
    ]
    for whose, judged in (("the parent", slopes["judged"]), ("a worker", slopes["workers_judged"])):
        slope = slopes["parent_mb_per_min" if whose == "the parent" else "workers_mb_per_min"]
        if judged and slope is not None and slope > LEAK_MB_PER_MIN:
            found.append(f"memory of {whose} grows by {slope:.2f} MB a minute")
    return found


def _resident_mb(process: int) -> float:
    try:
        pages = int((PROC / str(process) / "statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _segments() -> int:
    if not SHM.is_dir():
        return 0
    own, count = os.getuid(), 0
    for entry in os.scandir(SHM):
        try:
            count += entry.stat(follow_symlinks=False).st_uid == own
        except OSError:  # gone already
            continue
    return count
