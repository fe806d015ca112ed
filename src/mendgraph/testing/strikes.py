"""What each kind of fault does to a call."""

from __future__ import annotations

import ctypes
import math
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ConfigError, OutOfMemory
from mendgraph.testing.fault import ERRORS, Fault
from mendgraph.testing.plan import draw

Outcome = Prediction | Failure
NOBODY_KNOWS = "no-such-label"
WORKER = "mendgraph.runtime.worker"


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a fault strikes.

    Attributes:
        number: from 1.
        key: what draws inside this call and fault depend on.
        sleep: waits some seconds, without the interpreter's lock.
    """

    tier: str
    number: int
    rows: Sequence[Input]
    key: tuple[object, ...]
    sleep: Callable[[float], None]

    def words(self, what: str) -> str:
        return f"injected {what} at call {self.number} of tier {self.tier!r}"


def strike_before(fault: Fault, call: Call) -> None:
    """Faults that strike before the tier is asked; kinds that spoil what it says do nothing here."""
    if (strike := BEFORE.get(fault.kind)) is not None:
        strike(fault, call)


def strike_after(fault: Fault, call: Call, outcomes: list[Outcome], spent: float) -> list[Outcome]:
    """Faults that strike what the tier said; `spent` is how many seconds that took it."""
    if fault.kind == "slow" and fault.factor is not None:
        call.sleep(spent * (fault.factor - 1.0))
    if fault.kind == "wrong_count":
        return outcomes[:-1]
    if (spoil := SPOIL.get(fault.kind)) is None:
        return outcomes
    share = 1.0 if fault.share is None else fault.share
    return [
        spoil(outcome)
        if isinstance(outcome, Prediction) and fault.concerns(row) and draw(*call.key, place) < share
        else outcome
        for place, (row, outcome) in enumerate(zip(call.rows, outcomes, strict=True))
    ]


def in_worker() -> bool:
    """Whether this process is a tier's worker: its main module, and nothing that could be set by accident."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and f"{spec.name}.".startswith(f"{WORKER}.")


def only_in_worker(kind: str) -> None:
    """Raises ConfigError where `kind` would kill the program that asked for it."""
    if not in_worker():
        raise ConfigError(
            f"fault {kind!r} ends the process it strikes, and this one is no worker",
            hint="set supervision.isolation to process",
        )


def _crash(fault: Fault, call: Call) -> None:
    raise RuntimeError(fault.message or call.words("crash"))


def _error(fault: Fault, call: Call) -> None:
    kind = fault.error or "tier"
    raise ERRORS[kind](fault.message or call.words(kind), hint="it was asked for by a fault plan")


def _hang(fault: Fault, call: Call) -> None:
    seconds = fault.seconds or 0.0
    if not fault.hard:
        call.sleep(seconds)
        return
    # One call into C that keeps the lock: no other thread of this process runs until it returns.
    ctypes.PyDLL(None).poll(None, 0, int(seconds * 1000))


def _slow(fault: Fault, call: Call) -> None:
    if fault.seconds is not None:
        call.sleep(fault.seconds)


def _out_of_memory(fault: Fault, call: Call) -> None:
    above = fault.above or 0
    if len(call.rows) > above:
        raise OutOfMemory(
            f"{call.words('out of memory')}: {len(call.rows)} rows, more than {above} do not fit",
            hint="smaller batches",
        )


def _kill(fault: Fault, call: Call) -> None:
    only_in_worker(fault.kind)
    os.kill(os.getpid(), signal.SIGKILL)


def _segfault(fault: Fault, call: Call) -> None:
    only_in_worker(fault.kind)
    ctypes.string_at(0)


def _nan(prediction: Prediction) -> Prediction:
    return replace(prediction, scores=dict.fromkeys(prediction.scores, math.nan), raw=math.nan)


def _bad_label(prediction: Prediction) -> Prediction:
    return replace(prediction, label=NOBODY_KNOWS)


BEFORE: Mapping[str, Callable[[Fault, Call], None]] = {
    "crash": _crash,
    "error": _error,
    "hang": _hang,
    "slow": _slow,
    "out_of_memory": _out_of_memory,
    "kill": _kill,
    "segfault": _segfault,
}
SPOIL: Mapping[str, Callable[[Prediction], Prediction]] = {"nan": _nan, "bad_label": _bad_label}
