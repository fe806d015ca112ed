"""A whole chaos run: copies of the weights, faulty tiers, the storm, the report."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mendgraph.adapters.artifacts import resolve
from mendgraph.assembly import BUILDS, load
from mendgraph.chaos.random_plan import random_plan
from mendgraph.chaos.report import ChaosReport, report_of
from mendgraph.chaos.resources import Sample, look, measurable
from mendgraph.chaos.sentences import SENTENCES
from mendgraph.chaos.storm import Moment, storm, warm_up
from mendgraph.config import Config, GraphSpec, load_config, with_overrides
from mendgraph.core.conflict import Document
from mendgraph.core.conflict import spoken as spoken_question
from mendgraph.core.reflection import spoken
from mendgraph.core.supervision import Isolation
from mendgraph.core.values import Input
from mendgraph.errors import ConfigError, DataError
from mendgraph.runtime.journal import NullJournal
from mendgraph.testing import Fault, FaultPlan, injecting, scratch_copy
from mendgraph.testing.fault import ONLY_IN_A_WORKER

CONFLICT = "conflict"
BRISK = ("breaker.cool_down_s=2", "breaker.max_cool_down_s=10", "recheck_s=1")
"""Supervision for chaos: breakers that wait half a minute would show little healing in a short run."""

DEADLINE_S = 5.0
"""Seconds a call may take where the configuration sets no deadline and the isolation can enforce one."""


def run_chaos(
    graph: str,
    plan: FaultPlan | None = None,
    *,
    seconds: float,
    isolation: Isolation | None = None,
    texts: Sequence[str] | None = None,
    threads: int = 4,
    rate: float | None = None,
    seed: int = 0,
    config: Config | Path | None = None,
    overrides: Sequence[str] = (),
    tell: Callable[[Moment], None] = lambda moment: None,
    stop: threading.Event | None = None,
) -> ChaosReport:
    """Opens a graph with faulty tiers, loads it for `seconds`, and closes it again.

    Args:
        plan: what goes wrong; None draws every kind of fault by `seed`.  ``corrupt`` without a path damages the
            tier's own weights, in a copy that is thrown away.
        texts: rows to draw from; None for built-in ones.
        isolation: where all tiers run; None leaves the configuration's.
        rate: rows a second; None for as many as it can answer.
        overrides: settings on top of the configuration and of `BRISK`.

    Raises:
        ConfigError: the plan names an unknown tier, or asks for what the isolation cannot survive.
        DataError: too few distinct texts.
    """
    texts = distinct(rows_for(graph) if texts is None else texts, BUILDS[graph].prepare)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mend-chaos-")))
        settings = _settings(graph, config, isolation, overrides)
        settings, weights = _with_copies(graph, settings, folder / "weights")
        spec = settings.graph(graph)
        places = {tier: spec.supervision_of(tier).isolation for tier in spec.tiers}
        drawn = plan is None
        if plan is None:
            plan = random_plan(places, seconds=seconds, seed=seed, hang_s=_hang(spec), weights=weights)
        plan = _checked(plan, places, weights)
        before = look() if measurable() else None
        ledger = folder / "ledger"
        # Opened with no fault yet: the time of a plan's faults counts from when the load begins.
        live = folder / "plan.json"
        wrap = injecting(live, ledger=ledger)
        opened = stack.enter_context(load(graph, config=settings, journal=NullJournal(), wrap=wrap))
        warm_up(opened, texts)
        seen = storm(
            opened,
            texts,
            seconds=seconds,
            threads=threads,
            rate=rate,
            seed=seed,
            ledger=ledger,
            begin=partial(_begin, live, plan, ledger),
            tell=tell,
            stop=stop,
        )
        opened.close()
        after = _after_closing(before)
    return report_of(
        seen,
        {
            "graph": graph,
            "seconds": seconds,
            "threads": threads,
            "rate": rate,
            "seed": seed,
            "plan": "random" if drawn else "given",
            "faults": len(plan.faults),
            "isolation": places,
        },
        after,
        before,
    )


def rows_for(graph: str) -> list[str]:
    """Built-in rows; each sentence answers, or contradicts, the one before it."""
    if len(BUILDS[graph].fields) == 1:
        return list(SENTENCES)
    before = [SENTENCES[place - 1] for place in range(len(SENTENCES))]
    if graph == CONFLICT:
        return [
            spoken_question(text, [Document("d1", text), Document("d2", earlier)])
            for text, earlier in zip(SENTENCES, before, strict=True)
        ]
    return [spoken(earlier, text) for earlier, text in zip(before, SENTENCES, strict=True)]


def distinct(texts: Sequence[str], prepare: Callable[[object], Input]) -> list[str]:
    """Texts that stay different when prepared.

    Raises:
        DataError: fewer than two.
    """
    found = {prepare(text).text: text for text in texts}
    if len(found) < 2:
        raise DataError(f"{len(found)} distinct texts", hint="chaos needs at least two, to tell rows apart")
    return list(found.values())


def _settings(
    graph: str, config: Config | Path | None, isolation: Isolation | None, overrides: Sequence[str]
) -> Config:
    settings = config if isinstance(config, Config) else load_config(config)
    brisk = [f"{graph}.supervision.{setting}" for setting in BRISK]
    if isolation is not None:
        brisk.append(f"{graph}.supervision.isolation={isolation}")
    if settings.graph(graph).supervision.deadline_s is None:
        brisk.append(f"{graph}.supervision.deadline_s={DEADLINE_S}")
    return with_overrides(settings, [*brisk, *overrides])


def _with_copies(graph: str, settings: Config, into: Path) -> tuple[Config, dict[str, str]]:
    """The configuration over scratch copies of every tier's artefacts, and tier -> the first of its copies."""
    overrides, first = [], {}
    for name, tier in settings.graph(graph).tiers.items():
        arguments: Mapping[str, Any] = tier.arguments
        key = next((key for key in ("path", "members") if key in arguments), None)
        if key is None:
            continue
        given = arguments[key] if key == "members" else [arguments[key]]
        folders = [resolve(folder) for folder in given]
        if not all(folder.is_dir() for folder in folders):
            continue  # it is down already, and says why itself
        copies = [str(scratch_copy(folder, into / name / str(n))) for n, folder in enumerate(folders)]
        value = f"[{', '.join(copies)}]" if key == "members" else copies[0]
        overrides.append(f"{graph}.tiers.{name}.{key}={value}")
        first[name] = copies[0]
    return with_overrides(settings, overrides), first


def _hang(spec: GraphSpec) -> float:
    """Longer than any tier's deadline."""
    return 1.5 * max(spec.supervision_of(tier).deadline_s or DEADLINE_S for tier in spec.tiers)


def _checked(plan: FaultPlan, places: Mapping[str, Isolation], weights: Mapping[str, str]) -> FaultPlan:
    """The plan with a fault for each tier it concerns, and the weights it damages filled in."""
    faults: list[Fault] = []
    for fault in plan.faults:
        if fault.tier is not None and fault.tier not in places:
            raise ConfigError(f"plan: no tier {fault.tier!r}", hint=f"the graph has {', '.join(places)}")
        for tier in [fault.tier] if fault.tier else places:
            one = replace(fault, tier=tier)
            if fault.kind in ONLY_IN_A_WORKER and places[tier] != "process":
                raise ConfigError(
                    f"plan: {fault.kind} strikes tier {tier!r}, which runs {places[tier]}",
                    hint="run it with --isolation process",
                )
            if fault.kind == "corrupt" and fault.path is None:
                if tier not in weights:
                    raise ConfigError(f"plan: tier {tier!r} has no weights to corrupt")
                one = replace(one, path=weights[tier])
            faults.append(one)
    return replace(plan, faults=faults)


def _begin(file: Path, plan: FaultPlan, ledger: Path) -> None:
    """Counts time and calls from now on.  The plan appears all at once: a tier may read it at any moment."""
    for counted in ledger.glob("*.calls"):
        counted.unlink()
    part = file.with_suffix(".part")
    part.write_text(json.dumps(replace(plan, start=time.time()).to_dict()), encoding="utf-8")
    part.replace(file)


def _after_closing(before: Sample | None) -> Sample | None:
    """Resources once killed workers have been waited for."""
    if before is None:
        return None
    patience = time.monotonic() + 10.0
    while (after := look()).processes > before.processes and time.monotonic() < patience:
        time.sleep(0.1)
    return after
