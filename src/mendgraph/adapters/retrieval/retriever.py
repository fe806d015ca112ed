"""The edge of retrieval: a question in, documents out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from mendgraph.core.conflict import Document


@runtime_checkable
class Retriever(Protocol):
    """Finds documents for a question; safe to call from several threads at once."""

    def retrieve(self, question: str, most: int) -> list[Document]:
        """Up to `most` documents, the closest first, no duplicates among them; none where nothing fits.

        Raises:
            TierError: documents cannot be had.
        """
        ...
