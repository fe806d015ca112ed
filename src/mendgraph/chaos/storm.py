"""Requests from several threads while a plan's faults strike."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mendgraph.app import MendGraph
from mendgraph.chaos.resources import Sample, Sampler, look, measurable
from mendgraph.chaos.tally import Tally
from mendgraph.core.values import Answer
from mendgraph.nodes.state import Ask
from mendgraph.testing.ledger import Strikes

LARGEST = 8
"""Rows of the largest request."""

GRACE_S = 60.0
"""Seconds after which a request that has not come back is given up, and a tier that is starting."""

TICK_S = 0.2
POINTS = 900

Served = tuple[list[Answer], float, float]


@dataclass(frozen=True, slots=True)
class Moment:
    """How it stands, for whoever watches.

    Attributes:
        seconds: since the start.
        tiers: name -> ``up``, or what else its health says.
    """

    seconds: float
    tally: Tally
    tiers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Storm:
    """What was seen of one storm; `openings` and `restarts` are per tier."""

    began: float
    tally: Tally
    samples: list[Sample]
    openings: dict[str, int]
    restarts: dict[str, int]
    health: dict[str, dict[str, Any]]


def warm_up(graph: MendGraph, texts: Sequence[str]) -> None:
    """Has every tier answer once, so that the first rows of a storm do not pay for what happens only once."""
    patience = time.time() + GRACE_S
    watch, ask = _Watch(graph), _asking(graph)
    watch.rest(patience)
    while time.time() < patience:
        answers = graph.run(
            list(texts[:LARGEST]), ask=ask, threshold=1.0
        )  # sure of nothing: all tiers are asked
        if not any(step.failure for answer in answers for step in answer.trail):
            return
        watch.rest(patience)
        time.sleep(TICK_S)


def storm(
    graph: MendGraph,
    texts: Sequence[str],
    *,
    seconds: float,
    threads: int = 4,
    rate: float | None = None,
    seed: int = 0,
    ledger: Path | None = None,
    begin: Callable[[], None] = lambda: None,
    tell: Callable[[Moment], None] = lambda moment: None,
    stop: threading.Event | None = None,
) -> Storm:
    """Waits until the tiers have started, sends rows for `seconds`, waits for every answer, and counts.

    Args:
        graph: opened with faulty tiers.
        texts: rows to draw from; distinct, so that a lost row and one answered twice can be told.
        threads: requests that are under way at once.
        rate: rows a second; None for as many as it can answer.
        ledger: the folder in which the faulty tiers write what struck them.
        begin: called when all is ready and the first row is about to be sent.
        stop: ends the storm early.
    """
    tally, rng = Tally(), random.Random(seed)
    strikes = None if ledger is None else Strikes(ledger)
    watch = _Watch(graph)
    watch.rest(time.time() + GRACE_S)
    sampler = Sampler(min(max(seconds / POINTS, 0.25), 5.0))
    pool = ThreadPoolExecutor(threads, "mend-chaos")
    ask = _asking(graph)
    running: dict[Future[Served], list[str]] = {}

    def serve(rows: list[str]) -> Served:
        began = time.time()
        answers = graph.run(rows, ask=ask)
        return answers, began, time.time()

    def collect(timeout: float) -> None:
        done, _ = wait(running, timeout, FIRST_COMPLETED)
        for future in done:
            _count(tally, running.pop(future), future)
        if watch.due():
            watch.look()
            hear()
            tell(Moment(time.time() - began, tally, watch.states()))

    def hear() -> None:
        for strike in strikes.new() if strikes is not None else ():
            tally.struck(strike)

    sampler.start()
    begin()
    began = due = time.time()
    try:
        while (now := time.time()) < began + seconds and not (stop and stop.is_set()):
            if len(running) < threads and now >= due:
                rows = rng.sample(texts, rng.randint(1, min(LARGEST, len(texts))))
                running[pool.submit(serve, rows)] = rows
                due = max(due, now - 1.0) + (len(rows) / rate if rate else 0.0)
            elif len(running) < threads:
                collect(min(due - now, TICK_S)) if running else time.sleep(min(due - now, TICK_S))
            else:
                collect(TICK_S)
        patience = time.time() + GRACE_S
        while running and time.time() < patience:
            collect(TICK_S)
        for rows in running.values():
            tally.vanished(rows, "no answer came back")
        watch.rest(patience)
        hear()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        sampler.stop()
    if measurable():
        sampler.samples.append(look())
    return Storm(began, tally, sampler.samples, dict(watch.openings), watch.restarts(), graph.health())


def _asking(graph: MendGraph) -> Ask | None:
    """Nobody is there to be asked: an interrupt becomes a returned question."""
    return "return" if graph.context.ask == "interrupt" else None


def _count(tally: Tally, rows: list[str], future: Future[Served]) -> None:
    error = future.exception()
    if error is not None:
        tally.vanished(rows, f"{type(error).__name__}: {error}")
        return
    answers, began, ended = future.result()
    tally.request(rows, answers, began, ended)


class _Watch:
    """Looks at the tiers' health often enough to see breakers open."""

    def __init__(self, graph: MendGraph) -> None:
        self._graph = graph
        self._first = self._last = graph.health()
        self._looked = time.monotonic()
        self.openings: Counter[str] = Counter()

    def due(self) -> bool:
        return time.monotonic() - self._looked >= TICK_S

    def look(self) -> None:
        self._looked = time.monotonic()
        now = self._graph.health()
        for name, health in now.items():
            if health["breaker"] == "open" != self._last[name]["breaker"]:
                self.openings[name] += 1
        self._last = now

    def states(self) -> dict[str, str]:
        return {
            name: health["state"] if health["breaker"] == "closed" else health["breaker"].replace("_", " ")
            for name, health in self._last.items()
        }

    def restarts(self) -> dict[str, int]:
        now = self._graph.health()
        return {name: now[name]["restarts"] - health["restarts"] for name, health in self._first.items()}

    def rest(self, patience: float) -> None:
        """Waits until no worker is starting any more."""
        while time.time() < patience and "starting" in {h["state"] for h in self._graph.health().values()}:
            time.sleep(TICK_S)
