"""Hears what each document says to a question, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mendgraph.adapters.answerability import Answerability
from mendgraph.adapters.reader.heard import Heard
from mendgraph.adapters.reader.prompt import Prompt
from mendgraph.adapters.reader.reader import Reader
from mendgraph.core.answerability import LABELS, VALUE
from mendgraph.core.arrays import FloatArray

__all__ = ["Listener"]


@dataclass(frozen=True, slots=True)
class Listener:
    """
    Attributes:
        judge: says which documents answer the question, and which of them with yes or no; the others' values are read
            by the reader.  Without one the reader says that too.
    """

    reader: Reader
    judge: Answerability | None = None

    def hear(
        self, prompts: Sequence[Prompt], questions: Sequence[str], documents: Sequence[Sequence[str]]
    ) -> list[list[Heard]]:
        """What each document of each row says; nothing where it had no place in the row's prompt.

        Args:
            prompts: of the same questions and documents.

        Raises:
            BadOutput: the model's output is not finite.
        """
        if self.judge is None:
            return self.reader.heard(prompts)
        places = [
            (row, number)
            for row, prompt in enumerate(prompts)
            for number, (first, last) in enumerate(prompt.spans)
            if first < last
        ]
        chances = self.judge.chances([(questions[row], documents[row][number]) for row, number in places])
        wanted: list[set[int]] = [set() for _ in prompts]
        for (row, number), own in zip(places, chances, strict=True):
            if LABELS[int(own.argmax())] == VALUE:
                wanted[row].add(number)
        found = self.reader.heard(prompts, wanted)
        for (row, number), own in zip(places, chances, strict=True):
            found[row][number] = _joined(found[row][number], own)
        return found


def _joined(read: Heard, chances: FloatArray) -> Heard:
    """What the judge says, with what was read where it says that there is something to read."""
    best = int(chances.argmax())
    label, sure = LABELS[best], float(chances[best])
    if label == VALUE:
        return Heard(read.value, sure * read.probability, read.tokens)
    return Heard(label if label in LABELS[2:] else None, sure)
