"""Draws every graph as Mermaid beside its source: `make docs`.

The tiers are those of config.yaml, as doubles: a picture needs names, not weights.
"""

from __future__ import annotations

from pathlib import Path

from mendgraph.assembly import BUILDS
from mendgraph.config import load_config
from mendgraph.core.healing import HealingPolicy, IronyRule
from mendgraph.testing import Scripted

GRAPHS = Path(__file__).parents[1] / "graphs"
IRONY = {"emotion": IronyRule(0.5, ("joy",))}
"""Graph -> the rule that its policy has, where it has one: it decides whether the check is drawn, not how."""


def picture(name: str) -> str:
    spec = load_config().graph(name)
    system = BUILDS[name].under(spec)
    context = system.context(
        tiers={tier: Scripted({}, name=tier) for tier in spec.tiers},
        policy=HealingPolicy(labels=system.labels, irony=IRONY.get(name)),
    )
    return str(system.build(context).get_graph().draw_mermaid())


def pictures() -> dict[Path, str]:
    """File -> what it must hold."""
    return {GRAPHS / f"{name}.mmd": picture(name) for name in BUILDS}


def main() -> None:
    for path, drawing in pictures().items():
        path.write_text(drawing, encoding="utf-8")
        print(path.relative_to(GRAPHS.parent))


if __name__ == "__main__":
    main()
