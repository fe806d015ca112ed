"""Tiers that say of a question's documents whether they contradict each other, and on what level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mendgraph.adapters.adapter_tier import own_calibration
from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.classifier import ClassifierTier
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.outcomes import nan_rows, outcome
from mendgraph.adapters.pair_reader import PairReader
from mendgraph.core.arrays import FloatArray
from mendgraph.core.conflict import LEVELS, Document, documents_of
from mendgraph.core.evidence import FEATURES, evidence
from mendgraph.core.pairing import MOST_COMPARED, combined, compared, pairs_among
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import InputError
from mendgraph.modules.compared_head import ComparedHead
from mendgraph.runtime.notes import note

__all__ = ["ConflictClassifierTier", "ConflictTypesTier", "asked", "set_text"]


def asked(question: str, document: str) -> str:
    """The first text of a pair: the question before its document, as in ``query [SEP] documents``."""
    return f"{question} [SEP] {document}" if question else document


def set_text(question: str, documents: Sequence[Document]) -> str:
    """Question and documents as one text, as the published classifiers read them."""
    return " [SEP] ".join([question, *(document.text for document in documents)])


class ConflictTypesTier:
    """Answers rows with an artefact's adapter and head, which read every two documents of a set together.

    A row's value names the two documents that contradict each other most: ``{"pair": [id, id]}``.  A document alone
    contradicts nothing.
    """

    def __init__(self, name: str, encoder: SharedEncoder, artifact: Artifact, *, merge: bool = True) -> None:
        manifest = artifact.manifest
        self.name = name
        self.fingerprint = artifact.fingerprint
        self.labels = manifest.labels
        self.calibrator = own_calibration(artifact)
        self._reader = PairReader(
            encoder, artifact, ComparedHead, labels=LEVELS, features=FEATURES, part="types", merge=merge
        )

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        documents = [documents_of(row) for row in rows]
        found = self.levels([(row.text, docs) for row, docs in zip(rows, documents, strict=True)])
        return [
            self._said(docs, chances, pair) for docs, (chances, pair) in zip(documents, found, strict=True)
        ]

    def levels(
        self, sets: Sequence[tuple[str, Sequence[Document]]]
    ) -> list[tuple[FloatArray, tuple[int, int] | None]]:
        """Per question with documents: probabilities of `LEVELS`, and the places of the pair they come from.

        None for a pair, and "none" for certain, where there is one document; NaN where the model's output is.
        """
        wanted: list[tuple[int, tuple[int, int]]] = []
        for number, (question, documents) in enumerate(sets):
            places = compared(question, [document.text for document in documents])
            if len(places) < len(documents):
                note(
                    f"{MOST_COMPARED} of {len(documents):,} documents were compared, those closest to the question"
                )
            wanted += [(number, pair) for pair in pairs_among(places)]
        pairs = [
            (sets[number][0], sets[number][1][a].text, sets[number][1][b].text) for number, (a, b) in wanted
        ]
        chances = self.pair_chances(pairs)
        owner = np.array([number for number, _ in wanted], dtype=np.int64)
        found: list[tuple[FloatArray, tuple[int, int] | None]] = []
        for number in range(len(sets)):
            rows = np.flatnonzero(owner == number)
            if not len(rows):
                found.append((np.eye(len(LEVELS))[0], None))
                continue
            best, worst = combined(chances[rows])
            found.append((best, wanted[int(rows[worst])][1]))
        return found

    def pair_chances(self, pairs: Sequence[tuple[str, str, str]]) -> FloatArray:
        """(N, levels) probabilities of (question, document, document)."""
        if not pairs:
            return np.empty((0, len(LEVELS)))
        logits, cut = self._reader.logits(
            [(asked(question, first), second) for question, first, second in pairs],
            [evidence(*pair) for pair in pairs],
        )
        if cut:
            note(f"{cut:,} of {len(pairs):,} pairs of documents were cut to {self._reader.max_length} tokens")
        return np.asarray(nan_rows(logits).softmax(-1).double().numpy())

    def _said(
        self, documents: Sequence[Document], chances: FloatArray, pair: tuple[int, int] | None
    ) -> Prediction | Failure:
        if not documents:
            return _no_documents()
        found = outcome(self.name, self.labels, chances.tolist())
        if isinstance(found, Failure):
            return found
        return replace(found, value={"pair": None if pair is None else [documents[at].id for at in pair]})


class ConflictClassifierTier:
    """Any Hugging Face sequence classifier over ``query [SEP] doc1 [SEP] doc2 ...``, as DeBERTa-v3-large, DistilBERT
    or TinyBERT fine-tuned for it; its labels are mapped onto `LEVELS` as `ClassifierTier` does."""

    def __init__(
        self,
        name: str,
        model: str,
        label_map: Mapping[str, str | None] | None = None,
        **limits: Any,
    ) -> None:
        self.name = name
        self.labels = LEVELS
        self._inner = ClassifierTier(name, model, LEVELS, label_map, **limits)
        self.fingerprint = self._inner.fingerprint

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        documents = [documents_of(row) for row in rows]
        texts = [
            replace(row, text=set_text(row.text, docs)) for row, docs in zip(rows, documents, strict=True)
        ]
        found = self._inner.predict(texts)
        return [one if docs else _no_documents() for one, docs in zip(found, documents, strict=True)]


def _no_documents() -> Failure:
    return Failure.of(
        InputError("the row has no documents", hint='give {"question": ..., "documents": [text, ...]}')
    )
