"""What `prepare_emotion` found and did, for people (Markdown) and programs (JSON)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.sources import SPLITS


@dataclass(frozen=True, slots=True)
class DataSummary:
    """Counts of rows; split names are train, dev, test.

    Attributes:
        sources: data sets used, with citation and licence.
        read, unreadable: rows per split before anything was dropped, and those with nothing to read.
        duplicates: rows per split dropped because the same text (and, in train, label set) stood there before.
        ties: rows of dev and test dropped because two labels of their text were equally frequent.
        leaked: rows dropped because their text stands in a later split: "train in dev", "train in test",
            "dev in test"; a row of train that stands in both counts twice.
        before, after: split -> label -> rows with that strict label.
        auxiliary: rows of train without a strict label, kept for the 28-label head.
        irony: rows per split and label ("train 1"), and what was dropped there.
        augmentation: family -> rows written by this project; "leaked" were dropped.
    """

    sources: Mapping[str, Mapping[str, str]]
    read: Mapping[str, int]
    unreadable: Mapping[str, int]
    duplicates: Mapping[str, int]
    ties: Mapping[str, int]
    leaked: Mapping[str, int]
    before: Mapping[str, Mapping[str, int]]
    after: Mapping[str, Mapping[str, int]]
    auxiliary: int
    irony: Mapping[str, int]
    augmentation: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def to_markdown(self) -> str:
        lines = ["# Emotion data", ""]
        lines += [
            f"- {name}: {entry['citation']}; {entry['licence']}" for name, entry in self.sources.items()
        ]
        lines += ["", "| | train | dev | test |", "|---|---|---|---|"]
        counts = (
            ("read", self.read), ("unreadable", self.unreadable), ("duplicates dropped", self.duplicates),
            ("rows without a majority label dropped", self.ties),
        )  # fmt: skip
        lines += [_line(name, row) for name, row in counts]
        lines += [
            "",
            "Strict labels before -> after cleaning:",
            "",
            "| | train | dev | test |",
            "|---|---|---|---|",
        ]
        for label in LABELS:
            cells = [f"{self.before[split][label]} -> {self.after[split][label]}" for split in SPLITS]
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
        lines += ["", f"Train rows without a strict label (28-label head only): {self.auxiliary}."]
        footers = {
            "Dropped as leaks": self.leaked,
            "Irony": self.irony,
            "Augmentation (training only)": self.augmentation,
        }
        for title, table in footers.items():
            listed = ", ".join(f"{name} {count}" for name, count in table.items()) or "none"
            lines += ["", f"{title}: {listed}."]
        return "\n".join(lines) + "\n"


def _line(name: str, row: Mapping[str, int]) -> str:
    return f"| {name} | " + " | ".join(str(row.get(split, 0)) for split in SPLITS) + " |"
