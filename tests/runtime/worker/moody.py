"""A tier that does what its rows say, and recipes that open it in a worker process."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactMissing, ConfigError, OutOfMemory
from mendgraph.runtime.notes import note
from mendgraph.runtime.recipe import Recipe

FOREVER_S = 600

MODULE = "tests.runtime.worker.moody"


def recipe(**arguments: Any) -> Recipe:
    return Recipe(f"{MODULE}:open_moody", arguments)


class Strange(OutOfMemory):
    """An error that the other process does not know."""

    kind = "strange"


class Moody:
    """Rows are commands; any other text is answered with itself."""

    name = "moody"

    def __init__(self, fingerprint: str, calibrator: Any = None) -> None:
        self.fingerprint = fingerprint
        self.calibrator = calibrator

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        return [self._one(row) for row in rows]

    def _one(self, row: Input) -> Prediction | Failure:
        command, _, argument = row.text.partition(":")
        if command in DEEDS:
            DEEDS[command](argument)
        if command == "failure":
            return Failure("input", argument, "write another row", retryable=True)
        facts = row.facts
        return Prediction(
            row.text,
            facts.get("scores", {row.text: 1.0}),
            facts.get("raw", 0.1 + 0.2),
            signals=facts.get("signals", {}),
            value=facts.get("value", row.raw),
        )


def open_moody(
    *,
    file: str | None = None,
    slow_s: float = 0.0,
    dies: str = "",
    starts: str | None = None,
    wrong: bool = False,
) -> Moody:
    """`file` must exist and gives the fingerprint; `starts` gets a line per start; `dies`: "now" or "soon"."""
    if starts is not None:
        with Path(starts).open("a", encoding="utf-8") as log:
            log.write(f"{os.getpid()}\n")
    time.sleep(slow_s)
    if wrong:
        raise ConfigError("tiers.moody: wrong", hint="right it")
    if file is not None and not Path(file).is_file():
        raise ArtifactMissing(f"no file {file}", hint="put it back")
    if dies == "now":
        sys.stderr.write("about to give up\n")
        sys.stderr.flush()
        os._exit(7)
    if dies == "soon":
        threading.Timer(0.02, os._exit, (7,)).start()
    return Moody(Path(file).read_text(encoding="utf-8") if file else "moody-1")


def open_calibrated() -> Moody:
    from mendgraph.core.calibration import Temperature

    return Moody("moody-1", Temperature(1.5, "moody-1"))


def open_broken() -> Moody:
    raise KeyError("no such layer")


def hang_holding_the_lock(_: str) -> None:
    """In native code that does not release the interpreter's lock: no other thread of the worker can run."""
    ctypes.PyDLL(None).sleep(FOREVER_S)


def garbage(argument: str) -> None:
    """Bytes on the link that are none of ours; the link's descriptor is the worker's second argument."""
    os.write(int(sys.argv[2]), bytes.fromhex(argument))
    time.sleep(FOREVER_S)


def boom(argument: str) -> None:
    raise ArithmeticError(argument)


def out_of_memory(argument: str) -> None:
    raise OutOfMemory(f"no memory for {argument}", hint="halve it")


def strange(argument: str) -> None:
    raise Strange(argument)


def memory_error(argument: str) -> None:
    raise MemoryError(argument)


def chatter(argument: str) -> None:
    """More than a pipe holds, on both streams."""
    for _ in range(int(argument)):
        sys.stdout.write("x" * 1000)
        sys.stderr.write("y" * 1000)


def daughter(_: str) -> None:
    """Dies, but leaves a process behind that keeps all its streams open."""
    if os.fork() == 0:
        time.sleep(5)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


DEEDS: dict[str, Any] = {
    "boom": boom,
    "chatter": chatter,
    "close": lambda _: (os.close(int(sys.argv[2])), time.sleep(FOREVER_S)),
    "daughter": daughter,
    "exit": lambda argument: sys.exit(int(argument)),
    "garbage": garbage,
    "hang": lambda _: time.sleep(FOREVER_S),
    "hang_in_c": lambda _: ctypes.CDLL(None).sleep(FOREVER_S),
    "hang_holding_the_lock": hang_holding_the_lock,
    "kill": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "memory_error": memory_error,
    "note": note,
    "out_of_memory": out_of_memory,
    "segfault": lambda _: ctypes.string_at(0),
    "sleep": lambda argument: time.sleep(float(argument)),
    "strange": strange,
}
