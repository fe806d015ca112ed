"""What a worker process costs: its start, each call, its memory, its replacement.

Two tiers: one that does no work, so that only the crossing is left, and the emotion graph's primary.  Calls are timed
against the same tier in this process, in turns; the answers are compared first, and must be equal bit for bit.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import RESULTS, Seconds, interleaved, machine, ratio_of_medians
from benchmarks.texts import mixed_lengths
from mendgraph.config import load_config
from mendgraph.core.preprocess import prepare
from mendgraph.core.tier import Tier
from mendgraph.core.values import Input
from mendgraph.runtime.recipe import Recipe
from mendgraph.runtime.worker.process import ProcessChannel

START_S = 120.0
PATIENCE_S = 60.0
BATCHES = (1, 256)
NO_WORK = Recipe("mendgraph.testing:Scripted", {"answers": {}, "otherwise": "joy"})


def primary() -> Recipe:
    """The emotion graph's first model, as its configuration has it."""
    spec = load_config().graph("emotion").model_dump(mode="json")
    return Recipe("mendgraph.assembly:tier_in_worker", {"graph": "emotion", "spec": spec, "tier": "primary"})


def opened(recipe: Recipe, *, warm_standby: bool = False) -> ProcessChannel:
    channel = ProcessChannel("measured", recipe, start_s=START_S, warm_standby=warm_standby)
    if channel.error is not None:
        raise channel.error
    return channel


def starts(recipe: Recipe, repeats: int) -> Seconds:
    """From nothing to an open tier: interpreter, imports, weights."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        channel = opened(recipe)
        taken.append(time.perf_counter() - started)
        channel.close()
    return np.array(taken)


def restarts(
    channel: ProcessChannel, rows: Sequence[Input], repeats: int, *, ready: Callable[[], bool]
) -> Seconds:
    """From kill -9 of an idle worker to the next answer; `ready` holds before each kill."""
    taken = []
    for number in range(repeats):
        until(ready)
        channel.call(rows, None)
        assert channel.pid is not None
        os.kill(channel.pid, signal.SIGKILL)
        started = time.perf_counter()
        until(lambda done=number: channel.restarts > done)  # type: ignore[misc]
        channel.call(rows, None)
        taken.append(time.perf_counter() - started)
    return np.array(taken)


def calls(channel: ProcessChannel, tier: Tier, rows: Sequence[Input], repeats: int) -> dict[str, Any]:
    """Seconds of a call there and here."""
    if [one.to_dict() for one in channel.call(rows, None)] != [one.to_dict() for one in tier.predict(rows)]:
        raise AssertionError("the worker's answers differ from those of the same tier in this process")
    taken = interleaved(
        {"process": lambda _: channel.call(rows, None), "inline": lambda _: tier.predict(rows)},
        repeats=repeats,
    )
    ratio, low, high = ratio_of_medians(taken["process"], taken["inline"])
    more = float(np.median(taken["process"]) - np.median(taken["inline"]))
    return {
        "rows": len(rows),
        "added_us": round(more * 1e6, 1),
        "added_us_per_row": round(more / len(rows) * 1e6, 2),
        "ratio": round(ratio, 4),
        "interval95": [round(low, 4), round(high, 4)],
        "process_us": spread(taken["process"], 1e6),
        "inline_us": spread(taken["inline"], 1e6),
    }


def memory(pid: int | None) -> dict[str, float | None]:
    """MB of a process: resident, and its share of what it has in common with others; Linux only."""
    fields = {"Rss:": "resident_mb", "Pss:": "proportional_mb"}
    found: dict[str, float | None] = dict.fromkeys(fields.values())
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    if rollup.is_file():
        for line in rollup.read_text(encoding="ascii").splitlines():
            name, *rest = line.split()
            if name in fields:
                found[fields[name]] = round(int(rest[0]) / 1024, 1)
    return found


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > ends:
            raise AssertionError(f"nothing happened within {PATIENCE_S:g} s")
        time.sleep(0.0005)


def spread(seconds: Seconds, unit: float) -> dict[str, float]:
    return {
        "median": round(float(np.median(seconds)) * unit, 3),
        "p95": round(float(np.quantile(seconds, 0.95)) * unit, 3),
        "repeats": len(seconds),
    }


def measure(recipe: Recipe, *, lives: int, repeats: dict[int, int]) -> dict[str, Any]:
    """Everything about one tier."""
    texts = mixed_lengths(max(BATCHES))
    rows = [prepare(text) for text in texts]
    tier = recipe.open()
    started = starts(recipe, lives)
    alone = opened(recipe)
    costs = [calls(alone, tier, rows[:size], repeats[size]) for size in BATCHES]
    resident = memory(alone.pid)
    replaced = restarts(alone, rows[:1], lives, ready=lambda: alone.state == "up")
    alone.close()
    pair = opened(recipe, warm_standby=True)
    swapped = restarts(pair, rows[:1], lives, ready=lambda: pair.standing_by)
    pair.close()
    return {
        "start_s": spread(started, 1.0),
        "calls": costs,
        "memory": resident,
        "killed_to_next_answer_s": spread(replaced, 1.0),
        "killed_to_next_answer_with_standby_ms": spread(swapped, 1e3),
    }


def show(name: str, found: dict[str, Any]) -> None:
    print(f"  {name}")
    print(f"    start                                 {found['start_s']['median']:>10.3f} s")
    for cost in found["calls"]:
        print(
            f"    added to a call of {cost['rows']:>3} rows           {cost['added_us']:>10.1f} us"
            f"   ratio {cost['ratio']:.3f}  {cost['interval95'][0]:.3f} - {cost['interval95'][1]:.3f}"
        )
    print(f"    resident memory                       {found['memory']['resident_mb'] or 0:>10.1f} MB")
    print(f"    killed, to the next answer            {found['killed_to_next_answer_s']['median']:>10.3f} s")
    swap = found["killed_to_next_answer_with_standby_ms"]
    print(f"    the same with a standby               {swap['median']:>10.1f} ms")


def main(scale: float = 1.0) -> None:
    before = machine()
    many = partial(_scaled, scale)
    print("isolation: what a worker process costs")
    figures = {}
    for name, recipe, lives, repeats in (
        (
            "a tier without work",
            NO_WORK,
            many(10),
            {1: many(3000), 256: many(300)},
        ),
        ("the emotion primary", primary(), many(5), {1: many(150), 256: many(12)}),
    ):
        figures[name] = measure(recipe, lives=lives, repeats=repeats)
        show(name, figures[name])
    report = {
        "measure": "isolation",
        "what": "what a worker process costs: start, calls over inline, memory, replacement",
        "command": "python -m benchmarks.isolation",
        "figures": figures,
        "machine": before,
    }
    path = RESULTS / "isolation.json"
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"  written to {path.relative_to(RESULTS.parents[1])}")


def _scaled(scale: float, count: int) -> int:
    return max(2, round(scale * count))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
