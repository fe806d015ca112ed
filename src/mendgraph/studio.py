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


def prompt_routing() -> Cascade:
    """The prompt routing graph, likewise."""
    return load("prompt_routing").graph


def token_routing() -> Cascade:
    """The token routing graph, likewise."""
    return load("token_routing").graph


def conflict() -> Cascade:
    """The conflict graph, likewise."""
    return load("conflict").graph
