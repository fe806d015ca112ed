"""Short ways to call a channel."""

from __future__ import annotations

import pytest

from mendgraph.core.values import Failure, Input
from mendgraph.errors import TierError
from mendgraph.runtime.worker.process import ProcessChannel
from tests.runtime.worker.processes import PATIENCE_S, wait_up


def said(channel: ProcessChannel, *texts: str, seconds: float | None = PATIENCE_S) -> list[str]:
    """Labels and kinds of failures."""
    outcomes = channel.call([Input(text) for text in texts], seconds)
    return [one.kind if isinstance(one, Failure) else one.label for one in outcomes]


def failing(channel: ProcessChannel, text: str, seconds: float | None = PATIENCE_S) -> TierError:
    with pytest.raises(TierError) as caught:
        channel.call([Input(text)], seconds)
    return caught.value


def answers_again(channel: ProcessChannel) -> bool:
    wait_up(channel)
    return said(channel, "well") == ["well"]
