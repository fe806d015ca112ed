"""The irony set: iSarcasm's tweets, with the authors' plain rephrasings as the other side of each pair."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mendgraph.errors import InputError
from mendgraph.training.emotion.dedupe import text_key
from mendgraph.training.emotion.sources import Irony

DEV_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class IronyRow:
    """One training text; a tweet and its rephrasing share ``group`` and thus the split."""

    text: str
    irony: int
    group: str
    kind: str  # "tweet" or "rephrase"


@dataclass(frozen=True, slots=True)
class IronySplit:
    """Both splits, and what was dropped on the way.

    Attributes:
        conflicting: texts dropped because they carry both labels.
        evaluation: rows dropped because the text stands in an evaluation set.
    """

    train: list[IronyRow]
    dev: list[IronyRow]
    conflicting: int
    evaluation: int


def split_irony(rows: Sequence[Irony], *, forbidden: Collection[str] = ()) -> IronySplit:
    """90/10, stratified by label, by the hash of the text: adding rows never moves the others.

    Args:
        forbidden: keys of evaluation texts that must stand in neither split.
    """
    labels: dict[str, set[int]] = defaultdict(set)
    texts: dict[str, Irony] = {}
    for row in rows:
        key = _key(row.text)
        if key is not None:
            labels[key].add(row.irony)
            texts.setdefault(key, row)
    mixed = {key for key, found in labels.items() if len(found) > 1}
    groups = {key: row for key, row in texts.items() if key not in mixed}
    dev_groups: set[str] = set()
    for label in (0, 1):
        ordered = sorted((key for key, row in groups.items() if row.irony == label), key=_hash)
        dev_groups.update(ordered[: round(DEV_SHARE * len(ordered))])
    sides: dict[bool, dict[str, IronyRow]] = {True: {}, False: {}}
    leaked = 0
    for group, row in groups.items():
        for key, entry in _entries(group, row):
            if key in forbidden:
                leaked += 1
            elif key == group or key not in texts:
                sides[group in dev_groups].setdefault(key, entry)
    dev = sides[True]
    train = {key: entry for key, entry in sides[False].items() if key not in dev}
    return IronySplit(list(train.values()), list(dev.values()), len(mixed), leaked)


def _entries(group: str, row: Irony) -> list[tuple[str, IronyRow]]:
    entries = [(group, IronyRow(row.text, row.irony, _hash(group)[:12], "tweet"))]
    key = _key(row.rephrase) if row.rephrase else None
    if row.rephrase and key is not None and key != group:
        entries.append((key, IronyRow(row.rephrase, 0, _hash(group)[:12], "rephrase")))
    return entries


def _key(text: str) -> str | None:
    try:
        return text_key(text)
    except InputError:
        return None


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8")).hexdigest()
