"""Tiers with faults of their own, and how to ask a supervised one."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence

from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import BadOutput, OutOfMemory
from mendgraph.runtime.supervised import Outcome

Answerer = Callable[[Sequence[Input]], Sequence[Outcome]]


def inputs(count: int) -> list[Input]:
    return [Input(str(number)) for number in range(count)]


def said(row: Input) -> Prediction:
    return Prediction(row.text, {row.text: 1.0}, 1.0)


def labels(outcomes: Sequence[Outcome]) -> list[str]:
    """The label of each prediction, the kind of each failure."""
    return [outcome.kind if isinstance(outcome, Failure) else outcome.label for outcome in outcomes]


def texts(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def finite(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """A check as the graphs make it."""
    bad = Failure.of(BadOutput("not finite"))
    return [o if isinstance(o, Failure) or math.isfinite(o.raw) else bad for o in outcomes]


class Echo:
    """Answers each row with its own text; `does` may do something else with the rows of call number n (from 1)."""

    def __init__(
        self, does: Callable[[int, Sequence[Input]], Sequence[Outcome] | None] | None = None
    ) -> None:
        self.name = "echo"
        self.fingerprint = "echo-1"
        self.sizes: list[int] = []
        self._does = does
        self._lock = threading.Lock()

    @property
    def calls(self) -> int:
        return len(self.sizes)

    def predict(self, rows: Sequence[Input]) -> Sequence[Outcome]:
        with self._lock:
            self.sizes.append(len(rows))
            number = len(self.sizes)
        found = self._does(number, rows) if self._does else None
        return [said(row) for row in rows] if found is None else found


def raising(error: BaseException, when: Callable[[int], bool] = lambda number: True) -> Echo:
    def does(number: int, rows: Sequence[Input]) -> None:
        if when(number):
            raise error

    return Echo(does)


def cramped(room: int) -> Echo:
    """Runs out of memory above `room` rows."""

    def does(number: int, rows: Sequence[Input]) -> None:
        if len(rows) > room:
            raise OutOfMemory(f"{len(rows)} rows do not fit")

    return Echo(does)


class Hanging(Echo):
    """Hangs at the calls for which `when` holds, until it is released."""

    def __init__(self, when: Callable[[int], bool] = lambda number: True) -> None:
        super().__init__(self._hang)
        self.when = when
        self.released = threading.Event()

    def _hang(self, number: int, rows: Sequence[Input]) -> None:
        if self.when(number):
            self.released.wait(60.0)
