"""Readers: each returns the examples of one split of one public data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mendgraph.errors import DataError, HubUnavailable, MendError
from mendgraph.training.emotion.labels import BROAD, GOEMOTIONS, LABELS, STRICT, to_label8
from mendgraph.training.emotion.tables import TRAIN_EXTRA, read_table

SPLITS = ("train", "dev", "test")

# name -> (citation, licence); the model card and the manifest quote it.
PROVENANCE = {
    "goemotions": (
        "GoEmotions, Demszky et al., ACL 2020 (official filtered splits)",
        "CC BY 4.0 (Google's release), Apache-2.0 (the repository)",
    ),
    "carer": (
        "CARER / dair-ai emotion, Saravia et al., EMNLP 2018",
        "educational and research purposes only; not for shipped weights",
    ),
    "isarcasm": ("iSarcasmEval English, Abu Farha et al., SemEval-2022 task 6", "MIT"),
    "augmentation": ("written by this project", "Apache-2.0"),
}

HUB_GOEMOTIONS = "google-research-datasets/go_emotions"
_HUB_SPLITS = {"train": "train", "dev": "validation", "test": "test"}


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text.

    Attributes:
        label8: one of the eight labels under the strict map; None where the fine labels do not plainly mean one.
        labels28: GoEmotions' own labels joined by "|"; "" for other sources.
    """

    text: str
    label8: str | None
    labels28: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Irony:
    """One text with its irony label, and, if its author gave one, a rephrasing that means the same plainly."""

    text: str
    irony: int
    rephrase: str | None = None


def read_goemotions(data_dir: Path, split: str) -> list[Example]:
    """Columns text, labels28; label8_strict and label8, where present, must agree with our own maps."""
    name = f"goemotions_{split}.parquet"
    table = read_table(data_dir / name, ("text", "labels28"))
    fine = table["labels28"]
    strict = [to_label8(labels.split("|"), STRICT) for labels in _known(fine, name)]
    broad = [to_label8(labels.split("|"), BROAD) for labels in fine]
    for column, ours in (("label8_strict", strict), ("label8", broad)):
        for row, (theirs, mine) in enumerate(zip(table.get(column, ours), ours, strict=True)):
            if theirs != mine:
                raise DataError(
                    f"{name}, row {row}: {column} is {theirs!r}, but {fine[row]!r} maps to {mine!r}",
                    hint="the file was made with another map; drop the column or rebuild the file",
                )
    return [
        Example(text, label, labels, "goemotions")
        for text, label, labels in zip(table["text"], strict, fine, strict=True)
    ]


def read_goemotions_hub(split: str) -> list[Example]:
    """The same split from the Hugging Face hub (configuration ``simplified``)."""
    try:
        import datasets
    except ImportError as error:
        raise MendError(
            "--hub needs the package 'datasets', which is not installed", hint=TRAIN_EXTRA
        ) from error
    try:
        rows: Any = datasets.load_dataset(HUB_GOEMOTIONS, "simplified", split=_HUB_SPLITS[split])
    except OSError as error:  # connection, offline mode, unknown data set: all are OSErrors there
        raise HubUnavailable(
            f"{HUB_GOEMOTIONS} cannot be had from the hub: {error}", hint="use --data-dir with local files"
        ) from error
    names = rows.features["labels"].feature.names
    fine = ["|".join(names[index] for index in labels) for labels in rows["labels"]]
    return [
        Example(text, to_label8(labels.split("|"), STRICT), labels, "goemotions")
        for text, labels in zip(rows["text"], _known(fine, HUB_GOEMOTIONS), strict=True)
    ]


def read_carer(data_dir: Path, split: str) -> list[Example]:
    """Labels from hashtags (distant supervision); six of the eight classes."""
    return _eight(data_dir / f"carer_{split}.parquet", "carer")


def read_meld(data_dir: Path, split: str) -> list[Example]:
    """Television dialogue, one utterance a row; seven of the eight classes.  For evaluation."""
    return _eight(data_dir / f"meld_{split}.parquet", "meld")


def read_tweeteval_emotion(data_dir: Path, split: str) -> list[Example]:
    """Tweets, three of the eight classes; ``optimism`` has no counterpart and becomes None.  For evaluation."""
    return _eight(data_dir / f"tweeteval_emotion_{split}.parquet", "tweeteval_emotion")


def read_tweeteval_irony(data_dir: Path, split: str) -> list[Irony]:
    """Tweets labelled irony (1) or not (0).  For evaluation."""
    table = read_table(data_dir / f"tweeteval_irony_{split}.parquet", ("text", "label_id"))
    return [Irony(text, int(label)) for text, label in zip(table["text"], table["label_id"], strict=True)]


def read_isarcasm(data_dir: Path, split: str = "train") -> list[Irony]:
    """Tweets labelled by their own authors; sarcastic ones come with the author's plain rephrasing."""
    table = read_table(data_dir / f"isarcasm_{split}.parquet", ("text", "sarcastic", "rephrase"))
    return [
        Irony(text, int(label), rephrase or None)
        for text, label, rephrase in zip(table["text"], table["sarcastic"], table["rephrase"], strict=True)
    ]


def _eight(path: Path, source: str) -> list[Example]:
    table = read_table(path, ("text", "label8"))
    outside = sorted({label for label in table["label8"] if label is not None} - set(LABELS))
    if outside:
        raise DataError(f"{path.name}: label {outside[0]!r} is outside {', '.join(LABELS)}")
    return [
        Example(text, label, source=source)
        for text, label in zip(table["text"], table["label8"], strict=True)
    ]


def _known(fine: list[str], where: str) -> list[str]:
    unknown = sorted({label for labels in fine for label in labels.split("|")} - set(GOEMOTIONS))
    if unknown:
        raise DataError(f"{where}: {unknown[0]!r} is none of GoEmotions' 28 labels")
    return fine
