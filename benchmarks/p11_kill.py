"""P11: kill -9 at random points of a durable job, started again each time, until every row is answered.

    python -m benchmarks.p11_kill                        # 500 points, a scripted tier, 2,000 rows a job
    python -m benchmarks.p11_kill --points 20 --models   # the emotion graph as it ships

A parent that has imported everything and opened no model forks a child per attempt.  Most points are drawn uniformly
over the time a whole job takes, the others within a commit or while the output is written.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import RESULTS, Goal, machine
from benchmarks.killed_jobs import Count, cold_starts, one_job, prepared
from benchmarks.killing import warm

NONE_MAY = Goal(0.0, 0.0, "lower")
FIRST_ROW_MS = 100.0
"""An aim, not a must: most of it is the models' own first forward pass."""


def spread(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {"repeats": 0}
    low, high, worst = (float(q) * 1e3 for q in np.quantile(seconds, [0.5, 0.95, 1.0]))
    return {
        "median_ms": round(low, 2),
        "p95_ms": round(high, 2),
        "max_ms": round(worst, 2),
        "repeats": len(seconds),
    }


def figures(count: Count) -> list[dict[str, Any]]:
    counted = (
        ("rows lost", count.lost),
        ("rows answered twice", count.twice),
        ("outputs that differ from the uninterrupted run's", count.different),
    )
    found: list[dict[str, Any]] = [
        {"name": name, "value": value, **_judged(value)} for name, value in counted
    ]
    if count.from_loaded:
        middle = round(float(np.median(count.from_loaded)) * 1e3, 2)
        name = "first new row after the models are loaded, ms"
        judged = {
            "aim": FIRST_ROW_MS,
            "better": "lower",
            "verdict": "aim" if middle <= FIRST_ROW_MS else "above",
        }
        found.append({"name": name, "value": middle, **judged, **spread(count.from_loaded)})
    return found


def _judged(value: float) -> dict[str, Any]:
    goal = NONE_MAY
    return {"must": goal.must, "aim": goal.aim, "better": goal.better, "verdict": goal.verdict(value)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--points", type=int, default=500, help="how often to kill")
    parser.add_argument("--rows", type=int, help="rows of a job (2,000; with --models 400)")
    parser.add_argument("--chunk", type=int, help="rows per commit (64; with --models 16)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", action="store_true", help="the shipped emotion models, not a script")
    parser.add_argument("--into", type=Path, default=RESULTS, help="folder of the JSON result")
    given = parser.parse_args()
    before = machine()
    rows = given.rows or (400 if given.models else 2000)
    chunk = given.chunk or (16 if given.models else 64)
    folder = Path(tempfile.mkdtemp(prefix="p11-"))
    os.environ["MENDGRAPH_HOME"] = str(folder / "home")
    began = time.monotonic()
    try:
        warm()
        arena = prepared(folder, rows, chunk, models=given.models)
        count, rng = Count(), random.Random(given.seed)
        while count.kills.total() < given.points:
            one_job(arena, count, rng, given.points)
            print(f"\r  {count.kills.total()} kills, {count.jobs} jobs finished", end="", flush=True)
        cold = cold_starts(arena, 3) if given.models else []
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    measure = "p11_kill_models" if given.models else "p11_kill"
    found = {
        "measure": measure,
        "what": f"kill -9 at {count.kills.total()} random points of durable jobs of {rows} rows",
        "command": "python -m benchmarks.p11_kill" + (f" --points {given.points} --models" * given.models),
        "figures": figures(count),
        "details": {
            "tiers": "shipped" if given.models else "scripted",
            "rows": rows,
            "chunk": chunk,
            "kills": dict(count.kills),
            "jobs_finished": count.jobs,
            "rows_whose_commit_was_cut": count.cut_commits,
            "uninterrupted_ms": round(arena.whole * 1e3, 1),
            "commit_ms": round(arena.commit * 1e3, 2),
            "output_ms": round(arena.output * 1e3, 2),
            "fork_to_first_new_row": spread(count.from_start),
            "loaded_to_first_new_row": spread(count.from_loaded),
            "loaded_to_first_commit": spread(count.to_commit),
            "cold_command_to_next_commit": spread(cold),
            "seconds": round(time.monotonic() - began, 1),
        },
        "machine": before,
    }
    print(f"\n{measure}: {found['what']}")
    for one in figures(count):
        print(f"  {one['name']:<52} {one['value']:>8}  aim {one['aim']:>4g}  {one['verdict']}")
    given.into.mkdir(parents=True, exist_ok=True)
    path = given.into / f"{measure}.json"
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"  written to {path}")
    if count.lost or count.twice or count.different:
        sys.exit(1)


if __name__ == "__main__":
    main()
