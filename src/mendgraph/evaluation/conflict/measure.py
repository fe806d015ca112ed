"""`mend eval conflict`: answers, detection, types and real text in one report."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.core.arrays import BoolArray, FloatArray
from mendgraph.errors import UnknownNameError
from mendgraph.evaluation.conflict import datasets
from mendgraph.evaluation.conflict.against import against_section
from mendgraph.evaluation.conflict.answers import answers_section, score
from mendgraph.evaluation.conflict.detection import detection_section
from mendgraph.evaluation.conflict.detectors import ASKED, DETECTOR, Hearing, inside, of_no_level
from mendgraph.evaluation.conflict.judging import CLASSIFIER, JudgedSets, judge_sets
from mendgraph.evaluation.conflict.levels import levels_section
from mendgraph.evaluation.conflict.parts import Parts
from mendgraph.evaluation.conflict.plots import levels_chart, reliability_chart, steps_chart, threshold_chart
from mendgraph.evaluation.conflict.policy import policy_section
from mendgraph.evaluation.conflict.ramdocs import ramdocs_section, read_questions
from mendgraph.evaluation.conflict.readings import Readings, read_all
from mendgraph.evaluation.conflict.said import ALWAYS, PLAIN, REFINED, SAMPLED
from mendgraph.evaluation.conflict.spotting import spotting_section
from mendgraph.evaluation.conflict.sweeps import steps_section, threshold_section
from mendgraph.evaluation.conflict.targets import q8, q9
from mendgraph.evaluation.conflict.ways import Settings
from mendgraph.evaluation.emotion.targets import Target, targets_section
from mendgraph.evaluation.report import Report, Section

__all__ = ["PARTS", "Measured", "Sizes", "measure"]

ANSWERS: Final = "answers"
DETECTION: Final = "detection"
RAMDOCS: Final = "ramdocs"
ALL: Final = "all"
PARTS: Final = (ANSWERS, DETECTION, RAMDOCS)

Echo = Callable[[str], None]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes:
        sets: claim sets of test; None for all.
        questions: of RAMDocs; None for all.
        train_sets: claim sets that the baselines of detection learn from.
    """

    sets: int | None = 500
    questions: int | None = 128
    train_sets: int = 1000
    resamples: int = 1000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured, and how the graph goes about it.

    Attributes:
        vectors: for a baseline of detection.
        ways: of answering.
        about: weights and settings, for the report.
    """

    parts: Parts
    vectors: SentenceVectors | None
    ways: Settings
    about: Mapping[str, Any]


def measure(
    found: Measured,
    claims_dir: Path,
    data_dir: Path,
    sizes: Sizes,
    *,
    only: Sequence[str] = (),
    plots: Path | None = None,
    echo: Echo = lambda line: None,
    progress: Progress = lambda stage, done, total: None,
) -> Report:
    """
    Args:
        claims_dir: what `mend data conflict` wrote.
        data_dir: folder with RAMDocs, FEVER Symmetric and Breaking NLI.
        only: of `PARTS`; empty or ``all`` for every one.
        plots: folder for charts.

    Raises:
        UnknownNameError: a name in `only` is no part.
        DataError: a file is missing or malformed.
    """
    for name in only:
        if name not in (*PARTS, ALL):
            raise UnknownNameError("part of the evaluation", name, (*PARTS, ALL))
    wanted = PARTS if not only or ALL in only else tuple(only)
    sections: list[Section] = []
    files: list[Path] = []
    targets: list[Target] = []
    known: dict[str, FloatArray] = {}
    if ANSWERS in wanted:
        sections, files, targets, known = _answers(found, claims_dir, sizes, plots, echo, progress)
    if DETECTION in wanted:
        judged, charts, met = _detection(found, claims_dir, data_dir, sizes, plots, known, echo)
        sections, files, targets = sections + judged, files + charts, targets + met
    if RAMDOCS in wanted:
        sections.append(_ramdocs(found, data_dir, sizes, echo, progress))
    if targets:
        sections.append(targets_section(targets))
    return Report(tuple(sections), _about(found, sizes), tuple(files))


def _answers(
    found: Measured, claims_dir: Path, sizes: Sizes, plots: Path | None, echo: Echo, progress: Progress
) -> tuple[list[Section], list[Path], list[Target], dict[str, FloatArray]]:
    """Also what detector, reader and classifier said of the claim sets."""
    _, sets = datasets.claims(claims_dir, sizes.sets)
    echo(f"{len(sets):,} claim sets of test, every system on each")
    readings = read_all(
        found.parts, sets, found.ways, lambda done, total: progress("claim sets", done, total)
    )
    scored = score(sets, readings)
    seed, resamples = sizes.seed, sizes.resamples
    answers = answers_section(sets, readings, scored, resamples, seed)
    sampled = f"{SAMPLED} {found.ways.samples}"
    rivals = [name for name in (PLAIN, sampled) if name in readings.said]
    against = against_section(scored, rivals, resamples, seed)
    refined = REFINED if REFINED in readings.said else None
    sweeps = {
        "threshold": threshold_section(sets, readings, scored, refined, found.ways.sure, resamples, seed),
        "steps": steps_section(sets, readings, scored, resamples, seed),
    }
    sections = [answers, against, policy_section(sets, resamples, seed)]
    sections += [one for one in sweeps.values() if one is not None]
    files = []
    if plots is not None:
        accuracy: Any = answers.figures["accuracy"]
        systems = [name for name in readings.said if name != ALWAYS]
        files.append(levels_chart(accuracy, systems, plots / "conflict_levels.png"))
        if sweeps["threshold"] is not None:
            points: Any = sweeps["threshold"].figures["points"]
            files.append(threshold_chart(points, plots / "conflict_threshold.png"))
        if sweeps["steps"] is not None:
            files.append(steps_chart(sweeps["steps"].figures, plots / "conflict_steps.png"))
    known = {ASKED: of_no_level(readings.doubt)}
    if readings.conflict is not None:
        known[DETECTOR] = of_no_level(readings.conflict)
    if readings.levels is not None:
        known[CLASSIFIER] = readings.levels
    return sections, files, q9(answers.figures, against.figures, sampled), known


def _detection(
    found: Measured,
    claims_dir: Path,
    data_dir: Path,
    sizes: Sizes,
    plots: Path | None,
    known: Mapping[str, FloatArray],
    echo: Echo,
) -> tuple[list[Section], list[Path], list[Target]]:
    parts = found.parts
    if parts.types is None or found.vectors is None:
        echo("detection is skipped: its baselines need a types classifier")
        return [], [], []
    judged = judge_sets(
        parts.types,
        found.vectors,
        claims_dir,
        data_dir,
        test_sets=sizes.sets,
        train_sets=sizes.train_sets,
        detectors=inside(parts.reader, parts.detector),
        hearing=Hearing(parts.reader, parts.judge),
        known=known,
        echo=echo,
    )
    resamples, seed = sizes.resamples, sizes.seed
    detection = detection_section(judged.samples, judged.chances, resamples, seed)
    sure = _probabilities(judged, parts)
    thresholds = {} if parts.detector is None else {DETECTOR: parts.detector.threshold}
    types = levels_section(judged.typed, judged.types, resamples, seed)
    sections = [detection, spotting_section(judged.samples, sure, thresholds, resamples, seed), types]
    files = []
    if plots is not None and parts.detector is not None:
        shown: dict[str, tuple[FloatArray, BoolArray]] = {
            name: (said[DETECTOR], np.array([one.conflict for one in judged.samples[name]]))
            for name, said in sure.items()
        }
        files.append(reliability_chart(shown, plots / "conflict_reliability.png"))
    return sections, files, q8(detection.figures, types.figures)


def _probabilities(judged: JudgedSets, parts: Parts) -> dict[str, dict[str, FloatArray]]:
    """Set -> system -> (N,) of a conflict, calibrated where a system is."""
    found: dict[str, dict[str, FloatArray]] = {}
    own = None if parts.types is None else parts.types.calibrator
    for name, said in judged.chances.items():
        found[name] = {system: 1.0 - chances[:, 0] for system, chances in said.items()}
        if own is not None:
            found[name][CLASSIFIER] = 1.0 - own.transform(said[CLASSIFIER])[:, 0]
    return found


def _ramdocs(found: Measured, data_dir: Path, sizes: Sizes, echo: Echo, progress: Progress) -> Section:
    rows = read_questions(data_dir, sizes.questions)
    echo(f"{len(rows):,} questions of RAMDocs")
    parts = Parts(found.parts.reader, judge=found.parts.judge, hybrid=found.parts.hybrid)
    ways = Settings(samples=0, seed=found.ways.seed)
    readings: Readings = read_all(parts, rows, ways, lambda done, total: progress("RAMDocs", done, total))
    return ramdocs_section(rows, readings, sizes.resamples, sizes.seed)


def _about(found: Measured, sizes: Sizes) -> dict[str, Any]:
    return {
        **found.about,
        "systems": {"hybrid": found.parts.hybrid is not None, "refinements": list(found.parts.refiners)},
        "ways": found.ways,
        "sizes": sizes,
        "versions": {name: version(name) for name in ("mendgraph", "numpy", "torch", "transformers")},
        "platform": platform.platform(),
    }
