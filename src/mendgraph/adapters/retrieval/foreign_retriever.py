"""A LangChain retriever, or anything with its `invoke`, as a source of documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.retrieval.duplicates import without_duplicates
from mendgraph.core.conflict import Document, read_document
from mendgraph.errors import BadOutput, InputError

__all__ = ["ForeignRetriever", "Invokable"]


class Invokable(Protocol):
    """What of a LangChain retriever is used: a query in, documents with `page_content` and `metadata` out."""

    def invoke(self, input: str, /) -> Any: ...


class ForeignRetriever:
    """Asks a LangChain retriever.

    A document's ``metadata`` may say ``id`` or ``source``, ``date`` and ``reliability``.
    """

    def __init__(self, retriever: Invokable) -> None:
        self._retriever = retriever

    def retrieve(self, question: str, most: int = 10) -> list[Document]:
        """
        Raises:
            BadOutput: it returned something that is no document.
            TierError: it failed in a way that has a name here.
        """
        with renamed("ask the retriever"):
            given = list(self._retriever.invoke(question))
        found = [_document(one, place) for place, one in enumerate(given, 1)]
        return without_duplicates(one for one in found if one is not None)[: max(most, 0)]


def _document(raw: Any, place: int) -> Document | None:
    """None for one without text."""
    text = raw if isinstance(raw, str) else getattr(raw, "page_content", None)
    if not isinstance(text, str):
        raise BadOutput(
            f"the retriever returned {type(raw).__name__}, which has no page_content",
            hint="give a LangChain retriever",
        )
    if not text.strip():
        return None
    told = getattr(raw, "metadata", None)
    known: dict[str, Any] = {}
    if isinstance(told, Mapping):
        known = {
            name: told[name] for name in ("id", "date", "source", "reliability") if told.get(name) is not None
        }
    name = getattr(raw, "id", None) or known.pop("id", None) or f"r{place}"
    try:
        return read_document({"text": text, "id": str(name), **known}, place)
    except InputError:  # a date or reliability of another make: the text still counts
        return Document(str(name), text.strip(), None, str(known["source"]) if "source" in known else None)
