"""Fair timing: both sides in one process, interleaved, in changing order; ratios of medians with their interval."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("mendgraph", "torch", "transformers", "peft", "langgraph", "numpy")

Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Goal:
    """What the figure must reach, and should.  `better` says which way is better."""

    must: float
    aim: float
    better: Literal["lower", "higher"]

    def verdict(self, value: float) -> str:
        if self._reached(value, self.aim):
            return "aim"
        return "must" if self._reached(value, self.must) else "MISSED"

    def _reached(self, value: float, bound: float) -> bool:
        return value <= bound if self.better == "lower" else value >= bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One ratio with its 95 % bootstrap interval, and the two medians behind it in seconds."""

    name: str
    goal: Goal
    ratio: float
    low: float
    high: float
    details: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "ratio": round(self.ratio, 4),
            "interval95": [round(self.low, 4), round(self.high, 4)],
            "must": self.goal.must,
            "aim": self.goal.aim,
            "better": self.goal.better,
            "verdict": self.goal.verdict(self.ratio),
            **self.details,
        }


def interleaved(
    sides: Mapping[str, Callable[[int], object]], *, repeats: int, warmup: int = 3, seed: int = 0
) -> dict[str, Seconds]:
    """Seconds of every call, (repeats,) per side.  Round n calls each side with n, in an order drawn anew."""
    rng = np.random.default_rng(seed)
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(-warmup, repeats):
        for index in rng.permutation(len(sides)):
            name = list(sides)[index]
            start = time.perf_counter()
            sides[name](number % max(repeats, 1))
            spent = time.perf_counter() - start
            if number >= 0:
                taken[name].append(spent)
    return {name: np.array(values) for name, values in taken.items()}


def ratio_of_medians(top: Seconds, bottom: Seconds, *, resamples: int = 2000) -> tuple[float, float, float]:
    """median(top) / median(bottom) and its interval; both sides are resampled by round, since rounds are paired."""
    rng = np.random.default_rng(0)
    rounds = rng.integers(0, len(top), (resamples, len(top)))
    drawn = np.median(top[rounds], axis=1) / np.median(bottom[rounds], axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(np.median(top) / np.median(bottom)), float(low), float(high)


def summary(seconds: Seconds) -> dict[str, float]:
    return {
        "median_ms": round(float(np.median(seconds)) * 1e3, 3),
        "p95_ms": round(float(np.quantile(seconds, 0.95)) * 1e3, 3),
        "repeats": len(seconds),
    }


def figure(name: str, goal: Goal, top: Seconds, bottom: Seconds, **details: Any) -> Figure:
    return Figure(name, goal, *ratio_of_medians(top, bottom), details)


def machine() -> dict[str, Any]:
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "versions": {name: version(name) for name in PACKAGES},
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def report(measure: str, what: str, figures: Sequence[Figure], before: Mapping[str, Any]) -> Path:
    """Prints the table and writes ``results/<measure>.json``; `before` is `machine()` taken at the start."""
    print(f"\n{measure}: {what}")
    print(f"  {'':<44} {'ratio':>7}  {'95 % interval':<16} {'must':>6} {'aim':>6}")
    for one in figures:
        sign = "<=" if one.goal.better == "lower" else ">="
        print(
            f"  {one.name:<44} {one.ratio:>7.3f}  {f'{one.low:.3f} - {one.high:.3f}':<16} "
            f"{sign}{one.goal.must:>4.2f} {sign}{one.goal.aim:>4.2f}  {one.goal.verdict(one.ratio)}"
        )
    load = before["load_before"]
    if load is not None and load > 0.5 * (before["cores"] or 1):
        print(f"  the machine was busy (load {load}): measure again when it is quiet")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{measure}.json"
    found = {
        "measure": measure,
        "what": what,
        "command": f"python -m benchmarks.{measure}",
        "figures": [one.to_dict() for one in figures],
        "machine": dict(before),
    }
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"  written to {path.relative_to(RESULTS.parents[1])}")
    return path
