"""`mend verify conflict`: files, calibration, and claim sets with known answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mendgraph.cli.console import answers_console, one_line, print_json, story, waiting
from mendgraph.cli.opening import open_graph
from mendgraph.cli.tables import figures_table
from mendgraph.errors import DataError

if TYPE_CHECKING:
    from rich.console import Console

    from mendgraph.adapters.lcr.environment import EnvironmentReport
    from mendgraph.adapters.lcr.parts_check import PartCheck
    from mendgraph.config import ConflictSpec
    from mendgraph.evaluation.conflict_contrast import Outcome, Verification

GRAPH = "conflict"
SPARE = ("detector", "refinement")
FOLDERS = ("model", "adapter", "detector", "refinement", "answerability", "path")
"""Arguments of tiers that name what was trained."""


def verify_sets(
    checkpoints: Path | None,
    least: float | None,
    show: int,
    config: Path | None,
    overrides: Sequence[str] | None,
    *,
    strict: bool,
    as_json: bool,
) -> bool:
    """Whether all of it is well.

    Args:
        checkpoints: a folder of parts to look at instead of the configured graph.
    """
    from mendgraph.adapters.lcr.environment import check_environment
    from mendgraph.config import load_config

    spec = load_config(config, tuple(overrides or ())).conflict
    environment = check_environment(spec.device, spec.precision)
    with waiting("checking parts"):
        parts = _parts(spec, checkpoints, strict)
    found = None if checkpoints else _answered(least, config, overrides)
    fits = environment.fully_compatible or not strict
    passed = fits and all(part.well for part in parts) and (found is None or found.passed)
    if as_json:
        print_json(
            {
                "passed": passed,
                "environment": environment.to_dict(),
                "parts": [part.to_dict() for part in parts],
                "contrast": found.to_dict() if found else None,
            }
        )
    else:
        _print(environment, parts, found, show, passed=passed)
    return passed


def _parts(spec: ConflictSpec, checkpoints: Path | None, strict: bool) -> list[PartCheck]:
    from mendgraph.adapters.lcr.parts_check import check_checkpoints, check_parts

    settings: dict[str, Any] = {"strict": strict, "device": spec.device, "precision": spec.precision}
    if checkpoints is not None:
        return check_checkpoints(str(checkpoints), **settings)
    named = named_parts(spec)
    return check_parts({**named, **_beside(named)}, **settings)


def named_parts(spec: ConflictSpec) -> dict[str, str]:
    """What of the tiers are folders: part -> folder, the tier's name before it where another has the name."""
    found: dict[str, str] = {}
    for tier, stanza in spec.tiers.items():
        for argument in FOLDERS:
            if isinstance(folder := stanza.arguments.get(argument), str):
                part = {"model": "reader", "path": tier}.get(argument, argument)
                found[part if part not in found else f"{tier} {part}"] = folder
    return found


def _beside(named: Mapping[str, str]) -> dict[str, str]:
    """Detector and refinement that came with the reader and that the configuration leaves aside."""
    from mendgraph.adapters.artifacts import MANIFEST, resolve

    base, sign, _ = named.get("reader", "").rpartition("/")
    spare = {part: f"{base}{sign}{part}" for part in SPARE if part not in named and sign}
    return {
        f"{part}, not used": where for part, where in spare.items() if (resolve(where) / MANIFEST).is_file()
    }


def _answered(least: float | None, config: Path | None, overrides: Sequence[str] | None) -> Verification:
    from mendgraph.evaluation.conflict_contrast import LEAST, load_conflict_contrast, verify

    sets = load_conflict_contrast()
    with open_graph(GRAPH, config=config, overrides=overrides) as graph:
        if not graph.tiers:
            raise DataError("the conflict graph has no tiers")
        with waiting(f"answering {len(sets)} questions"):
            return verify(
                lambda rows: graph.run(rows, ask="never"), sets, least=LEAST if least is None else least
            )


def _print(
    environment: EnvironmentReport,
    parts: Sequence[PartCheck],
    found: Verification | None,
    show: int,
    *,
    passed: bool,
) -> None:
    from mendgraph.evaluation.report import Table

    console = answers_console()
    for line in environment.to_text().splitlines()[: 1 + len(environment.reasons)]:
        console.print(line, style="" if environment.fully_compatible else "red", soft_wrap=True)
    console.print(figures_table(Table("Parts", ("part", "from", "files", "calibration"), _lines(parts))))
    for part in parts:
        for note in (*part.notes, *(part.calibration.notes if part.calibration else ())):
            story(f"note: {part.part}: {note}")
        if part.hint:
            story(f"hint: {part.part}: {part.hint}")
    if found is not None:
        _sets(console, found, show)
    word, style = ("passed", "green") if passed else ("FAILED", "bold red")
    console.print(f"{word}: {_verdict(parts, found)}", style=style, soft_wrap=True)


def _lines(parts: Sequence[PartCheck]) -> tuple[tuple[str, ...], ...]:
    rows = []
    for part in parts:
        report = part.calibration
        drift = (
            "" if report is None else "no reference" if report.drift is None else f"drift {report.drift:.0e}"
        )
        state = "refused: " + one_line(part.error) if part.error else "unknown" if part.notes else "ok"
        rows.append(
            (part.part, part.where, state, drift if report is None or report.is_valid else f"{drift}: FAILED")
        )
    return tuple(rows)


def _sets(console: Console, found: Verification, show: int) -> None:
    from mendgraph.evaluation.report import Table

    groups = {**found.by_kind(), "all": list(found.outcomes)}
    console.print(
        figures_table(
            Table(
                "Documents that conflict, and that only look like it",
                ("documents", "sets", "conflict or not", "level", "answer", "accepted", "of them right"),
                tuple(_group(name, outcomes) for name, outcomes in groups.items()),
            )
        )
    )
    if show and (wrong := found.wrong()[:show]):
        console.print(
            figures_table(
                Table(
                    "Wrong",
                    ("documents", "said", "probability", "expected", "answered", "question"),
                    tuple(_wrong(one) for one in wrong),
                )
            )
        )


def _group(name: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    kept = [one for one in outcomes if one.answer.accepted]
    return (
        name,
        str(len(outcomes)),
        str(sum(one.noticed for one in outcomes)),
        str(sum(one.leveled for one in outcomes)),
        str(sum(one.right for one in outcomes)),
        str(len(kept)),
        str(sum(one.right for one in kept)),
    )


def _wrong(one: Outcome) -> tuple[str, ...]:
    value = one.answer.value or {}
    asked = one.asked
    error = one.answer.error
    return (
        asked.level if asked.conflict else f"looks {asked.looks}",
        str(value.get("level", "-")),
        f"{value['probability']:.2f}" if value else "-",
        asked.answer,
        one_line(error.message if error else one.answer.best_guess or "-"),
        asked.question,
    )


def _verdict(parts: Sequence[PartCheck], found: Verification | None) -> str:
    from mendgraph.evaluation.report import percent

    told = [f"{sum(part.well for part in parts)} of {len(parts)} parts well"]
    if found is not None:
        told.append(f"conflict or not right in {percent(found.noticed)} of {len(found.outcomes)} sets")
        kept = (
            "no answer accepted"
            if found.precise is None
            else (f"{percent(found.precise)} of {len(found.accepted)} accepted answers right")
        )
        told += [kept, f"at least {percent(found.least)} wanted of both"]
    return "; ".join(told)
