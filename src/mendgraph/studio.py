"""Factories for `langgraph dev` and Studio; named in langgraph.json."""

from __future__ import annotations

from mendgraph.assembly import load
from mendgraph.nodes.cascade import Cascade


def emotion() -> Cascade:
    """The emotion graph.  No checkpointer: the server brings its own."""
    return load("emotion").graph


def reflection() -> Cascade:
    """The reflection graph, likewise."""
    return load("reflection").graph
