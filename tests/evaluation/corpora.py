"""Raw test sets of a few dozen rows, and an emotion graph of scripted tiers, for the evaluation tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mendgraph.app import MendGraph
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.testing import Scripted
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.tables import write_table
from tests.cascades import IRONY, cascade, pooling

FINE = {"joy": "joy", "sadness": "grief", "anger": "annoyance", "fear": "nervousness"} | {
    label: label for label in ("love", "surprise", "neutral", "disgust")
}
SUBJECTS = ("my cat", "this soup", "the match", "her letter", "our train", "that film", "the rain", "his car")
TEXT = "string"


def text_of(label: str, subject: str) -> str:
    return f"{subject} makes me think of {label}"


def write_raw(folder: Path) -> Path:
    """All files that an evaluation reads; truth is plain from the last word."""
    test = [(text_of(label, subject), FINE[label]) for label in LABELS for subject in SUBJECTS]
    extra = [("who knows", "curiosity"), ("My cat makes me think of JOY!", "joy")]
    train = [(f"{subject} {word} so much {label}", FINE[label]) for label in LABELS for subject in SUBJECTS
             for word in ("means", "brings")]  # fmt: skip
    leak = [(text_of("joy", "my cat"), "joy")]
    for split, rows in (("test", test + extra), ("train", train + leak), ("dev", [("dev only joy", "joy")])):
        columns = {"text": [text for text, _ in rows], "labels28": [fine for _, fine in rows]}
        write_table(folder / f"goemotions_{split}.parquet", columns, dict.fromkeys(columns, TEXT))
    others: Mapping[str, Sequence[tuple[str, str | None]]] = {
        "carer": [(f"i feel {text_of(label, s)}", label) for label in LABELS for s in SUBJECTS[:3]],
        "meld": [("oh joy", "joy"), ("dev only joy", "joy"), ("go away anger", "anger")],
        "tweeteval_emotion": [("so much joy", "joy"), ("onwards", None)],
    }
    for name, labelled in others.items():
        table = {"text": [text for text, _ in labelled], "label8": [label for _, label in labelled]}
        write_table(folder / f"{name}_test.parquet", table, dict.fromkeys(table, TEXT))
    irony = {
        "text": ["yeah right", "sure thing yeah", "bread", "a table", "rain"],
        "label_id": [1, 1, 0, 0, 0],
    }
    write_table(folder / "tweeteval_irony_test.parquet", irony, {"text": TEXT, "label_id": "int8"})
    return folder


def last_word(text: str) -> str:
    word = text.rstrip("!").rsplit(" ", 1)[-1].lower()
    return word if word in LABELS else "neutral"


def scripted_graph() -> MendGraph:
    """Two tiers that err on different subjects, each less sure where it errs; both together are always right."""

    def primary(text: str) -> tuple[str, float]:
        return ("anger", 0.45) if "cat" in text or "soup" in text else (last_word(text), 0.9)

    def backup(text: str) -> tuple[str, float]:
        return ("joy", 0.4) if "train" in text else (last_word(text), 0.8)

    tiers = {"primary": Ironic(primary, name="primary"), "backup": Scripted(backup, name="backup")}
    return cascade(tiers, ask="return", irony=IRONY, **pooling(tiers, (1.0, 1.0)))


class Ironic(Scripted):
    """With an irony head that fires on the word "yeah"."""

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        said = super().predict(rows)
        return [
            replace(p, signals={"irony": 0.95 if "yeah" in row.text else 0.1})
            if isinstance(p, Prediction)
            else p
            for p, row in zip(said, rows, strict=True)
        ]
