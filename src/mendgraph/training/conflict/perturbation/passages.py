"""Passages of real text that may be changed, read from the data sets that hold them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final, Literal

from mendgraph.errors import DataError
from mendgraph.training.conflict.perturbation.sentences import plain, sentences_of, words_of
from mendgraph.training.emotion.tables import read_table

__all__ = ["GENERAL", "LEADS", "Passage", "read_passages", "split_of"]

GENERAL: Final = "general.parquet"
LEADS: Final = ("lcr_dev.parquet", "lcr_test.parquet", "lcr_natural_v1_v2.parquet")
"""Only their column of Wikipedia passages is read, in which nothing of that benchmark's conflicts is left."""

BOOKS: Final = (
    "factbook/",
    "openstax/osbooks-world-history",
    "openstax/osbooks-us-history",
    "openstax/osbooks-astronomy",
    "openstax/osbooks-american-government",
    "openstax/osbooks-introduction-anthropology",
    "openstax/osbooks-introduction-political-science",
    "openstax/osbooks-psychology",
)
"""Sources of `GENERAL`, or their beginnings, that tell facts in prose."""

ONE_IN_DEV: Final = 10
PER_SECTION: Final = 8
MOST_WORDS: Final = 100
LEAST_CHARACTERS: Final = 60

Split = Literal["train", "dev"]


@dataclass(frozen=True, slots=True)
class Passage:
    """Attributes: document: what it is part of, for splits; subject: the name it is about, "" where it has none."""

    source: str
    document: str
    sentences: tuple[str, ...]
    subject: str = ""

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


def split_of(document: str) -> Split:
    """By the document's name alone, so that more data change no split."""
    digest = hashlib.sha256(document.encode()).digest()
    return "dev" if int.from_bytes(digest[:4]) % ONE_IN_DEV == 0 else "train"


def read_passages(folder: Path, split: Split) -> list[Passage]:
    """Passages of `GENERAL` (sections of open textbooks, the World Factbook) and of `LEADS` that the folder holds,
    those of Wikipedia first.

    Raises:
        DataError: it holds neither, or a file is malformed.
    """
    found: list[Passage] = []
    seen: set[str] = set()
    for name in LEADS:
        if (folder / name).is_file():
            for one in _leads(folder / name):
                if one.document not in seen and split_of(one.document) == split:
                    seen.add(one.document)
                    found.append(one)
    if (folder / GENERAL).is_file():
        found += [one for one in _sections(folder / GENERAL) if split_of(one.document) == split]
    if not found:
        raise DataError(f"{str(folder)!r} holds neither {GENERAL} nor {LEADS[0]}, or no prose in them")
    return found


def _leads(path: Path) -> Iterator[Passage]:
    rows = read_table(path, ("documents_without_template",))["documents_without_template"]
    texts = dict.fromkeys(text for row in rows for text in (json.loads(row) if isinstance(row, str) else row))
    for text in texts:
        body = re.sub(r"\s+", " ", text.split("\n\n")[0] if text.find("\n\n") > 120 else text)
        kept = tuple(one for one in sentences_of(_tidy(body)) if plain(one))
        if kept:
            # one title may be in several rows, cut differently: the first words name the document
            yield Passage("wikipedia", " ".join(words_of(kept[0])[:6]), kept, _subject(kept[0]))


def _sections(path: Path) -> Iterator[Passage]:
    table = read_table(path, ("source", "doc", "text"))
    for source, document, text in zip(table["source"], table["doc"], table["text"], strict=True):
        if not source.startswith(BOOKS):
            continue
        paragraphs = [one for one in text.split("\n\n") if len(one) > LEAST_CHARACTERS]
        Random(document).shuffle(paragraphs)
        for part in islice(filter(None, map(_passage, paragraphs)), PER_SECTION):
            yield Passage(source.partition("/")[2] or source, f"{source}: {document}", part)


def _passage(paragraph: str) -> tuple[str, ...]:
    """The first sentences of a paragraph up to `MOST_WORDS`; none where the first is not plain."""
    kept: list[str] = []
    words = 0
    for one in sentences_of(_tidy(paragraph)):
        words += len(words_of(one))
        if not plain(one) or words > MOST_WORDS:
            break
        kept.append(one)
    return tuple(kept)


def _tidy(text: str) -> str:
    return re.sub(
        r"\s+", " ", re.sub(r"\(\s*[,;]\s*|\s+(?=[,;)])", lambda m: "(" if "(" in m[0] else "", text)
    ).strip()


def _subject(sentence: str) -> str:
    """What stands before the verb or the bracket, where that is a name."""
    match = re.match(
        r"^((?:The )?[A-Z][\w'.-]*(?: (?:of|the|and|de|van|von|[A-Z0-9][\w'.-]*)){0,5}?)"
        r"(?: \(|,| is | was | are | were )",
        sentence,
    )
    return match[1] if match else ""
