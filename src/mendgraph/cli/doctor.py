"""`mend doctor`: whether everything that answers is here and well."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mendgraph.cli.console import answers_console, one_line, print_json, waiting
from mendgraph.cli.options import ConfigFile, Overrides, known_graphs

HEALTHY, DEGRADED, DEAD = 0, 1, 2


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="The whole report as one JSON object on stdout.")
    ] = False,
    config: ConfigFile = None,
    overrides: Overrides = None,
) -> None:
    """Check versions, device, memory, models, hashes, calibration, and answer one text with every graph.

    Exit codes: 0 healthy; 1 degraded, e.g. a tier is down; 2 it cannot answer.
    """
    with waiting("examining") as tell:
        report = examine(config, tuple(overrides or ()), tell)
    if as_json:
        print_json(report)
    else:
        _print(report)
    raise typer.Exit(report["exit_code"])


def examine(config: Path | None, overrides: tuple[str, ...], tell: Any) -> dict[str, Any]:
    """The report.  Keys: python, packages, machine, home, encoder, graphs, problems, exit_code."""
    from mendgraph.cli import checks

    report: dict[str, Any] = {"python": checks.python(), "packages": checks.packages()}
    tell("machine")
    report["machine"] = checks.machine()
    report["home"] = checks.home_folder()
    tell("encoder")
    report["encoder"] = checks.encoder(config, overrides)
    report["graphs"] = {}
    for name in known_graphs():
        tell(f"{name} graph")
        report["graphs"][name] = checks.graph(name, config, overrides)
    report["problems"] = problems(report)
    report["exit_code"] = verdict(report)
    return report


def problems(report: dict[str, Any]) -> list[str]:
    """What a person should know, worst first."""
    found: list[str] = []
    for name, graph in report["graphs"].items():
        if graph["error"]:
            found.append(f"{name}: {graph['error'].partition(' (')[0]}")
        if graph["policy"]["state"] != "fitted":
            found.append(f"{name}: no fitted policy, so nothing is accepted unasked")
        for tier, health in graph["tiers"].items():
            if health["state"] != "up":
                found.append(f"{name}: tier {tier} is down")
            elif health["failures"]:
                found.append(f"{name}: tier {tier} failed: {health['error']}")
            elif not (health["calibrated"] or health["combined"] or health["helper"]):
                found.append(f"{name}: tier {tier} has no calibration for its weights")
    if report["encoder"]["error"]:
        found.append(f"encoder: {report['encoder']['error']}")
    found += [
        f"package {p['name']}: {p['version'] or 'missing'}, needs {p['needs']}"
        for p in report["packages"]
        if not p["ok"]
    ]
    if not report["home"]["writable"]:
        found.append(f"home folder {report['home']['path']} cannot be written: set MENDGRAPH_HOME")
    return found


def verdict(report: dict[str, Any]) -> int:
    if any(graph["error"] for graph in report["graphs"].values()):
        return DEAD
    return DEGRADED if report["problems"] else HEALTHY


def _print(report: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from mendgraph.cli.glyphs import glyphs

    console = answers_console()
    g = glyphs(console)
    good, bad = Text(g.accept, "green"), Text(g.failed, "red")

    def section(title: str, rows: list[tuple[bool, str, str]]) -> None:
        console.print(Text(title, style="bold"))
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=2, justify="right")
        table.add_column(no_wrap=True)
        table.add_column(style="dim")
        for well, name, words in rows:
            table.add_row(good if well else bad, one_line(name), Text(one_line(words)))
        console.print(table)

    machine = report["machine"]
    section(
        "machine",
        [
            (True, "python", f"{report['python']['version']} on {report['python']['platform']}"),
            (
                True,
                "device",
                f"{', '.join(machine['devices'])}; {machine['threads']} torch threads, {machine['cpus']} CPUs",
            ),
            (True, "memory", f"{_gib(machine['memory_free'])} free of {_gib(machine['memory'])}"),
            (
                report["home"]["writable"],
                "home",
                f"{report['home']['path']}, {_gib(report['home']['disk_free'])} free",
            ),
        ],
    )
    section(
        "packages",
        [
            (p["ok"], p["name"], f"{p['version'] or 'missing'}  ({p['needs'] or 'any'})")
            for p in report["packages"]
        ],
    )
    encoder = report["encoder"]
    said = encoder["error"] or f"{encoder['path']}, SHA-256 {encoder['sha256'][:16]}"
    section("encoder", [(not encoder["error"], encoder["name"], said)])
    for name, graph in report["graphs"].items():
        rows = [
            (health["state"] == "up", tier, health["error"] or _tier(health))
            for tier, health in graph["tiers"].items()
        ]
        policy = graph["policy"]
        rows.append((policy["state"] == "fitted", "policy", policy["words"]))
        rows.append((not graph["error"], "answers", graph["error"] or graph["trial"]))
        section(name, rows)
    console.print()
    word, style = {
        HEALTHY: ("healthy", "green"),
        DEGRADED: ("degraded", "yellow"),
        DEAD: ("cannot answer", "red"),
    }[report["exit_code"]]
    console.print(Text(word, style=f"bold {style}"))
    for problem in report["problems"]:
        console.print(Text(f"  {one_line(problem)}"), soft_wrap=True)


_TRUST = {
    "calibrated": "calibrated",
    "combined": "in the combination",
    "helper": "never believed alone",
}


def _tier(health: dict[str, Any]) -> str:
    sure = next((words for key, words in _TRUST.items() if health[key]), "not calibrated")
    parts = [f"weights {health['fingerprint'][:16] or 'none'}", sure, health["isolation"]]
    if health["breaker"] != "closed":
        parts.append(f"breaker {health['breaker'].replace('_', '-')}")
    if health["latency"]["p50"]:
        parts.append(f"{1e3 * health['latency']['p50']:.1f} ms a call")
    return ", ".join(parts)


def _gib(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 2**30:.1f} GiB"
