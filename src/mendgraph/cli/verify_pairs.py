"""`mend verify reflection`: a good response outranks a bad one of the same length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from mendgraph.cli.console import answers_console, print_json, story, waiting
from mendgraph.cli.opening import open_graph
from mendgraph.cli.tables import figures_table
from mendgraph.errors import UnknownNameError

if TYPE_CHECKING:
    from mendgraph.app import MendGraph
    from mendgraph.evaluation.reflection_contrast import Margin, Verification

FIRST = "primary"
LEAST = 0.9


def verify_pairs(
    tier: str | None,
    least: float | None,
    show: int,
    config: Path | None,
    overrides: Sequence[str] | None,
    *,
    as_json: bool,
) -> bool:
    """Whether enough of the pairs are right."""
    found = _verified("reflection", tier, LEAST if least is None else least, config, overrides)
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found, show)
    return found.passed


def _verified(
    name: str, tier: str | None, least: float, config: Path | None, overrides: Sequence[str] | None
) -> Verification:
    from mendgraph.evaluation.reflection_contrast import load_reflection_contrast, verify

    with open_graph(name, config=config, overrides=overrides) as graph:
        chosen = _chosen(graph, tier)
        pairs = load_reflection_contrast()
        with waiting(f"scoring {len(pairs)} pairs with tier {chosen}"):
            return verify(chosen, graph.tiers[chosen], graph.context.prepare, pairs, least=least)


def _chosen(graph: MendGraph, tier: str | None) -> str:
    if tier is None:
        return FIRST if FIRST in graph.tiers else next(iter(graph.tiers))
    if tier not in graph.tiers:
        raise UnknownNameError("tier", tier, graph.tiers)
    return tier


def _print(found: Verification, show: int) -> None:
    from mendgraph.evaluation.report import Table, percent

    faults = {**found.by_fault(), "all": list(found.margins)}
    console = answers_console()
    console.print(
        figures_table(
            Table(
                f"Better above worse: tier {found.tier}",
                ("worse one is", "pairs", "right", "mean margin", "least margin"),
                tuple(_fault(name, margins) for name, margins in faults.items()),
            )
        )
    )
    if show:
        console.print(
            figures_table(
                Table(
                    "Smallest margins",
                    (
                        "margin",
                        "better",
                        "worse",
                        "worse one is",
                        "prompt",
                        "better response",
                        "worse response",
                    ),
                    tuple(_line(margin) for margin in found.worst(show)),
                )
            )
        )
    verdict = "passed" if found.passed else "FAILED"
    console.print(
        f"{verdict}: {sum(m.right for m in found.margins)} of {len(found.margins)} pairs right, "
        f"{percent(found.share)}; at least {percent(found.least)} wanted",
        style="green" if found.passed else "bold red",
        soft_wrap=True,
    )
    if reasons := sorted({margin.reason for margin in found.margins if margin.reason}):
        story(f"note: no score for some pairs: {'; '.join(reasons[:3])}")


def _fault(name: str, margins: Sequence[Margin]) -> tuple[str, ...]:
    from mendgraph.evaluation.report import percent

    values = [margin.value for margin in margins]
    right = sum(margin.right for margin in margins) / len(margins)
    return (
        name.replace("_", " "),
        str(len(margins)),
        percent(right),
        f"{fmean(values):+.3f}",
        f"{min(values):+.3f}",
    )


def _line(margin: Margin) -> tuple[str, ...]:
    def score(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    pair = margin.pair
    return (
        f"{margin.value:+.3f}",
        score(margin.better),
        score(margin.worse),
        pair.worse_is.replace("_", " "),
        pair.prompt,
        pair.better,
        pair.worse,
    )
