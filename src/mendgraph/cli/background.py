"""Ctrl-C that is heard at once, even while a model computes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
NAME = "mend-run"
_HEARTBEAT = 0.2  # seconds; a wait without end would not hear Ctrl-C on every platform


@dataclass(frozen=True, slots=True)
class _Ended:
    error: BaseException | None = None


def interruptible(items: Iterable[T]) -> Iterator[T]:
    """The items, produced in a thread of their own.

    LangGraph streams from worker threads and joins them before it lets a KeyboardInterrupt through, so a long
    forward pass would hold the user up.  Here the pass is left to end by itself and what it says is dropped.
    """
    box: queue.Queue[T | _Ended] = queue.Queue()
    left = threading.Event()

    def produce() -> None:
        try:
            for item in items:
                if left.is_set():
                    return
                box.put(item)
        except BaseException as error:  # raised again where the items are read
            box.put(_Ended(error))
        else:
            box.put(_Ended())

    threading.Thread(target=produce, name=NAME, daemon=True).start()
    try:
        while True:
            try:
                item = box.get(timeout=_HEARTBEAT)
            except queue.Empty:
                continue
            if not isinstance(item, _Ended):
                yield item
            elif item.error is not None:
                raise item.error
            else:
                return
    finally:
        left.set()


def still_busy() -> bool:
    """Whether a run that the user left is still computing."""
    return any(thread.name == NAME for thread in threading.enumerate())
