"""A tier whose weights break on disk: it is opened from them again, and again when they are back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mendgraph.core.tier import Tier
from mendgraph.errors import ConfigError
from mendgraph.testing.damage import Damage
from mendgraph.testing.fault import Fault


class Reopening:
    """Holds the tier inside a `Faulty`.

    Args:
        tier: the open tier, if there is one already.
        opener: how to open it; None where nobody knows.
    """

    def __init__(self, tier: Tier | None, opener: Callable[[], Tier] | None) -> None:
        self._tier = tier
        self._opener = opener
        self._damages: dict[tuple[str, str], Damage] = {}
        self._broken = False
        self._lock = threading.Lock()

    @property
    def tier(self) -> Tier | None:
        return self._tier

    def check(self, faults: Sequence[Fault]) -> None:
        """Raises ConfigError where one of the faults asks for what cannot be done here."""
        for fault in faults:
            if fault.kind != "corrupt":
                continue
            if self._opener is None:
                raise ConfigError(
                    "fault 'corrupt' needs a tier that can be opened again",
                    hint="give Faulty a Recipe or a function that opens the tier",
                )
            self._damage(fault)

    def under(self, faults: Sequence[Fault]) -> Tier:
        """The tier as it is while `faults`, all ``corrupt``, last.

        Raises:
            TierError: what opening the broken weights raises.
        """
        if not faults and not self._broken and self._tier is not None:
            return self._tier
        with self._lock:
            if faults:
                for fault in faults:
                    self._damage(fault).inflict()
                self._broken = True
                self._drop()
                return self._opened()
            self._repair()
            if self._tier is None:
                self._tier = self._opened()
            return self._tier

    def close(self) -> None:
        with self._lock:
            self._repair()
            self._drop()

    def _repair(self) -> None:
        for damage in self._damages.values():
            damage.repair()
        self._broken = False

    def _drop(self) -> None:
        close: Any = getattr(self._tier, "close", None)
        self._tier = None
        if callable(close):
            close()

    def _opened(self) -> Tier:
        if self._opener is None:
            raise ConfigError("this tier was closed and cannot be opened again")
        return self._opener()

    def _damage(self, fault: Fault) -> Damage:
        if fault.path is None:
            raise ConfigError(
                "fault 'corrupt' needs a path", hint="a weights file or folder in a scratch copy"
            )
        key = (fault.path, fault.how or "truncate")
        if key not in self._damages:
            self._damages[key] = Damage(Path(key[0]), key[1])
        return self._damages[key]
