"""A tier that is called where the graph runs: no overhead, but a hang cannot be cut short."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from mendgraph.core.calibration import Calibrator
from mendgraph.core.tier import Tier
from mendgraph.core.values import Input
from mendgraph.errors import MendError, TierDown, TierError
from mendgraph.runtime.channel import Outcome, State
from mendgraph.runtime.containment import ask_tier, open_tier, remembered


class InlineChannel:
    """Implements `Channel`.  `recover` opens the tier in the calling thread; others are not kept waiting.

    Raises:
        MendError: the tier cannot be opened for a reason that is not its own, such as its configuration.
    """

    restarts = 0
    pid: int | None = None

    def __init__(self, name: str, source: Callable[[], Tier]) -> None:
        self.name = name
        self.error: TierError | None = None
        self._source = source
        self._tier: Tier | None = None
        self._closed = False
        self._opening = threading.Lock()
        try:
            self._tier = open_tier(name, source)
        except TierError as error:
            self.error = remembered(error)

    @property
    def state(self) -> State:
        return "down" if self._tier is None else "up"

    @property
    def fingerprint(self) -> str:
        return "" if self._tier is None else self._tier.fingerprint

    @property
    def calibrator(self) -> Calibrator | None:
        return getattr(self._tier, "calibrator", None)

    def call(self, rows: Sequence[Input], seconds: float | None) -> Sequence[Outcome]:
        """As `Channel.call`; `seconds` cannot be enforced here."""
        tier = self._tier
        if tier is None:
            raise TierDown(f"tier {self.name!r} is down")
        return ask_tier(self.name, tier, rows)

    def recover(self) -> None:
        if self._tier is not None or not self._opening.acquire(blocking=False):
            return
        try:
            if not self._closed and self._tier is None:
                self._tier = open_tier(self.name, self._source)
                self.error = None
        except MendError as error:
            self.error = remembered(error)
        finally:
            self._opening.release()

    def close(self) -> None:
        tier, self._tier, self._closed = self._tier, None, True
        self.error = TierDown(f"tier {self.name!r} is closed")
        close = getattr(tier, "close", None)
        if callable(close):
            close()
