"""Tables to measure on: what may be learned from, what is judged on, and no prompt in both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mendgraph.training.prompt_routing.leaks import families
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.prepare import read_sources, source_of


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One source.

    Attributes:
        train: rows that may be learned from.
        test: rows that judge; none of them, and no near duplicate, is in the `train` of any source.
        families: of the rows of `train`: equal for near duplicates.
        dropped: training rows left out because a test of some source has them.
    """

    train: Outcomes
    test: Outcomes
    families: tuple[str, ...]
    dropped: int

    @property
    def groups(self) -> dict[str, str]:
        """Prompt -> subject or task, of both parts."""
        return dict(
            zip(
                (*self.train.prompts, *self.test.prompts),
                (*self.train.groups, *self.test.groups),
                strict=True,
            )
        )


def read_tables(data_dir: Path) -> dict[str, Table]:
    """``mmlu``, ``gsm8k`` and ``llmrouter``; what a source calls dev is judged on too, since nothing is chosen on it.

    Raises:
        DataError: a file is missing or malformed.
    """
    parts = {}
    for name, splits in read_sources(data_dir).items():
        judged = [table for split, table in splits.items() if split != "train"]
        parts[name] = (splits["train"], Outcomes.joined(judged))
    whole = [prompt for train, test in parts.values() for prompt in (*train.prompts, *test.prompts)]
    family = families(whole)
    start, judged_families, at = 0, set(), {}
    for name, (train, test) in parts.items():
        at[name] = (start, start + len(train))
        judged_families.update(family[start + len(train) : start + len(train) + len(test)].tolist())
        start += len(train) + len(test)
    found = {}
    for name, (train, test) in parts.items():
        own = family[slice(*at[name])]
        kept = ~np.isin(own, sorted(judged_families))
        found[name] = Table(train.take(kept), test, tuple(map(str, own[kept].tolist())), int((~kept).sum()))
    return found


def short(groups: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Without the source's name in front of each group."""
    return {group.removeprefix(f"{source_of(group)}/"): line for group, line in groups.items()}
