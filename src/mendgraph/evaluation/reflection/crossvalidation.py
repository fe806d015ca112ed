"""Q5: pair accuracies of prompts that training has not seen, from the file of a cross-validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mendgraph.errors import DataError
from mendgraph.evaluation.reflection.shares import Share, shares
from mendgraph.evaluation.report import Section, Table, between, number
from mendgraph.training.reflection.corpus import Group, digest
from mendgraph.training.reflection.folds import FoldResult, read_results
from mendgraph.training.reflection.measure import TOLERANCE, Lead
from mendgraph.training.reflection.recipes import ABLATIONS, ADAPTERS, RESPONSE_ONLY, SHIPPED

HINT = "mend train reflection --part folds --data DIR, with the same folder, makes it and goes on where it stopped"
HEADER = ("", "H>M", "M>L", "H>L", "swap", "swap, same topic")
PAIR_KINDS = ("H>M", "M>L", "H>L")


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Results of whole cross-validations: recipe -> one list of folds per seed."""

    groups: Sequence[Group]
    runs: Mapping[str, tuple[tuple[FoldResult, ...], ...]]

    def leads(self, recipe: str) -> list[list[Lead]]:
        """Every comparison, one list per seed."""
        return [
            [lead for fold in run for lead in fold.leads(self.groups)] for run in self.runs.get(recipe, ())
        ]


def read_cross_validation(path: Path, groups: Sequence[Group]) -> CrossValidation:
    """Whole cross-validations in `path`; seeds with a fold missing are left out.

    Raises:
        DataError: the file is missing, or holds none of these prompts' data.
    """
    if not path.is_file():
        raise DataError(f"no cross-validation: {str(path)!r} is not there", hint=HINT)
    mark = digest(groups)
    found: dict[str, dict[int, dict[int, FoldResult]]] = {}
    for result in read_results(path):
        if result.data == mark:
            found.setdefault(result.recipe, {}).setdefault(result.seed, {})[result.fold] = result
    everyone = {group.prompt_id for group in groups}
    runs = {}
    for recipe, seeds in found.items():
        whole = tuple(
            tuple(run.values())
            for _, run in sorted(seeds.items())
            if {prompt for fold in run.values() for prompt in fold.prompts} == everyone
        )
        if whole:
            runs[recipe] = whole
    if SHIPPED not in runs:
        raise DataError(f"{str(path)!r} holds no whole cross-validation of these prompts", hint=HINT)
    return CrossValidation(groups, runs)


def nested(validation: CrossValidation) -> tuple[list[Lead], tuple[str, ...]]:
    """Comparisons of seed 0 where every fold's recipe was chosen inside it, by its dev score alone."""
    names = [name for name in (SHIPPED, *ABLATIONS, ADAPTERS) if name in validation.runs]
    first = {name: {fold.fold: fold for fold in validation.runs[name][0]} for name in names}
    chosen = [max(names, key=lambda name: first[name][fold].dev["score"]) for fold in sorted(first[SHIPPED])]
    picked = [first[name][fold] for name, fold in zip(chosen, sorted(first[SHIPPED]), strict=True)]
    return [lead for fold in picked for lead in fold.leads(validation.groups)], tuple(chosen)


def quality_section(
    validation: CrossValidation, baselines: Mapping[str, Sequence[Lead]], resamples: int
) -> tuple[Section, dict[str, Share]]:
    """The tables of Q5, and the shares that the targets are compared with."""
    main = validation.leads(SHIPPED)
    blind = validation.leads(RESPONSE_ONLY)
    inner, chosen = nested(validation)
    lines: dict[str, Sequence[Sequence[Lead]]] = {
        f"cross-encoder, {len(main)} seeds": main,
        "same, recipe chosen inside each fold, seed 0": [inner],
        **({"response only": blind} if blind else {}),
        **{name: [leads] for name, leads in baselines.items()},
    }
    every = {name: shares(runs, resamples=resamples) for name, runs in lines.items()}
    like = {name: shares(runs, matched=True, resamples=resamples) for name, runs in lines.items()}
    name = f"cross-encoder, {len(main)} seeds"
    seeds = every[name]
    pairs = {kind: like[name][kind].pairs for kind in PAIR_KINDS if kind in like[name]}
    tables = (
        Table(
            "Pairs ranked right, prompts unseen in training",
            HEADER,
            tuple(_row(name, found, HEADER[1:]) for name, found in every.items()),
            f"{len(validation.groups)} prompts in 5 folds that keep variants of a prompt together; 95 % intervals over "
            "prompts. H, M, L: complex, simple, no reflection. swap: a reflection above itself under a wrong prompt.",
        ),
        Table(
            "The same, responses of like length",
            HEADER[:4],
            tuple(_row(name, found, PAIR_KINDS) for name, found in like.items()),
            f"The shorter has at least {1 - TOLERANCE:.0%} of the longer's words: "
            + ", ".join(f"{count} {kind} pairs" for kind, count in pairs.items())
            + ".",
        ),
        Table(
            "Over the seeds",
            ("", "lowest", "mean", "highest"),
            tuple(
                (kind, *(number(value) for value in (min(s.seeds), float(np.mean(s.seeds)), max(s.seeds))))
                for kind, s in seeds.items()
            ),
            "Each seed draws its own folds and its own training.",
        ),
    )
    figures = {
        "all": every,
        "like_length": like,
        "tolerance": TOLERANCE,
        "nested_choices": chosen,
        "settings": validation.runs[SHIPPED][0][0].settings,
    }
    return Section("pairs", tables, figures), seeds


def ablation_section(validation: CrossValidation, resamples: int) -> Section:
    """What each part of the recipe is worth, on the folds of seed 0."""
    names = [name for name in (SHIPPED, *ABLATIONS, ADAPTERS) if name in validation.runs]
    found = {name: shares(validation.leads(name)[:1], resamples=resamples) for name in names}
    told = {
        "no_mismatch": "without mismatches",
        "mse": "squared error to 0, .5, 1",
        "one_gap": "one margin for all",
        ADAPTERS: "with adapters in the upper layers, 3 epochs",
    }
    table = Table(
        "Ablations, seed 0",
        HEADER,
        tuple(_row(told.get(name, name), shown, HEADER[1:]) for name, shown in found.items()),
        "The same folds for all; 95 % intervals over prompts.",
    )
    return Section("ablations", (table,), found)


def _row(name: str, found: Mapping[str, Share], kinds: Sequence[str]) -> tuple[str, ...]:
    cells = (between(found[kind].value, found[kind].interval) if kind in found else "-" for kind in kinds)
    return (name, *cells)
