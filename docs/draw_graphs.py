"""Draws every graph as Mermaid beside its source: `make docs`.

The tiers are those of config.yaml, as doubles: a picture needs names, not weights.
"""

from __future__ import annotations

from pathlib import Path

from mendgraph.app import Build
from mendgraph.config import GraphSpec, load_config
from mendgraph.core.healing import HealingPolicy, IronyRule
from mendgraph.core.preprocess import prepare
from mendgraph.graphs import emotion
from mendgraph.nodes.context import Context
from mendgraph.testing import Scripted

GRAPHS = Path(__file__).parents[1] / "graphs"


def picture(build: Build, labels: tuple[str, ...], spec: GraphSpec) -> str:
    context = Context(
        prepare=prepare,
        tiers={name: Scripted({}, name=name) for name in spec.tiers},
        policy=HealingPolicy(labels=labels, irony=IronyRule(0.5, labels[:1])),
    )
    return str(build(context).get_graph().draw_mermaid())


def pictures() -> dict[Path, str]:
    """File -> what it must hold."""
    return {GRAPHS / "emotion.mmd": picture(emotion.build, emotion.LABELS, load_config().emotion)}


def main() -> None:
    for path, drawing in pictures().items():
        path.write_text(drawing, encoding="utf-8")
        print(path.relative_to(GRAPHS.parent))


if __name__ == "__main__":
    main()
