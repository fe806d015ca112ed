"""The project's targets for token routing beside what was measured."""

from __future__ import annotations

from mendgraph.evaluation.emotion.targets import Target
from mendgraph.evaluation.report import between, percent
from mendgraph.evaluation.token_routing.systems import SEQUENCE, UNIFORM
from mendgraph.evaluation.token_routing.text import TextScores

AIM = 0.6
"""Share of the way from the best single expert to the per-token oracle."""


def q10(scores: TextScores) -> list[Target]:
    """One line per mode: below the best single expert, the uniform mixture and the sequence router, intervals apart."""
    found = []
    for mode, gains in scores.gains.items():
        rivals = {name: gains[name] for name in (scores.best_single, UNIFORM, SEQUENCE) if name in gains}
        must = SEQUENCE in rivals and all(gain.interval[0] > 0 for gain in rivals.values())
        way = scores.ways[mode].value if mode in scores.ways else None
        aim = must and way is not None and way >= AIM
        saved = "; ".join(f"{name} {between(g.value, g.interval, 4)}" for name, g in rivals.items())
        found.append(
            Target(
                "Q10",
                f"{mode}: bits per byte below best single, uniform mixture, sequence router",
                "all, intervals apart",
                f">= {AIM:.0%} of the way to the oracle",
                f"saves against {saved}; way {'-' if way is None else percent(way)}",
                "aim met" if aim else "must met" if must else "not met",
            )
        )
    return found
