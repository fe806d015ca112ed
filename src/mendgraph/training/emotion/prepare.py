"""From public data sets to the folder that `mend train emotion` reads."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mendgraph.errors import DataError
from mendgraph.training.emotion.augment import Augmented, augment, write_augmentation
from mendgraph.training.emotion.dedupe import (
    Keyed,
    distinct_for_evaluation,
    distinct_for_training,
    keyed,
    text_key,
    without,
)
from mendgraph.training.emotion.irony import IronySplit, split_irony
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.sources import (
    PROVENANCE,
    SPLITS,
    Example,
    read_carer,
    read_goemotions,
    read_goemotions_hub,
    read_isarcasm,
    read_tweeteval_irony,
)
from mendgraph.training.emotion.summary import DataSummary
from mendgraph.training.emotion.tables import write_table

FOLDER = "emotion_dataset_balanced"
Progress = Callable[[str, int, int], None]


def prepare_emotion(
    data_dir: Path | None,
    out_dir: Path,
    *,
    carer: bool = False,
    hub: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> DataSummary:
    """Read, clean, remove duplicates and leaks, count, write; nothing is balanced here.

    Writes ``emotion_dataset_balanced/`` under `out_dir`: train, dev, test (columns text, label8, labels28,
    source, strict; train also train_weight), augmentation, and, where `data_dir` has iSarcasm, irony_train
    and irony_dev; summary.json and summary.md.  ``train_weight`` is for a sampler: one over the square root of
    the label's frequency, with mean 1 over the rows that have a strict label; 1 for the others.

    Args:
        data_dir: folder with the parquet files; None only together with `hub`.
        carer: add CARER to all three splits; its licence allows research only.
        hub: read GoEmotions from the Hugging Face hub instead of `data_dir`.
        progress: called with (stage, done, total).

    Raises:
        DataError: a file is missing or malformed, or a class has no row in some split.
    """
    if data_dir is None and (carer or not hub):
        raise DataError("no data folder given", hint="pass --data-dir DIR, or --hub for GoEmotions alone")
    tell = progress or (lambda stage, done, total: None)
    names = ["goemotions", *(["carer"] if carer else [])]
    splits: dict[str, list[Keyed]] = {}
    before: dict[str, dict[str, int]] = {}
    read: dict[str, int] = {}
    unreadable: dict[str, int] = {}
    for done, split in enumerate(SPLITS):
        tell("read", done, len(SPLITS))
        examples = _read(data_dir, split, carer=carer, hub=hub)
        read[split], before[split] = len(examples), _count(examples)
        splits[split], unreadable[split] = keyed(examples)

    tell("deduplicate", 0, 1)
    train = distinct_for_training(splits["train"])
    dev, dev_ties = distinct_for_evaluation(splits["dev"])
    test, test_ties = distinct_for_evaluation(splits["test"])
    kept = {"train": train, "dev": dev, "test": test}
    ties = {"train": 0, "dev": dev_ties, "test": test_ties}
    duplicates = {split: len(splits[split]) - len(kept[split]) - ties[split] for split in SPLITS}
    # Every text of dev and test is forbidden to earlier splits, those dropped for a tie included.
    in_dev, in_test = ({row.key for row in splits[split]} for split in ("dev", "test"))
    leaked = {
        "train in dev": len(train) - len(without(train, in_dev)),
        "train in test": len(train) - len(without(train, in_test)),
        "dev in test": len(dev) - len(without(dev, in_test)),
    }
    kept = {"train": without(train, in_dev | in_test), "dev": without(dev, in_test), "test": test}
    after = {split: _count([row.example for row in rows]) for split, rows in kept.items()}
    _assert_every_class(after)

    folder = out_dir / FOLDER
    for done, split in enumerate(SPLITS):
        tell("write", done, len(SPLITS))
        _write(
            folder / f"{split}.parquet",
            [row.example for row in kept[split]],
            after[split] if split == "train" else None,
        )
    written = augment(seed)
    clean_rows = [row for row in written if text_key(row.text) not in in_dev | in_test]
    write_augmentation(folder / "augmentation.parquet", clean_rows)
    irony = _irony(data_dir, folder)
    if irony:
        names.append("isarcasm")
    summary = DataSummary(
        sources={
            name: {"citation": PROVENANCE[name][0], "licence": PROVENANCE[name][1]}
            for name in [*names, "augmentation"]
        },
        read=read,
        unreadable=unreadable,
        duplicates=duplicates,
        ties=ties,
        leaked=leaked,
        before=before,
        after=after,
        auxiliary=sum(row.example.label8 is None for row in kept["train"]),
        irony=irony,
        augmentation=_families(clean_rows, len(written)),
    )
    (folder / "summary.json").write_text(json.dumps(summary.to_dict(), indent=2) + "\n", encoding="utf-8")
    (folder / "summary.md").write_text(summary.to_markdown(), encoding="utf-8")
    tell("done", 1, 1)
    return summary


def _read(data_dir: Path | None, split: str, *, carer: bool, hub: bool) -> list[Example]:
    examples: list[Example] = []
    if hub:
        examples += read_goemotions_hub(split)
    elif data_dir is not None:
        examples += read_goemotions(data_dir, split)
    if carer and data_dir is not None:
        examples += read_carer(data_dir, split)
    return examples


def _count(examples: Sequence[Example]) -> dict[str, int]:
    counts = Counter(example.label8 for example in examples)
    return {label: counts[label] for label in LABELS}


def _assert_every_class(after: Mapping[str, Mapping[str, int]]) -> None:
    empty = [f"{label} in {split}" for split in SPLITS for label in LABELS if not after[split][label]]
    if empty:
        raise DataError(
            f"no row is left for {', '.join(empty)}",
            hint="check the label columns: every class needs rows in every split",
        )


def _write(path: Path, examples: Sequence[Example], counts: Mapping[str, int] | None) -> None:
    columns: dict[str, list[object]] = {
        "text": [example.text for example in examples],
        "label8": [example.label8 for example in examples],
        "labels28": [example.labels28 for example in examples],
        "source": [example.source for example in examples],
        "strict": [example.label8 is not None for example in examples],
    }
    types = {"text": "string", "label8": "string", "labels28": "string", "source": "string", "strict": "bool"}
    if counts is not None:
        # sum over rows of 1/sqrt(n_label) is sum over labels of sqrt(n_label): dividing by its mean gives mean 1
        mean = sum(math.sqrt(count) for count in counts.values()) / sum(counts.values())
        columns["train_weight"] = [
            1 / math.sqrt(counts[example.label8]) / mean if example.label8 else 1.0 for example in examples
        ]
        types["train_weight"] = "double"
    write_table(path, columns, types)


def _irony(data_dir: Path | None, folder: Path) -> dict[str, int]:
    """Write both irony splits; TweetEval irony, where present, is for evaluation and thus forbidden to them."""
    if data_dir is None or not (data_dir / "isarcasm_train.parquet").is_file():
        return {}
    evaluation = [
        row.text
        for split in SPLITS
        if (data_dir / f"tweeteval_irony_{split}.parquet").is_file()
        for row in read_tweeteval_irony(data_dir, split)
    ]
    forbidden = {row.key for row in keyed(Example(text, None) for text in evaluation)[0]}
    result = split_irony(read_isarcasm(data_dir), forbidden=forbidden)
    for split, rows in (("train", result.train), ("dev", result.dev)):
        write_table(
            folder / f"irony_{split}.parquet",
            {
                "text": [row.text for row in rows],
                "irony": [row.irony for row in rows],
                "group": [row.group for row in rows],
                "kind": [row.kind for row in rows],
            },
            {"text": "string", "irony": "int8", "group": "string", "kind": "string"},
        )
    return _irony_counts(result)


def _irony_counts(result: IronySplit) -> dict[str, int]:
    counts = Counter(
        f"{split} {row.irony}"
        for split, rows in (("train", result.train), ("dev", result.dev))
        for row in rows
    )
    return {
        **dict(sorted(counts.items())),
        "conflicting": result.conflicting,
        "in evaluation": result.evaluation,
    }


def _families(rows: Sequence[Augmented], written: int) -> dict[str, int]:
    return {**Counter(row.family for row in rows), "leaked": written - len(rows)}
