"""Channels to worker processes, closed after each test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from mendgraph.runtime.recipe import Recipe
from mendgraph.runtime.worker.process import ProcessChannel
from tests.runtime.worker.moody import recipe

Opener = Callable[..., ProcessChannel]

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]  # they read /proc


@pytest.fixture
def opened() -> Iterator[Opener]:
    channels: list[ProcessChannel] = []

    def open_one(
        what: Recipe | None = None, *, start_s: float = 60.0, warm_standby: bool = False
    ) -> ProcessChannel:
        channels.append(ProcessChannel("moody", what or recipe(), start_s=start_s, warm_standby=warm_standby))
        return channels[-1]

    yield open_one
    for channel in channels:
        channel.close()


@pytest.fixture
def channel(opened: Opener) -> ProcessChannel:
    return opened()
