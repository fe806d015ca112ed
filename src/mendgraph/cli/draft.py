"""A question whose documents are still being given."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from mendgraph.core.pasted import paragraphs

GO = "/go"
_ENDS_BLANK = re.compile(r"\n[^\S\n]*\Z")


@dataclass(slots=True)
class Draft:
    """A blank line ends a document; a second one, or ``/go``, asks.

    Attributes:
        documents: whole ones.
        lines: of the document under way.
    """

    question: str
    documents: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> Draft | None:
        """Of a question, and of the documents that were pasted with it after a blank line; None without a question."""
        parts = paragraphs(text)
        return cls(parts[0], parts[1:]) if parts else None

    def take(self, sent: str) -> bool:
        """Takes what was sent, one line or a pasted lot; says whether to ask now."""
        if sent.strip() == GO:
            self._end()
            return bool(self.documents)
        parts = paragraphs(sent)
        if not parts:
            asks = not self.lines and bool(self.documents)
            self._end()
            return asks
        for whole in parts[:-1]:
            self.lines.append(whole)
            self._end()
        self.lines.append(parts[-1])
        if _ENDS_BLANK.search(sent):
            self._end()
        return False

    def _end(self) -> None:
        if self.lines:
            self.documents.append("\n".join(self.lines))
            self.lines = []

    def hint(self) -> tuple[str, str]:
        """What the next line is, and what an empty one would do."""
        number = len(self.documents) + 1
        if self.lines:
            return f"document {number}", "Enter alone ends it"
        return f"document {number}", "Enter alone asks" if self.documents else ""

    def row(self) -> dict[str, Any]:
        return {"question": self.question, "documents": list(self.documents)}
