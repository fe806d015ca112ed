"""Whose Context a node listens to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from mendgraph.core.healing import HealingPolicy
from mendgraph.core.preprocess import prepare
from mendgraph.nodes.context import Context, given


@dataclass
class Fake:
    context: Any


def context(ask: str) -> Context:
    return Context(prepare, {}, HealingPolicy(("joy", "fear")), ask)


@pytest.mark.parametrize("foreign", [None, {"tiers": {}}, "a parent's context"])
def test_a_parents_context_is_not_meant_for_us(foreign: object) -> None:
    default = context("never")
    assert given(Fake(foreign), default) is default  # type: ignore[arg-type]
    assert given(None, default) is default


def test_our_own_context_is() -> None:
    own = context("return")
    assert given(Fake(own), context("never")) is own  # type: ignore[arg-type]
