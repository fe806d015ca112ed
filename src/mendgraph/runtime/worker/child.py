"""The worker's side: opens the tier of a recipe, then answers one call after the other until the link closes."""

from __future__ import annotations

import faulthandler
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from mendgraph.core.tier import Tier
from mendgraph.errors import MendError, OutOfMemory, TierCrashed
from mendgraph.runtime.containment import ask_tier, open_tier
from mendgraph.runtime.notes import collecting
from mendgraph.runtime.recipe import Recipe
from mendgraph.runtime.worker.frames import Incoming, pack
from mendgraph.runtime.worker.lifeline import die_with, first_to_go
from mendgraph.runtime.worker.wire import error_to_wire, outcomes_to_wire, rows_from_wire

__all__ = ["main"]

_PIECE = 2**18
_STEPS = 3  # of a traceback that go into a failure's message


def main(arguments: Sequence[str]) -> int:
    """Arguments: the tier's name, and the descriptors of the link and of the lifeline."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that people talk to
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # held back while this process started
    name, link, lifeline = arguments
    die_with(int(lifeline))
    first_to_go()
    faulthandler.enable()
    with socket.socket(fileno=int(link)) as end:
        end.set_inheritable(False)
        return _Worker(name, end).run()


class _Worker:
    def __init__(self, name: str, link: socket.socket) -> None:
        self._name = name
        self._link = link
        self._incoming = Incoming()

    def run(self) -> int:
        greeting = self._receive()
        if greeting is None:
            return 0
        sys.path[:] = greeting["path"]
        recipe = Recipe(greeting["target"], greeting["arguments"])
        try:
            tier = open_tier(self._name, recipe.open)
        except MendError as error:
            self._link.sendall(pack(self._story(error)))
            return 1
        calibrator = getattr(tier, "calibrator", None)
        ready = {
            "fingerprint": tier.fingerprint,
            "calibrator": None if calibrator is None else calibrator.to_dict(),
        }
        self._link.sendall(pack(ready))
        while (request := self._receive()) is not None:
            self._link.sendall(self._answer(tier, request))
        return 0

    def _answer(self, tier: Tier, request: dict[str, Any]) -> bytes:
        with collecting() as notes:
            reply: dict[str, Any] = {"call": request["call"], "notes": notes}
            try:
                outcomes = ask_tier(self._name, tier, rows_from_wire(request["rows"]))
                return pack({**reply, "outcomes": outcomes_to_wire(outcomes)})
            except MemoryError as error:  # while the reply was packed
                no_room = OutOfMemory(
                    f"tier {self._name!r} ran out of memory: {error}", hint="use smaller batches"
                )
                return pack({**reply, **self._story(no_room)})
            except MendError as error:
                return pack({**reply, **self._story(error)})

    def _receive(self) -> dict[str, Any] | None:
        """The next message; None when there will be no more."""
        while piece := self._link.recv(_PIECE):
            message = self._incoming.feed(piece)
            if message is not None:
                return message
        return None

    def _story(self, error: MendError) -> dict[str, Any]:
        """A crash tells its last steps in the message, and all of them for the log of the starting process."""
        cause = error.__cause__
        if not isinstance(error, TierCrashed) or cause is None:
            return {"error": error_to_wire(error), "trace": ""}
        steps = traceback.extract_tb(cause.__traceback__)[1:][-_STEPS:]  # the first one is ours
        where = ", called from ".join(f"{s.name} ({s.filename}:{s.lineno})" for s in reversed(steps))
        told = TierCrashed(f"{error.message}{' in ' if where else ''}{where}", hint=error.hint)
        return {"error": error_to_wire(told), "trace": "".join(traceback.format_exception(cause))}
