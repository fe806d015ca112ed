"""The way to a tier, wherever it runs: in the caller's thread, in a thread of its own, in a worker process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import TierError

if TYPE_CHECKING:
    from mendgraph.core.calibration import Calibrator  # brings numpy, which a worker may not need

Outcome = Prediction | Failure
State = Literal["up", "starting", "down"]


class Channel(Protocol):
    """One tier behind one kind of isolation.  Every method may be called from several threads at once.

    Attributes:
        state: ``up``: calls go through; ``starting``: it comes back without anyone's help (a worker loads its
            model, a hung call has not returned); ``down``: it could not be opened, and `recover` tries again.
            A channel that is ``starting`` decides by itself whether calls wait or are refused.
        error: why it is not up; None when it is.
        restarts: how often a fresh instance took the place of one that hung or died.
        pid: of the worker process; None without one.
        fingerprint: of the open tier; "" while there is none.
        calibrator: the tier's own, if it brings one.

    Opening never raises a `TierError`: the channel is then ``down``.  A `MendError` that is none (a wrong
    configuration) escapes from the constructor.
    """

    @property
    def state(self) -> State: ...
    @property
    def error(self) -> TierError | None: ...
    @property
    def restarts(self) -> int: ...
    @property
    def pid(self) -> int | None: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def calibrator(self) -> Calibrator | None: ...

    def call(self, rows: Sequence[Input], seconds: float | None) -> Sequence[Outcome]:
        """One outcome per row, in order, within `seconds` (None: however long it takes).

        Notes made while answering (`runtime.notes.note`) reach the collector of the calling thread.

        Raises:
            DeadlineExceeded: at the deadline, not later, where the kind of isolation can do that.
            TierDown: not called at all, because it is starting or down; says nothing about its health.
            WorkerDied, TierCrashed, BadOutput, OutOfMemory, ...: what became of the call; only `TierError`s.
        """
        ...

    def recover(self) -> None:
        """Tries to open a tier that is ``down``; nothing happens in other states.

        Returns at once where the tier runs elsewhere (thread, process); failure shows in `error`.
        """
        ...

    def close(self) -> None:
        """Gives back threads, processes and the tier.  A second call does nothing; later calls are refused."""
        ...
