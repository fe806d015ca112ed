"""Graphs as text and as Graphviz input."""

from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from typing import TYPE_CHECKING

from mendgraph.errors import MendError

if TYPE_CHECKING:
    from langchain_core.runnables.graph import Graph

_ENDS = {"__start__": "start", "__end__": "end"}


def as_text(drawable: Graph, *, unicode: bool = True) -> str:
    """One node a line along a rail.

    The rail leads to the next node: solid when always taken, dotted when it depends on the rows.  Other ways
    out stand to the right, a way back with an arrow up.
    """
    node, rail, dotted, always, maybe, back = "●│┆─┄↑" if unicode else "o|:-.^"
    arrow = "▶" if unicode else ">"
    names = _in_order(drawable)
    place = {name: number for number, name in enumerate(names)}
    ways: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
    for edge in drawable.edges:
        ways[edge.source].append((edge.target, edge.conditional))
    width = max(len(_shown(name)) for name in names)
    lines: list[str] = []
    for number, name in enumerate(names):
        following = names[number + 1] if number + 1 < len(names) else None
        onward = next((conditional for target, conditional in ways[name] if target == following), None)
        others = []
        for target, conditional in ways[name]:
            if target != following:
                upwards = f" {back}" if place[target] < number else ""
                others.append(f"{(maybe if conditional else always) * 2}{arrow} {_shown(target)}{upwards}")
        lines.append(f"{node} {_shown(name):<{width}}  {'  '.join(others)}".rstrip())
        if following is not None:
            lines.append("" if onward is None else dotted if onward else rail)
    return "\n".join(lines)


def _in_order(drawable: Graph) -> list[str]:
    """Every node after those that lead to it, ways back left aside (reverse postorder), the end last."""
    ways: defaultdict[str, list[str]] = defaultdict(list)
    for edge in drawable.edges:
        ways[edge.source].append(edge.target)
    done: dict[str, None] = {}
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name not in seen:
            seen.add(name)
            for target in reversed(ways[name]):
                visit(target)
            done[name] = None

    for name in reversed(list(drawable.nodes)):
        if name not in {target for targets in ways.values() for target in targets}:
            visit(name)
    names = list(reversed(done)) + [name for name in drawable.nodes if name not in seen]
    return sorted(names, key=lambda name: name == "__end__")


def as_dot(drawable: Graph) -> str:
    """The graph in Graphviz's language."""
    lines = [
        "digraph {",
        '  graph [bgcolor="transparent"]',
        '  node [shape=box, style="rounded", fontname="sans-serif", fontsize=11]',
        '  edge [arrowsize=0.7, color="#555555"]',
    ]
    for name in drawable.nodes:
        shape = ", shape=oval" if name in _ENDS else ""
        lines.append(f'  "{name}" [label="{_shown(name)}"{shape}]')
    for edge in drawable.edges:
        lines.append(
            f'  "{edge.source}" -> "{edge.target}"' + (" [style=dashed]" if edge.conditional else "")
        )
    return "\n".join([*lines, "}"]) + "\n"


def as_svg(drawable: Graph) -> str:
    """Drawn by Graphviz on this machine.

    Raises:
        MendError: Graphviz is not installed, or fails.
    """
    dot = shutil.which("dot")
    if dot is None:
        raise MendError(
            "SVG needs the program `dot` of Graphviz, which was not found",
            hint="install graphviz (apt install graphviz), or use --format mermaid",
        )
    done = subprocess.run([dot, "-Tsvg"], input=as_dot(drawable), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MendError(f"Graphviz failed: {done.stderr.strip()}")
    return done.stdout


def _shown(name: str) -> str:
    return _ENDS.get(name, name)
