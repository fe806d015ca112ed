"""Passages: texts that know, stretch by stretch, which domain they come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mendgraph.errors import DataError
from mendgraph.training.emotion.tables import read_table

FILE = "passages.parquet"
DOMAINS = ("general", "math", "medical")
MIXED = "mixed"
SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of at most a context window.

    Attributes:
        doc: what passages of one origin share; documents, not passages, are independent of each other.
        texts, domains: the stretches in order; a change of domain may come anywhere between two of them.
    """

    doc: str
    source: str
    split: str
    texts: tuple[str, ...]
    domains: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Its domain, or ``mixed``."""
        return self.domains[0] if len(set(self.domains)) == 1 else MIXED

    @property
    def text(self) -> str:
        return "".join(self.texts)


def pieces(text: str, longest: int, shortest: int) -> Iterator[str]:
    """The text in stretches of at most `longest` characters, cut after a paragraph, a sentence or a word.

    Stretches shorter than `shortest` are left out.
    """
    start = 0
    while start < len(text):
        end = len(text) if len(text) - start <= longest else _cut(text, start, start + longest)
        piece = text[start:end].strip()
        if len(piece) >= shortest:
            yield piece
        start = end


def _cut(text: str, start: int, limit: int) -> int:
    """The last good place to end a stretch in the second half of ``[start, limit)``; `limit` where there is none."""
    half = start + (limit - start) // 2
    for mark in ("\n\n", "\n", ". ", " "):
        found = text.rfind(mark, half, limit)
        if found >= 0:
            return found + len(mark)
    return limit


def share(*names: str) -> float:
    """A number in [0, 1) that depends on the names alone: splits stay the same when documents come or go."""
    return int.from_bytes(hashlib.sha256("\x1f".join(names).encode()).digest()[:8], "big") / 2**64


def read_passages(folder: Path, split: str, sources: Collection[str] = ()) -> list[Passage]:
    """One split of what `mend data token_routing` wrote; `sources` empty for all.

    Raises:
        DataError: no such file, or nothing of the split in it.
    """
    table = read_table(folder / FILE, ("doc", "source", "split", "texts", "domains"))
    rows = zip(table["doc"], table["source"], table["split"], table["texts"], table["domains"], strict=True)
    found = [
        Passage(doc, source, part, tuple(json.loads(texts)), tuple(json.loads(domains)))
        for doc, source, part, texts, domains in rows
        if part == split and (not sources or source in sources)
    ]
    if not found:
        raise DataError(
            f"no {split} passages in {str(folder / FILE)!r}",
            hint="mend data token_routing --data-dir DIR writes them",
        )
    return found


def columns(passages: Iterable[Passage]) -> dict[str, list[str]]:
    """For `write_table`; the stretches as JSON lists, which every parquet reader can read."""
    rows = list(passages)
    return {
        "doc": [row.doc for row in rows],
        "source": [row.source for row in rows],
        "split": [row.split for row in rows],
        "texts": [json.dumps(row.texts, ensure_ascii=False) for row in rows],
        "domains": [json.dumps(row.domains) for row in rows],
    }


def digest(passages: Sequence[Passage]) -> str:
    """16 hex digits of the passages."""
    sums = hashlib.sha256()
    for row in passages:
        sums.update(json.dumps([row.doc, row.split, row.texts, row.domains]).encode())
    return sums.hexdigest()[:16]
