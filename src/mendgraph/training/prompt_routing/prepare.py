"""`mend data prompt_routing`: RouteLLM's and LLMRouter's outcomes in three parts that share no prompt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mendgraph.core.arrays import IntArray
from mendgraph.errors import ConfigError
from mendgraph.training.emotion.tables import write_table
from mendgraph.training.prompt_routing.leaks import families
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.readers import PROVENANCE, read_llmrouter, read_outcomes, read_routellm
from mendgraph.training.prompt_routing.split import holdout

__all__ = ["SPLITS", "DataSummary", "prepare_prompt_routing", "read_prepared", "read_sources", "source_of"]

SPLITS = ("train", "dev", "test")

DEV = 0.12
"""Share of the train prompts set aside to calibrate on."""

PREFIX = "score__"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class DataSummary:
    """Counts of the prepared data; split names are train, dev and test.

    Attributes:
        prompts: split -> source -> prompts.
        groups: source -> subjects or tasks.
        models: source -> model -> mean score over its prompts of train.
        leaked: source -> prompts of train and dev dropped because test has them too, or near duplicates of them.
        varied: prompts of train that are near duplicates of another; they stay together in every split.
    """

    prompts: Mapping[str, Mapping[str, int]]
    groups: Mapping[str, int]
    models: Mapping[str, Mapping[str, float]]
    leaked: Mapping[str, int]
    varied: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def to_markdown(self) -> str:
        used = [PROVENANCE[name] for name in ("routellm", "llmrouter")]
        lines = ["# Prompt routing data", "", *(f"- {citation}; {licence}" for citation, licence in used), ""]
        lines += ["| source | groups | train | dev | test | dropped as leaks |", "|---|---|---|---|---|---|"]
        for source, groups in self.groups.items():
            cells = [str(self.prompts[split].get(source, 0)) for split in SPLITS]
            lines.append(f"| {source} | {groups} | {' | '.join(cells)} | {self.leaked.get(source, 0)} |")
        lines += [
            "",
            "A prompt of train or dev is dropped when test has it too, or a near duplicate: LLMRouter's test has"
            " questions of GSM8K. RouteLLM's MMLU comes without a test part; its dev is test here.",
            f"Near duplicates within train: {self.varied} prompts; no split takes them apart.",
        ]
        for source, models in self.models.items():
            lines += ["", f"| {source} | mean score in train |", "|---|---|"]
            ranked = sorted(models.items(), key=lambda item: -item[1])
            lines += [f"| {name} | {score:.3f} |" for name, score in ranked]
        return "\n".join(lines) + "\n"


def prepare_prompt_routing(
    data_dir: Path | None,
    out_dir: Path,
    *,
    carer: bool = False,
    hub: bool = False,
    seed: int = 0,
    progress: Progress = lambda stage, done, total: None,
) -> DataSummary:
    """Writes ``outcomes_{train,dev,test}.parquet``: prompt, group and one column of scores per model.

    Args:
        data_dir: folder with ``routellm_mmlu``, ``routellm_gsm8k`` and ``llmrouter_9models`` as parquet files.
        carer, hub: of other graphs' data.
        seed: of what is drawn from train for dev.

    Raises:
        ConfigError: no folder, or an option that means nothing here.
        DataError: a file is missing or malformed.
    """
    if data_dir is None or hub or carer:
        raise ConfigError(
            "the routing data come from a folder alone",
            hint="mend data prompt_routing --data-dir DIR, with the files of RouteLLM and LLMRouter in it",
        )
    progress("reading", 0, 3)
    sources = read_sources(data_dir)
    progress("looking for near duplicates", 1, 3)
    whole = Outcomes.joined([table for parts in sources.values() for table in parts.values()])
    part = [split for parts in sources.values() for split, table in parts.items() for _ in range(len(table))]
    family = families(whole.prompts)
    rows = _split(np.array(part), family, seed)
    progress("writing", 2, 3)
    out_dir.mkdir(parents=True, exist_ok=True)
    tables = {split: whole.take(rows[split]) for split in SPLITS}
    for split, table in tables.items():
        _write(out_dir / f"outcomes_{split}.parquet", table)
    kept = np.concatenate(list(rows.values()))
    lost = whole.take(np.setdiff1d(np.arange(len(whole)), kept))
    sizes = Counter(family[rows["train"]].tolist())
    return DataSummary(
        prompts={split: _per_source(table) for split, table in tables.items()},
        groups={source: len({*_groups(whole, source)}) for source in _per_source(whole)},
        models={source: _means(tables["train"], source) for source in _per_source(tables["train"])},
        leaked=_per_source(lost),
        varied=sum(size for size in sizes.values() if size > 1),
    )


def read_sources(data_dir: Path) -> dict[str, dict[str, Outcomes]]:
    """Source -> split (train, dev, test) -> table; a prompt's group is ``source/subject``."""
    mmlu = read_routellm(data_dir / "routellm_mmlu.parquet")
    found = {
        "mmlu": {"train": mmlu["train"], "test": mmlu["dev"]},
        "gsm8k": read_routellm(data_dir / "routellm_gsm8k.parquet"),
        "llmrouter": read_llmrouter(data_dir / "llmrouter_9models.parquet"),
    }
    return {
        source: {split: _named(source, t) for split, t in parts.items()} for source, parts in found.items()
    }


def read_prepared(folder: Path, split: str) -> Outcomes:
    """One of `SPLITS`, as `prepare_prompt_routing` wrote it."""
    return read_outcomes(folder / f"outcomes_{split}.parquet", prefix=PREFIX, group="group")["train"]


def source_of(group: str) -> str:
    return group.partition("/")[0]


def _named(source: str, table: Outcomes) -> Outcomes:
    groups = [source if name.endswith(source) else f"{source}/{name}" for name in table.groups]
    return Outcomes.of(table.prompts, table.models, table.scores, groups)


def _split(part: np.ndarray, family: IntArray, seed: int) -> dict[str, IntArray]:
    """Positions per split: nothing of test's families elsewhere, nothing of dev's in train."""
    test = np.flatnonzero(part == "test")
    open_ = np.flatnonzero((part != "test") & ~np.isin(family, family[test]))
    _, drawn = holdout(family[open_].tolist(), DEV, seed)
    dev = np.union1d(open_[drawn], open_[part[open_] == "dev"])
    train = open_[~np.isin(family[open_], family[dev])]
    return {"train": train, "dev": dev, "test": test}


def _write(path: Path, table: Outcomes) -> None:
    columns: dict[str, list[Any]] = {"prompt": list(table.prompts), "group": list(table.groups)}
    for name, scores in zip(table.models, table.scores.T.tolist(), strict=True):
        columns[f"{PREFIX}{name}"] = [None if score != score else score for score in scores]
    types = {name: "string" if name in ("prompt", "group") else "float" for name in columns}
    write_table(path, columns, types)


def _groups(table: Outcomes, source: str) -> list[str]:
    return [group for group in table.groups if source_of(group) == source]


def _per_source(table: Outcomes) -> dict[str, int]:
    return dict(Counter(source_of(group) for group in table.groups))


def _means(table: Outcomes, source: str) -> dict[str, float]:
    scores = table.scores[[source_of(group) == source for group in table.groups]]
    known = ~np.isnan(scores)
    return {
        name: float(scores[known[:, at], at].mean())
        for at, name in enumerate(table.models)
        if known[:, at].any()
    }
