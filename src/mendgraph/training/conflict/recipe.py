"""Everything `mend train conflict` can make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mendgraph.adapters.artifacts import Artifact, open_artifact
from mendgraph.adapters.reader.detector import load_detector
from mendgraph.adapters.reader.reader import Reader
from mendgraph.errors import ArtifactMissing, ConfigError, UnknownNameError
from mendgraph.modules.refinement import RefinementSpec
from mendgraph.training.conflict.detector_fit import DetectorSpec
from mendgraph.training.conflict.parts import (
    DETECTOR,
    REFINEMENT,
    PartOptions,
    calibrate_detector,
    train_detector,
    train_refinement,
)
from mendgraph.training.conflict.reader_spec import ReaderSpec
from mendgraph.training.conflict.reader_train import READER, train_reader
from mendgraph.training.conflict.refinement_fit import RefinementTraining

__all__ = ["PARTS", "Options", "make", "options_from"]

CALIBRATION = "calibration"
TYPES = "types"
ANSWERED = "answerability"
ALL = "model"
PARTS = (READER, DETECTOR, REFINEMENT, CALIBRATION, TYPES, ANSWERED)
_TOGETHER = {READER: 0.85, DETECTOR: 0.0, REFINEMENT: 0.15, TYPES: 0.0, ANSWERED: 0.0}
"""Parts made by `ALL`, in this order, and the share of the time that each may take; 0 for what it needs."""
BASE = "embedded:lm/base"

Echo = Callable[[str], None]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """
    Attributes:
        base: model that a reader is made from.
        reader: folder or hub name of the reader that detector and refinement are for; None takes the one in `out`.
        minutes, steps: how long reader and refinement train, whichever ends first.
        compiled: compile the reader's layers; None does so where the device and a C++ compiler allow it.
    """

    base: str = BASE
    reader: str | None = None
    spec: ReaderSpec = field(default_factory=ReaderSpec)
    parts: PartOptions = field(default_factory=PartOptions)
    minutes: float | None = None
    steps: int | None = None
    resume: bool = False
    compiled: bool | None = None
    device: str = "auto"


def options_from(
    given: Mapping[str, Any], *, minutes: float | None = None, steps: int | None = None, resume: bool = False
) -> Options:
    """From what a command was given.

    Args:
        given: any of base, reader, lora, layer, gated, single_shot, all_levels, learning_rate, batch_size, seed,
            device.
    """
    shared = {name: given[name] for name in ("learning_rate", "seed") if name in given}
    batch = {"batch_sets": given["batch_size"]} if "batch_size" in given else {}
    shape = RefinementSpec(gated=given.get("gated", False), steps=1 if given.get("single_shot") else 3)
    refinement = RefinementTraining(shape=shape, **shared, **batch)
    if given.get("all_levels"):
        refinement = replace(refinement, levels=None)
    detector = DetectorSpec(**{name: value for name, value in shared.items() if name == "seed"})
    return Options(
        base=given.get("base", BASE),
        reader=given.get("reader"),
        spec=ReaderSpec(full=not given.get("lora", False), **shared, **batch),
        parts=PartOptions(detector, refinement, given.get("layer")),
        minutes=minutes,
        steps=steps,
        resume=resume,
        device=given.get("device", "auto"),
    )


def make(
    part: str,
    data: Path,
    out: Path,
    options: Options,
    *,
    echo: Echo = lambda line: None,
    progress: Progress = lambda stage, done, total: None,
) -> Artifact:
    """Makes one of `PARTS`, or all that the graph needs for ``model``, each in a folder of its own in `out`.

    Args:
        data: what `mend data conflict` wrote.

    Returns:
        The part made last.

    Raises:
        UnknownNameError: no such part.
        DataError: claim sets are missing.
        ArtifactError: the base or the reader cannot be had.
        ConfigError: reader or refinement without an end, or a checkpoint made with other settings.
    """
    if part not in (ALL, *PARTS):
        raise UnknownNameError("part", part, (ALL, *PARTS))
    if part == ALL:
        return _all(data, out, options, echo, progress)
    if part == READER:
        artifact = train_reader(
            data, out, options.spec, base=options.base, minutes=options.minutes, steps=options.steps,
            resume=options.resume, compiled=options.compiled, device=options.device, echo=echo,
        )  # fmt: skip
    elif part == DETECTOR:
        artifact = train_detector(
            _reader(out, options), data, out, options.parts, echo=echo, progress=progress
        )
    elif part == TYPES:
        from mendgraph.training.conflict.types_train import train_types  # with PEFT: three seconds to import

        return train_types(data, out, device=options.device, echo=echo)
    elif part == ANSWERED:
        from mendgraph.training.conflict.answerability_train import train_answerability  # with PEFT too

        artifact = train_answerability(data, out, resume=options.resume, device=options.device, echo=echo)
    elif part == CALIBRATION:
        artifact = calibrate_detector(_reader(out, options), data, out, echo=echo, progress=progress)
    else:
        parts = options.parts
        detector = out / DETECTOR
        if parts.layer is None and (detector / "manifest.json").is_file():
            parts = replace(parts, layer=load_detector(detector).layer)
        artifact = train_refinement(
            _reader(out, options, parts.layer), data, out, parts,
            minutes=options.minutes, steps=options.steps, echo=echo,
        )  # fmt: skip
    echo(f"ready: {artifact.folder}")
    return artifact


def _all(data: Path, out: Path, options: Options, echo: Echo, progress: Progress) -> Artifact:
    if options.minutes is None and options.steps is None:
        raise ConfigError("training of a reader needs an end", hint="give --max-minutes or --steps")
    made = []
    for part, share in _TOGETHER.items():
        minutes = None if options.minutes is None else options.minutes * share
        own = replace(options, minutes=minutes or None)
        made.append(make(part, data, out, own, echo=echo, progress=progress))
    return made[-1]


def _reader(out: Path, options: Options, layer: int | None = None) -> Reader:
    own = out / READER
    if options.reader is not None:
        return Reader.open(options.reader, layer=layer, device=options.device)
    if not (own / "manifest.json").is_file():
        raise ArtifactMissing(
            f"no reader in {str(own)!r}",
            hint="mend train conflict --part reader --max-minutes 40, or name one with --reader",
        )
    manifest = open_artifact(own).manifest
    if manifest.settings["adapter"]:
        base = manifest.base_model.name if manifest.base_model else BASE
        return Reader.open(base, adapter=str(own), layer=layer, device=options.device)
    return Reader.open(str(own), layer=layer, device=options.device)
