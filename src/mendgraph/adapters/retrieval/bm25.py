"""BM25 over documents in memory (Robertson & Zaragoza 2009), by bm25s."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from mendgraph.adapters.retrieval.duplicates import without_duplicates
from mendgraph.adapters.retrieval.files import read_documents
from mendgraph.core.conflict import Document
from mendgraph.errors import DataError, MendError

__all__ = ["Bm25Retriever"]

_WORD: Final = re.compile(r"[^\W_]+")
_STOP: Final = frozenset(
    _WORD.findall(
        "a an and are as at be but by for from had has have he her his i in is it its of on or she that the "
        "their they this to was were what when where which who whom whose why will with you"
    )
)


class Bm25Retriever:
    """An index that does not change; safe across threads.

    Args:
        documents: duplicates among them are left out.

    Raises:
        DataError: there is no document, or no word in any.
        MendError: bm25s is not installed.
    """

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents: tuple[Document, ...] = tuple(without_duplicates(documents))
        tokens = [_words(document.text) for document in self.documents]
        if not any(tokens):
            raise DataError(
                f"{len(self.documents)} documents without a word", hint="give documents with text"
            )
        self._index: Any = _bm25s().BM25()
        self._index.index(tokens, show_progress=False)

    @classmethod
    def open(cls, path: str | Path) -> Bm25Retriever:
        """Index a folder, a JSONL or a parquet file; see `read_documents`."""
        return cls(read_documents(Path(path).expanduser()))

    def retrieve(self, question: str, most: int = 10) -> list[Document]:
        """The closest first; a document that shares no word with the question is never returned."""
        # words that no document has would be looked up in vain, and an empty query has no scores
        query = [word for word in _words(question) if word in self._index.vocab_dict]
        if not query or most < 1:
            return []
        scores = np.asarray(self._index.get_scores(query))
        ranked = np.argsort(-scores, kind="stable")[:most]
        return [self.documents[at] for at in ranked.tolist() if scores[at] > 0]


def _words(text: str) -> list[str]:
    """Lower case; one-letter words and digits stay, for a question may hang on them."""
    return [word for word in _WORD.findall(text.lower()) if word not in _STOP]


def _bm25s() -> Any:
    try:
        import bm25s
    except ImportError as error:
        raise MendError(
            "searching documents needs bm25s, which is not installed",
            hint="pip install 'mendgraph[retrieval]'",
        ) from error
    return bm25s
