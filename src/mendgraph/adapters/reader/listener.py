"""Hears what each document says to a question, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mendgraph.adapters.answerability import Answerability
from mendgraph.adapters.reader.heard import Heard
from mendgraph.adapters.reader.prompt import Prompt
from mendgraph.adapters.reader.reader import Reader

__all__ = ["Listener"]


@dataclass(frozen=True, slots=True)
class Listener:
    """
    Attributes:
        judge: an encoder that says which documents answer the question, and what; without one the reader does.
    """

    reader: Reader
    judge: Answerability | None = None

    def hear(
        self, prompts: Sequence[Prompt], questions: Sequence[str], documents: Sequence[Sequence[str]]
    ) -> list[list[Heard]]:
        """What each document of each row says.

        The judge reads documents whole; the reader what of them has a place in the row's prompt, and hears nothing in
        the others.

        Args:
            prompts: of the same questions and documents.

        Raises:
            BadOutput: the model's output is not finite.
        """
        if self.judge is None:
            return self.reader.heard(prompts)
        asked = [
            (question, document)
            for question, row in zip(questions, documents, strict=True)
            for document in row
        ]
        heard = iter(self.judge.hear(asked))
        return [[next(heard) for _ in row] for row in documents]
