"""Cross-validation by prompt: each fold trained apart, its result a line of JSON, so that a cut run goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mendgraph.adapters.device import choose_device
from mendgraph.config import ReflectionTrainingSpec
from mendgraph.core.arrays import FloatArray
from mendgraph.errors import DataError
from mendgraph.training.reflection.corpus import Group, digest
from mendgraph.training.reflection.fit import fit
from mendgraph.training.reflection.measure import Lead, Swap, accuracies, leads, swap_leads, swaps
from mendgraph.training.reflection.split import folds, holdout
from mendgraph.training.reflection.states import LowerStates

FOLDS = 5
DEV_SHARE = 0.15
"""Share of the prompts outside a fold that stop its training early."""


@dataclass(frozen=True, slots=True)
class Task:
    """One fold of one run: `seed` draws both the folds and the training."""

    recipe: str
    settings: ReflectionTrainingSpec
    seed: int
    fold: int
    folds: int = FOLDS

    @property
    def key(self) -> str:
        return f"{self.recipe}/{self.seed}/{self.fold}of{self.folds}"


@dataclass(frozen=True, slots=True)
class FoldResult:
    """What a trained fold says about the prompts it has not seen.

    Attributes:
        dev: score and accuracies on the prompts that chose the epoch.
        prompts: numbers of the test prompts.
        logits: per test prompt, one for each of `Group.responses`.
        swaps: (number of the prompt, place among its good responses, number of the wrong prompt).
        swapped: logit of each of them.
        data: digest of all groups, that of the run it belongs to.
    """

    key: str
    recipe: str
    seed: int
    fold: int
    settings: dict[str, Any]
    dev: dict[str, float]
    best_epoch: int
    epochs: int
    seconds: float
    prompts: list[int]
    logits: list[list[float]]
    swaps: list[list[int]]
    swapped: list[float]
    data: str

    def leads(self, groups: Sequence[Group]) -> list[Lead]:
        """Every comparison of the test prompts, swaps included."""
        by_number = {group.prompt_id: group for group in groups}
        test = [by_number[number] for number in self.prompts]
        own = [np.array(row) for row in self.logits]
        return leads(test, own) + swap_leads(
            test, own, [self._swap(by_number, *entry) for entry in self.swaps], np.array(self.swapped)
        )

    def _swap(self, groups: dict[int, Group], prompt: int, place: int, wrong: int) -> Swap:
        return Swap(prompt, place, wrong, groups[prompt].topic == groups[wrong].topic)

    def to_json(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__slots__}, separators=(",", ":"))


def tasks(
    recipes: Mapping[str, ReflectionTrainingSpec], seeds: Iterable[int], count: int = FOLDS
) -> Iterator[Task]:
    """Seed by seed, so that a cut run has whole cross-validations of all recipes."""
    for seed in seeds:
        for name, settings in recipes.items():
            for fold in range(count):
                yield Task(name, settings, seed, fold, count)


def run_fold(task: Task, groups: Sequence[Group], states: LowerStates) -> FoldResult:
    """Trains outside the fold, with early stopping on prompts outside it, and scores the fold."""
    started = time.monotonic()
    inside = set(folds(groups, task.folds, task.seed)[task.fold])
    test = [group for at, group in enumerate(groups) if at in inside]
    rest = [group for at, group in enumerate(groups) if at not in inside]
    train, dev = holdout(rest, DEV_SHARE, task.seed)
    settings = task.settings.model_copy(update={"seed": task.seed * 100 + task.fold})
    fitted = fit(states, train, dev, settings)
    drawn = swaps(test, task.seed)
    return FoldResult(
        key=task.key,
        recipe=task.recipe,
        seed=task.seed,
        fold=task.fold,
        settings=plain_settings(task.settings),
        dev={kind: round(share, 5) for kind, share in fitted.dev.items()},
        best_epoch=fitted.best_epoch,
        epochs=len(fitted.history) - 1,
        seconds=round(time.monotonic() - started, 2),
        prompts=[group.prompt_id for group in test],
        logits=[_rounded(row) for row in fitted.logits(test)],
        swaps=[[swap.prompt_id, swap.place, swap.wrong_id] for swap in drawn],
        swapped=_rounded(fitted.swapped(test, drawn)),
        data=digest(groups),
    )


def run_folds(
    wanted: Sequence[Task],
    groups: Sequence[Group],
    path: Path,
    *,
    encoder: Path,
    device: str = "auto",
    echo: Callable[[str], None] = lambda line: None,
) -> list[FoldResult]:
    """Results of the tasks, those that `path` holds already included; new ones are appended to it as they come.

    A run that was cut goes on where it stopped.
    """
    mark = digest(groups)
    known = {result.key: result for result in read_results(path) if result.data == mark}
    plain = {task.key: plain_settings(task.settings) for task in wanted}
    found = {key: known[key] for key in plain if key in known and known[key].settings == plain[key]}
    missing = [task for task in wanted if task.key not in found]
    path.parent.mkdir(parents=True, exist_ok=True)
    _drop_torn_line(path)
    if found:
        echo(f"{len(found)} of {len(wanted)} folds are in {path} already")
    with path.open("a", encoding="utf-8") as file:
        place = choose_device(device)
        states: dict[str, LowerStates] = {}
        for task in missing:
            # what the encoder makes of a pair is the same for all recipes that read it alike
            read = (
                task.settings.max_length,
                task.settings.layers,
                task.settings.top_layers,
                task.settings.precision,
            )
            same = ", ".join(map(str, read))
            if same not in states:
                states[same] = LowerStates(encoder, task.settings, place)
            result = run_fold(task, groups, states[same])
            found[result.key] = result
            file.write(result.to_json() + "\n")
            file.flush()
            story = ", ".join(
                f"{kind} {share:.3f}" for kind, share in accuracies(result.leads(groups)).items()
            )
            echo(
                f"{len(found)}/{len(wanted)} {result.key}: {story} "
                f"(epoch {result.best_epoch} of {result.epochs}, {result.seconds:.1f} s)"
            )
    return [found[task.key] for task in wanted if task.key in found]


def read_results(path: Path) -> list[FoldResult]:
    """Every whole line; the last one may be torn, where a run was killed.

    Raises:
        DataError: a line is no result.
    """
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    found = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            found.append(FoldResult(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{path}, line {number}: {error}", hint="delete that line, or the file"
            ) from error
    return found


def _drop_torn_line(path: Path) -> None:
    """What a killed run left of its last line; the next one would be written behind it."""
    if path.is_file():
        whole = path.read_bytes()
        path.write_bytes(whole[: whole.rfind(b"\n") + 1])


def plain_settings(settings: ReflectionTrainingSpec) -> dict[str, Any]:
    """As they stand in a result; the seed is the fold's own, and paths change nothing."""
    return settings.model_dump(mode="json", exclude={"seed", "folds", "model"})


def _rounded(values: FloatArray) -> list[float]:
    return [round(value, 5) for value in values.tolist()]
