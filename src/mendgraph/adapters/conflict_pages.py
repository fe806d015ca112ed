"""What a reader is given of a row: the documents closest to the question, cut to what it can read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from mendgraph.adapters.hashing import sha256_of_json
from mendgraph.adapters.reader.prompt import Prompt
from mendgraph.adapters.reader.reader import Reader
from mendgraph.core.claimed import sentences_of
from mendgraph.core.conflict import Document, documents_of
from mendgraph.core.evidence import closeness, header_of
from mendgraph.core.sources import reliability_of
from mendgraph.core.values import Input
from mendgraph.errors import InputError

__all__ = ["Page", "page_of"]

_NUMBERED: Final = re.compile(r"\b(documents? )(\d+)( to )?(\d+)?")


@dataclass(frozen=True, slots=True)
class Page:
    """
    Attributes:
        ids: of the documents in the prompt, in order.
        texts: theirs, as they were given to the reader.
        whole: theirs, uncut.
        missing: documents that were left out, in a sentence for people; none where all were read.
        cut: what of them the reader was not given, the same way.
        key: of what the reader reads, by content, and of the run.
    """

    question: str
    prompt: Prompt
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    whole: tuple[str, ...]
    missing: tuple[str, ...]
    cut: tuple[str, ...]
    key: str

    def told(self, *, whole: bool = False) -> dict[str, Any]:
        """
        Args:
            whole: its documents were read uncut.
        """
        return {"notes": [*self.missing, *(() if whole else self.cut)]}


def page_of(reader: Reader, row: Input, most: int, run: str = "") -> Page:
    """
    Args:
        run: joins the key.

    Raises:
        InputError: no question, or no document with text.
    """
    documents = documents_of(row)
    if not documents:
        raise InputError("the row has no documents", hint='give {"question": ..., "documents": [text, ...]}')
    chosen = _closest(row.text, documents, most)
    missing, cut = [], []
    if len(chosen) < len(documents):
        missing.append(
            f"{len(chosen)} of {len(documents):,} documents were read, those closest to the question"
        )
    texts = [_headed(document) for document in chosen]
    whole = tuple(texts)
    prompt = reader.prompt(row.text, texts)
    for number, (first, last) in enumerate(prompt.spans):
        short = _excerpt(reader, row.text, texts[number], last - first)
        if short is not None:
            texts[number], told = short
            cut.append(f"document {chosen[number].id}: {told}")
    if prompt.cut:
        prompt = reader.prompt(row.text, texts)
    ids = tuple(document.id for document in chosen)
    cut += [_by_id(line, ids) for line in prompt.cut]
    # what did not fit counts too: two pages with one prompt may say different things where documents are read whole
    key = sha256_of_json({"ids": list(prompt.ids), "whole": whole if cut else (), "run": run})
    return Page(row.text, prompt, ids, tuple(texts), whole, tuple(missing), tuple(cut), key)


def _headed(document: Document) -> str:
    """The text, with what is known of its source before it where it does not say so itself: "[2019, newspaper] ..."."""
    if header_of(document.text):
        return document.text
    worth = document.reliability
    told = None if worth is None or worth == reliability_of(document.source) else f"reliability {worth:g}"
    known = [part for part in (document.date, document.source, told) if part]
    return f"[{', '.join(known)}] {document.text}" if known else document.text


def _excerpt(reader: Reader, question: str, text: str, room: int) -> tuple[str, str] | None:
    """The sentences closest to the question that fit into so many tokens, in their own order, and how many they are;
    None where all fit, or not even the closest one does."""

    def size(part: str) -> int:
        return len(reader.codec.pieces(f" {part}"))

    if size(" ".join(text.split())) <= room:
        return None
    header, places = header_of(text), sentences_of(text)
    left = room - (size(header) if header else 0)
    kept: list[tuple[int, int]] = []
    for start, end in sorted(places, key=lambda at: -closeness(question, text[at[0] : at[1]])):
        needed = size(text[start:end])
        if needed <= left:
            kept.append((start, end))
            left -= needed
        elif not kept:
            return None
    shown = " ".join([*([header] if header else []), *(text[a:b] for a, b in sorted(kept))])
    return shown, f"{len(kept)} of its {len(places)} sentences were read, those closest to the question"


def _closest(question: str, documents: Sequence[Document], most: int) -> list[Document]:
    """In their own order."""
    if len(documents) <= most:
        return list(documents)
    ranked = sorted(range(len(documents)), key=lambda at: (-closeness(question, documents[at].text), at))
    return [documents[at] for at in sorted(ranked[:most])]


def _by_id(line: str, ids: Sequence[str]) -> str:
    """The sentence with the documents' own names in place of their numbers in the prompt."""

    def named(match: re.Match[str]) -> str:
        first, last = int(match[2]), int(match[4] or match[2])
        return match[1] + ", ".join(ids[first - 1 : last])

    return _NUMBERED.sub(named, line, count=1)
