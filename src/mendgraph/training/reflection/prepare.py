"""`mend data reflection`: from the public files to a folder with nothing of dev in train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mendgraph.core.reflection import LABELS
from mendgraph.errors import ConfigError
from mendgraph.training.emotion.tables import write_table
from mendgraph.training.reflection.corpus import Group, leak_free
from mendgraph.training.reflection.measure import words
from mendgraph.training.reflection.sources import PROVENANCE, SPLITS, PairRow, read_pair

_TYPES = {"prompt_id": "int64", "topic": "string", "prompt": "string", "response": "string", "level": "int8"}

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class DataSummary:
    """Counts of the prepared data; split names are train and dev.

    Attributes:
        prompts, responses: per split.
        families: groups of prompts that share a reflection or a run of words; no family lies in both splits.
        shared: prompts of train that were dropped as variants of prompts of dev.
        repeated: responses per split dropped because the same prompt has them twice at one level.
        levels: split -> level -> responses.
        length: level -> mean words of a response of train.
        questions: level -> share of the responses of train with a question mark.
    """

    prompts: dict[str, int]
    responses: dict[str, int]
    families: dict[str, int]
    shared: int
    repeated: dict[str, int]
    levels: dict[str, dict[str, int]]
    length: dict[str, float]
    questions: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def to_markdown(self) -> str:
        citation, licence = PROVENANCE["pair"]
        counts = (
            ("prompts", self.prompts),
            ("families of prompts", self.families),
            ("responses", self.responses),
            ("repeated, dropped", self.repeated),
        )
        lines = [
            "# Reflection data",
            "",
            f"- {citation}; {licence}",
            "",
            "| | train | dev |",
            "|---|---|---|",
        ]
        lines += [f"| {name} | {row['train']} | {row['dev']} |" for name, row in counts]
        lines += [
            f"| {level} | {self.levels['train'][level]} | {self.levels['dev'][level]} |" for level in LABELS
        ]
        lines += [
            "",
            f"Prompts of train dropped as variants of prompts of dev: {self.shared}.",
            "",
            "Shortcuts in train, which `mend eval reflection` controls for:",
            "",
            "| level | mean words | with a question mark |",
            "|---|---|---|",
        ]
        lines += [f"| {level} | {self.length[level]:.1f} | {self.questions[level]:.0%} |" for level in LABELS]
        return "\n".join(lines) + "\n"


def prepare_reflection(
    data_dir: Path | None,
    out_dir: Path,
    *,
    carer: bool = False,
    hub: bool = False,
    seed: int = 0,
    progress: Progress = lambda stage, done, total: None,
) -> DataSummary:
    """Writes ``pair_train.parquet`` and ``pair_dev.parquet``: the public split, less train's variants of dev.

    Args:
        data_dir: folder with both files as published.
        carer, hub, seed: of other graphs' data; nothing here is drawn, and nothing is on a hub.

    Raises:
        ConfigError: no folder, or an option that means nothing here.
        DataError: a file is missing or malformed.
    """
    if data_dir is None or hub or carer:
        raise ConfigError(
            "the reflection data come from a folder alone",
            hint="mend data reflection --data-dir DIR, with pair_train.parquet and pair_dev.parquet in it",
        )
    rows = {}
    for number, split in enumerate(SPLITS):
        progress("reading", number, len(SPLITS))
        rows[split] = read_pair(data_dir, split)
    train, dev, shared = leak_free(rows["train"], rows["dev"])
    kept: dict[str, Sequence[Group]] = {"train": train, "dev": dev}
    out_dir.mkdir(parents=True, exist_ok=True)
    for split, groups in kept.items():
        write_table(out_dir / f"pair_{split}.parquet", _columns(groups), _TYPES)
    return _summary(rows, kept, shared)


def _columns(groups: Sequence[Group]) -> dict[str, list[Any]]:
    flat = [(group, text, level) for group in groups for text, level in group.responses]
    return {
        "prompt_id": [group.prompt_id for group, _, _ in flat],
        "topic": [group.topic for group, _, _ in flat],
        "prompt": [group.prompt for group, _, _ in flat],
        "response": [text for _, text, _ in flat],
        "level": [level for _, _, level in flat],
    }


def _summary(rows: dict[str, list[PairRow]], kept: dict[str, Sequence[Group]], shared: int) -> DataSummary:
    flat = {split: [pair for group in groups for pair in group.responses] for split, groups in kept.items()}
    train = {
        name: [text for text, level in flat["train"] if level == number] for number, name in enumerate(LABELS)
    }
    inside = {split: {group.prompt_id for group in groups} for split, groups in kept.items()}
    return DataSummary(
        prompts={split: len(groups) for split, groups in kept.items()},
        responses={split: len(pairs) for split, pairs in flat.items()},
        families={split: len({group.family for group in groups}) for split, groups in kept.items()},
        shared=shared,
        repeated={
            split: sum(row.prompt_id in inside[split] for row in rows[split]) - len(flat[split])
            for split in SPLITS
        },
        levels={
            split: {name: sum(level == number for _, level in pairs) for number, name in enumerate(LABELS)}
            for split, pairs in flat.items()
        },
        length={name: _mean([words(text) for text in texts]) for name, texts in train.items()},
        questions={name: _mean(["?" in text for text in texts]) for name, texts in train.items()},
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
