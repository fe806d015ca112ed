"""Says of documents whether they answer a question, and what, with an adapter and a head on the shared encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mendgraph.adapters.adapter_tier import own_calibration
from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.marks import Mark, best_mark
from mendgraph.adapters.pair_reader import MarkingReader
from mendgraph.adapters.reader.heard import Heard
from mendgraph.core.answerability import FEATURES, LABELS, NOTHING, VALUE, features, texts
from mendgraph.core.arrays import FloatArray
from mendgraph.core.claimed import sentences_of
from mendgraph.errors import ArtifactError, BadOutput
from mendgraph.modules.answer_head import AnswerHead

__all__ = ["ANSWERABILITY", "Answerability"]

ANSWERABILITY: Final = "conflict_answerability"
_WINDOW: Final = 600
"""Characters of a document that are read at once: about 130 tokens, as long as what it was trained on."""
_OVERLAP: Final = 1
"""Sentences that two neighbouring windows share."""


@dataclass(frozen=True, slots=True)
class _Read:
    """One window of one document.

    Attributes:
        chances: (labels,) calibrated.
        mark: the likeliest value in `body`; None where it has no word.
    """

    chances: FloatArray
    mark: Mark | None
    body: str


class Answerability:
    """Reads a question and one document together; a long document window by window.

    Attributes:
        fingerprint: of its weights.
    """

    def __init__(self, encoder: SharedEncoder, artifact: Artifact, *, merge: bool = True) -> None:
        """
        Raises:
            ArtifactError: the artefact is something else, or of another version.
            ConfigError: the encoder cannot read two texts.
        """
        manifest = artifact.manifest
        if manifest.kind != ANSWERABILITY:
            raise ArtifactError(
                f"{str(artifact.folder)!r} holds a {manifest.kind}, not a {ANSWERABILITY}",
                hint="give another folder",
            )
        self.fingerprint = artifact.fingerprint
        self._calibrator = own_calibration(artifact)
        self._reader = MarkingReader(
            encoder, artifact, AnswerHead, labels=LABELS, features=FEATURES, part="answerability", merge=merge
        )

    def hear(self, asked: Sequence[tuple[str, str]]) -> list[Heard]:
        """What each document says to its question, for pairs of question and document.

        A value stands in the document word for word.  Its probability is that the document has one, times that it is
        this one.

        Raises:
            BadOutput: not finite.
        """
        parts = [
            (row, question, window) for row, (question, text) in enumerate(asked) for window in _windows(text)
        ]
        read: list[list[_Read]] = [[] for _ in asked]
        for (row, _, _), one in zip(parts, self._read([part[1:] for part in parts]), strict=True):
            read[row].append(one)
        return [_heard(own) for own in read]

    def chances(self, asked: Sequence[tuple[str, str]]) -> FloatArray:
        """(N, labels) calibrated probabilities of `LABELS` for pairs of question and document, each read at once and
        cut where it is too long.

        Raises:
            BadOutput: not finite.
        """
        return np.array([one.chances for one in self._read(asked)]).reshape(len(asked), len(LABELS))

    def _read(self, asked: Sequence[tuple[str, str]]) -> list[_Read]:
        if not asked:
            return []
        pairs = [texts(*one) for one in asked]
        logits, marks, tokens = self._reader.marks(pairs, [features(*one) for one in asked])
        chances = logits.softmax(-1).double().numpy()
        if not np.isfinite(chances).all():
            raise BadOutput("answerability: probabilities are not finite", hint="precision fp32")
        calibrated = chances if self._calibrator is None else self._calibrator.transform(chances)
        return [
            _Read(np.asarray(own), best_mark(places, offsets, types, body), body)
            for own, places, offsets, types, (_, body) in zip(
                calibrated, marks, tokens.offsets or [], tokens.types or [], pairs, strict=True
            )
        ]


def _windows(text: str) -> Iterator[str]:
    """Whole sentences up to `_WINDOW` characters; all of a short text at once."""
    places = list(_pieces(text)) if len(text) > _WINDOW else []
    if not places:
        yield text
        return
    start = 0
    while start < len(places):
        stop = start + 1
        while stop < len(places) and places[stop][1] - places[start][0] <= _WINDOW:
            stop += 1
        yield text[places[start][0] : places[stop - 1][1]]
        if stop == len(places):
            return
        start = max(stop - _OVERLAP, start + 1)


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Places of the sentences; a longer one than a window comes in parts, so that nothing of it is cut off unread."""
    for start, end in sentences_of(text):
        while end - start > _WINDOW:
            blank = text.rfind(" ", start + 1, start + _WINDOW)
            cut = start + _WINDOW if blank < 0 else blank
            yield start, cut
            start = cut
        yield start, end


def _heard(windows: Sequence[_Read]) -> Heard:
    """By the window that most likely answers; nothing only where none does."""
    silent = LABELS.index(NOTHING)
    best = min(windows, key=lambda one: float(one.chances[silent]))
    label = int(best.chances.argmax())
    sure = float(best.chances[label])
    if LABELS[label] != VALUE:
        return Heard(None if label == silent else LABELS[label], sure)
    if best.mark is None:
        return Heard(None, 0.0)
    return Heard(best.body[best.mark.start : best.mark.end], sure * best.mark.probability)
