"""Documents that may contradict each other: how a row is read, and the levels of a conflict."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mendgraph.core.calendar import iso_date
from mendgraph.core.evidence import header_of
from mendgraph.core.pasted import documents_in
from mendgraph.core.quantities import find_measures
from mendgraph.core.sources import reliability_of
from mendgraph.core.text import clean
from mendgraph.core.units import DATE
from mendgraph.core.values import Input
from mendgraph.errors import InputError

__all__ = [
    "CODES",
    "FIELDS",
    "LEVELS",
    "MOST_DOCUMENTS",
    "Document",
    "documents_of",
    "parsed",
    "prepare_question",
    "read_document",
    "spoken",
]

LEVELS: Final = ("none", "temporal", "numerical", "entity", "semantic")
"""Labels of the types classifier; all but the first are conflicts."""

CODES: Final = {"temporal": "L1", "numerical": "L2", "entity": "L3", "semantic": "L4"}
"""Level -> its short name; L1 and L2 are shallow, L3 and L4 deep."""

FIELDS: Final = ("question", "documents")
MOST_DOCUMENTS: Final = 500
DOCUMENT_LIMIT: Final = 20_000
"""Characters kept of each document."""

_OTHER_NAMES: Final = {"query": "question", "docs": "documents"}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_RELIABILITY: Final = re.compile(r"reliability:? (\d(?:\.\d+)?)", re.I)
_LISTED: Final = re.compile(r", | - |^[\d-]+:$")
"""What a header without brackets has, and a clause before a colon seldom."""
_ISO: Final = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")
_WAY_OUT: Final = (
    'give {"question": ..., "documents": [text, ...]}; a document may also be {"text", "id", "date", '
)
_WAY_OUT_END: Final = '"source", "reliability"}'


@dataclass(frozen=True, slots=True)
class Document:
    """One retrieved text.

    Attributes:
        id: unique within its set; answers quote it.
        date: of the source, as YYYY, YYYY-MM or YYYY-MM-DD, so that text order is time order.
        source: who says so.
        reliability: of the source, in [0, 1].
    """

    id: str
    text: str
    date: str | None = None
    source: str | None = None
    reliability: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "text": self.text,
            "date": self.date,
            "source": self.source,
            "reliability": self.reliability,
        }


def prepare_question(raw: object, *, may_retrieve: bool = False) -> Input:
    """One row: `text` is the question, ``facts["documents"]`` its documents as dictionaries.

    `raw` of the result is `spoken`, which can be given as a row again and is then read the same.  What was too long or
    too much is told in ``facts["notes"]``.

    Args:
        raw: a mapping with ``question`` (or ``query``) and ``documents`` (or ``docs``), or such a mapping as JSON text.
            Documents may be one text; see `documents_in`.
        may_retrieve: documents may be missing, because the graph has somewhere to look for them; a plain text is then
            a question.

    Raises:
        InputError: it is none of these; there is no question, or no document; or a document cannot be read.
    """
    row = _row(raw, may_retrieve)
    try:
        question = clean(row.get("question"))
    except InputError as error:
        raise InputError(f"question: {error.message}", hint=error.hint) from error
    given = row.get("documents")
    if isinstance(given, str):
        given = documents_in(given)
    elif given is None:
        given = ()
    if not isinstance(given, Sequence):
        raise InputError(
            f"documents: expected a list, got {type(given).__name__}", hint=_WAY_OUT + _WAY_OUT_END
        )
    if not given and not may_retrieve:
        raise InputError("there are no documents to compare", hint=_WAY_OUT + _WAY_OUT_END)
    notes: list[str] = []
    if len(given) > MOST_DOCUMENTS:
        notes.append(f"the first {MOST_DOCUMENTS} of {len(given):,} documents are read")
    documents = [read_document(one, place) for place, one in enumerate(given[:MOST_DOCUMENTS], 1)]
    documents = _named_apart(documents)
    for document in documents:
        if len(document.text) > DOCUMENT_LIMIT:
            notes.append(
                f"document {document.id} was cut to its first {DOCUMENT_LIMIT:,} of {len(document.text):,} characters"
            )
    found = [{**one.to_dict(), "text": one.text[:DOCUMENT_LIMIT]} for one in documents]
    facts: dict[str, Any] = {**question.facts, "documents": found}
    if notes:
        facts["notes"] = notes
    return Input(question.text, spoken(question.text, documents), facts)


def read_document(raw: object, place: int = 1) -> Document:
    """
    Args:
        raw: a text, a `Document`, or a mapping with ``text`` and what is known of id, date, source and reliability.
            What is not given is taken from a header such as "[2019, city archive] ...", where the text has one;
            reliability last of all from the kind of source.
        place: from 1, which names a document without an id.

    Raises:
        InputError: there is no text, or a field cannot be read.
    """
    if isinstance(raw, Document):
        raw = raw.to_dict()
    known: Mapping[str, Any] = {"text": raw} if isinstance(raw, str) else raw  # type: ignore[assignment]  # checked
    if not isinstance(known, Mapping) or not isinstance(known.get("text"), str):
        raise InputError(
            f"document {place}: expected a text, got {type(raw).__name__}", hint=_WAY_OUT + _WAY_OUT_END
        )
    text = _readable(known["text"]).strip()
    if not text:
        raise InputError(f"document {place} is empty", hint="leave it out")
    told = _told_by_header(text)
    day, source, worth = (
        known.get(name) if known.get(name) not in (None, "") else told.get(name)
        for name in ("date", "source", "reliability")
    )
    named = None if source is None else " ".join(_readable(str(source)).split())
    return Document(
        str(known.get("id") or f"d{place}"),
        text,
        _day(day, place),
        named,
        reliability_of(named) if worth is None else _worth(worth, place),
    )


def documents_of(row: Input) -> list[Document]:
    """The documents of a prepared row, in order; none where it has none yet."""
    return [Document(**one) for one in row.facts.get("documents", ())]


def spoken(question: str, documents: Sequence[Document]) -> str:
    """A row as JSON text."""
    rows = [{name: value for name, value in one.to_dict().items() if value is not None} for one in documents]
    return json.dumps({"question": _readable(question), "documents": rows}, ensure_ascii=False)


def parsed(text: str) -> dict[str, Any] | None:
    """The row that a text is the JSON of; None for any other text."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    named = isinstance(row, dict) and {_OTHER_NAMES.get(name, name) for name in row}
    return row if named and "question" in named and named <= {*FIELDS, "id"} else None


def _row(raw: object, may_retrieve: bool) -> Mapping[str, Any]:
    if isinstance(raw, str):
        row = parsed(raw)
        if row is None:
            if may_retrieve:
                return {"question": raw}
            raise InputError("expected a question with documents, got one text", hint=_WAY_OUT + _WAY_OUT_END)
        raw = row
    if not isinstance(raw, Mapping):
        raise InputError(
            f"expected a question with documents, got {type(raw).__name__}", hint=_WAY_OUT + _WAY_OUT_END
        )
    named = {_OTHER_NAMES.get(str(name), str(name)): value for name, value in raw.items()}
    if named.get("question") is None:
        others = ", ".join(map(repr, raw)) or "nothing"
        raise InputError(f"the row has no question; it has {others}", hint=_WAY_OUT + _WAY_OUT_END)
    return named


def _named_apart(documents: Sequence[Document]) -> list[Document]:
    """With ids that occur once: a second "a" becomes "a-2"."""
    seen: set[str] = set()
    found = []
    for one in documents:
        name, number = one.id, 1
        while name in seen:
            number += 1
            name = f"{one.id}-{number}"
        seen.add(name)
        found.append(Document(name, one.text, one.date, one.source, one.reliability))
    return found


def _told_by_header(text: str) -> dict[str, Any]:
    header = header_of(text)
    if not header or (header[0] not in "[(" and not _LISTED.search(header)):
        return {}  # a sentence may have a colon too
    dates = [one for one in find_measures(header) if one.dimension == DATE]
    worth = _RELIABILITY.search(header)
    if not dates and not worth:
        return {}
    rest = header
    for start, end in sorted(
        [(one.start, one.end) for one in dates] + ([worth.span()] if worth else []), reverse=True
    ):
        rest = rest[:start] + rest[end:]
    source = " ".join(rest.strip(" ,|:-–[]()").replace(" ,", ",").split()).strip(" ,|:-–")
    return {
        "date": _iso(dates[0].low, dates[0].width) if dates else None,
        "source": source or None,
        "reliability": float(worth[1]) if worth else None,
    }


def _iso(low: float, width: float) -> str:
    return iso_date(int(low))[: 4 if width > 300 else 7 if width > 1 else 10]


def _day(given: object, place: int) -> str | None:
    if given is None:
        return None
    text = str(given).strip()
    if _ISO.fullmatch(text):
        return text
    found = [one for one in find_measures(text) if one.dimension == DATE]
    if len(found) != 1:
        raise InputError(
            f"document {place}: {text!r} is no date", hint="write it as 2019, 2019-05 or 2019-05-14"
        )
    return _iso(found[0].low, found[0].width)


def _worth(given: object, place: int) -> float:
    try:
        worth = float(given) if isinstance(given, str | int | float) else math.nan
    except ValueError:
        worth = math.nan
    if not 0.0 <= worth <= 1.0:
        raise InputError(f"document {place}: reliability {given!r} is no number in [0, 1]")
    return worth


def _readable(text: str) -> str:
    """Without control characters; surrogate pairs joined, lone ones dropped."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    return _CONTROL.sub("", text)
