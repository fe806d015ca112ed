"""Reads what a spec names as training data into one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mendgraph.adapters.artifacts import DataSource
from mendgraph.errors import DataError
from mendgraph.training.prompt_routing.arena import read_arena
from mendgraph.training.prompt_routing.backups import provenance
from mendgraph.training.prompt_routing.comparisons import Comparisons, Responses
from mendgraph.training.prompt_routing.data_specs import DataSpec, PreferencesData
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.readers import (
    PROVENANCE,
    read_llmrouter,
    read_outcomes,
    read_preference_responses,
    read_preferences,
    read_routellm,
)

__all__ = ["TrainingData", "read_data"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """
    Attributes:
        table: outcomes where every source has them, comparisons otherwise.
        responses: of the first source that has them.
    """

    table: Outcomes | Comparisons
    responses: Responses | None = None
    sources: tuple[DataSource, ...] = ()


def read_data(specs: Sequence[DataSpec], folder: Path) -> TrainingData:
    """
    Args:
        folder: what paths are relative to.

    Raises:
        DataError: a file is missing or malformed, or has no such split.
    """
    tables: list[Outcomes | Comparisons] = []
    responses: list[Responses] = []
    sources: list[DataSource] = []
    for spec in specs:
        table, answers = _read(spec, folder)
        tables.append(table)
        responses += [answers] if answers is not None else []
        sources += _sources(spec, table)
    outcomes = [table for table in tables if isinstance(table, Outcomes)]
    joined: Outcomes | Comparisons
    if len(outcomes) == len(tables):
        joined = Outcomes.joined(outcomes)
    else:
        joined = Comparisons.joined(
            [table.comparisons() if isinstance(table, Outcomes) else table for table in tables]
        )
    return TrainingData(joined, responses[0] if responses else None, tuple(sources))


def _read(spec: DataSpec, folder: Path) -> tuple[Outcomes | Comparisons, Responses | None]:
    if isinstance(spec, PreferencesData):
        prompts = folder / spec.prompts
        compared = read_preferences(folder / spec.preferences, prompts, tie_within=spec.tie_within)
        answers = (
            None if spec.responses is None else read_preference_responses(folder / spec.responses, prompts)
        )
        kept = _of_split(compared, spec.split, prompts)
        return kept, None if answers is None else _of_split(answers, spec.split, prompts)
    path = folder / spec.path
    if spec.kind == "arena":
        return read_arena(path)
    if spec.kind == "routellm":
        tables = read_routellm(path)
    elif spec.kind == "llmrouter":
        tables = read_llmrouter(path)
    else:
        tables = read_outcomes(path, spec.models, prefix=spec.prefix, prompt=spec.prompt, group=spec.group)
    table = _of_split(tables, spec.split, path)
    return table.of_models(table.models), None  # prompts on which none of them was tried say nothing


def _sources(spec: DataSpec, table: Outcomes | Comparisons) -> list[DataSource]:
    """Published ones by their citation and licence; groups tell what prepared outcomes are made of."""
    published = provenance(table) if isinstance(table, Outcomes) else []
    if published and sum(source.rows for source in published) == len(table):
        return published
    name = "alpacaeval" if isinstance(spec, PreferencesData) else spec.kind
    path = spec.preferences if isinstance(spec, PreferencesData) else spec.path
    citation, licence = PROVENANCE.get(name, ("not known to mendgraph", "unknown"))
    return [DataSource(name=f"{name}: {Path(path).stem}", licence=licence, rows=len(table), source=citation)]


def _of_split(tables: dict[str, T], split: str, path: Path) -> T:
    if split not in tables:
        raise DataError(f"{path.name} has no split {split!r}, only {', '.join(tables)}")
    return tables[split]
